"""Rehearsed rollouts that can be worked out by hand: every update takes 10 s, and all of them go alike."""

from typing import Any

import pytest

from dides.engine import window
from dides.model.deployment import Deployment, DeploymentStatus
from dides.model.errors import InvalidError
from dides.model.policy import Policy
from dides.rehearsal.durations import Normal, Recorded
from dides.rehearsal.fleet import Condition, Group
from dides.rehearsal.rehearse import Rehearsal, rehearse_once, trigger
from dides.rehearsal.run import Chances, Outcome

TEN_SECONDS = Normal(mean_ms=10_000)


def play(*fleet: Group, chances: Chances | None = None, seed: int = 0, run: int = 0, **policy: Any) -> Outcome:
    rehearsal = Rehearsal(
        fleet=fleet, policy=Policy(**policy), chances=chances or Chances(durations=TEN_SECONDS), seed=seed
    )
    return rehearse_once(rehearsal, run)


def all_fail(**chances: Any) -> Chances:
    return Chances(durations=TEN_SECONDS, failure_rate=1.0, **chances)


def all_lost(**chances: Any) -> Chances:
    return Chances(durations=TEN_SECONDS, lost_rate=1.0, **chances)


@pytest.mark.parametrize(("instances", "batch_size", "seconds"), [(4, 2, 20), (10, 3, 40), (10, "25%", 40), (7, 7, 10)])
def test_a_rollout_without_chance_takes_a_round_for_every_window(
    instances: int, batch_size: int | str, seconds: int
) -> None:
    outcome = play(Group(instances), batch_size=batch_size)
    assert outcome.completed
    assert (outcome.total_ms, outcome.reached, outcome.failed) == (seconds * 1000, instances, 0)
    assert outcome.rollback_ms is None


def test_the_window_is_what_is_down_at_once() -> None:
    assert play(Group(10), batch_size=3).most_down == 3


def test_the_engine_is_what_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = window.caps

    def doubled(deployment: Deployment) -> dict[str, int]:
        return {name: 2 * cap for name, cap in honest(deployment).items()}

    trigger.cache_clear()
    monkeypatch.setattr(window, "caps", doubled)
    outcome = play(Group(4), batch_size=2)
    trigger.cache_clear()
    assert (outcome.total_ms, outcome.most_down) == (10_000, 4)


@pytest.mark.parametrize(("size", "threshold"), [(1, 1), (1, 3), (4, 1), (4, 2), (5, 9)])
def test_a_version_that_always_fails_reaches_the_window_and_the_failures_before_the_last(
    size: int, threshold: int
) -> None:
    outcome = play(Group(100), chances=all_fail(), batch_size=size, failure_threshold=threshold, auto_rollback=False)
    assert outcome.status is DeploymentStatus.FAILED
    assert outcome.reason.startswith("failure threshold reached")
    assert outcome.reached == threshold - 1 + size
    assert outcome.most_down == threshold - 1 + size
    assert outcome.failed == threshold


def test_a_rollback_follows_and_is_part_of_the_total_time() -> None:
    outcome = play(Group(5), chances=all_fail(), batch_size=2, failure_threshold=3)
    # Two fail at 10 s, one of the next two at 20 s. All four are told to go back, two at a time.
    assert (outcome.rollout_ms, outcome.rollback_ms, outcome.total_ms) == (20_000, 20_000, 40_000)
    assert (outcome.reached, outcome.not_returned) == (4, 0)
    assert (outcome.most_down, outcome.most_down_in_rollback) == (4, 4)


def test_waves_and_the_soaks_between_them_take_their_time() -> None:
    # Waves of 1, 2 and 4 in all: 10 s each, and a minute after the first and the second.
    outcome = play(Group(4), batch_size=2, waves=(1, "50%"), wave_pause=60.0)
    assert (outcome.completed, outcome.total_ms) == (True, 150_000)


def test_a_wave_that_waits_for_an_operator_is_promoted_at_once() -> None:
    outcome = play(Group(4), batch_size=2, waves=(1, "50%"), wave_pause="manual")
    assert (outcome.completed, outcome.total_ms) == (True, 30_000)


def test_a_canary_that_fails_is_all_that_is_reached() -> None:
    outcome = play(Group(100), chances=all_fail(), waves=(1,), batch_size=50, failure_threshold="10%")
    assert (outcome.reached, outcome.rollout_ms, outcome.rollback_ms) == (1, 10_000, 10_000)


def test_a_deadline_stops_at_its_very_moment() -> None:
    outcome = play(Group(4), deadline=25.0, auto_rollback=False)
    assert outcome.reason.startswith("deadline of 25 s passed")
    assert (outcome.rollout_ms, outcome.reached, outcome.failed) == (25_000, 3, 0)


def test_being_healthy_for_a_while_is_part_of_every_update() -> None:
    assert play(Group(4), batch_size=2, min_healthy_time=5.0).total_ms == 30_000


def test_a_retry_waits_and_takes_as_long_again() -> None:
    outcome = play(Group(1), chances=all_fail(), retries=1, auto_rollback=False)
    assert (outcome.rollout_ms, outcome.reached, outcome.failed) == (25_000, 1, 1)


def test_an_update_that_takes_too_long_fails() -> None:
    outcome = play(Group(1), update_timeout=4.0, auto_rollback=False)
    assert (outcome.rollout_ms, outcome.failed) == (4_000, 1)


def test_a_lost_instance_keeps_its_slot_until_the_timeout_and_does_not_return() -> None:
    outcome = play(Group(2), chances=all_lost(time_to_live_ms=30_000), update_timeout=60.0)
    assert (outcome.rollout_ms, outcome.reached, outcome.failed) == (60_000, 1, 1)
    # It is known to be unreachable by then: the rollback does not wait for it.
    assert (outcome.rollback_ms, outcome.not_returned) == (0, 1)


def test_one_that_is_not_known_to_be_lost_yet_holds_the_rollback_up() -> None:
    outcome = play(Group(2), chances=all_lost(time_to_live_ms=90_000), update_timeout=60.0)
    assert (outcome.rollout_ms, outcome.rollback_ms, outcome.not_returned) == (60_000, 60_000, 1)


def test_who_is_there_already_costs_no_time_and_counts_as_reached() -> None:
    outcome = play(Group(3, Condition.THERE), Group(2), batch_size=1)
    assert (outcome.completed, outcome.total_ms, outcome.reached) == (True, 20_000, 5)


def test_who_is_unreachable_is_down_and_costs_no_time() -> None:
    outcome = play(Group(3, Condition.UNREACHABLE), Group(2), batch_size=1)
    assert (outcome.completed, outcome.total_ms, outcome.reached) == (True, 20_000, 2)
    assert outcome.most_down == 4


def test_the_unhealthy_are_mended_by_their_update() -> None:
    outcome = play(Group(2, Condition.UNHEALTHY), Group(2), batch_size=4, max_unavailable=2, auto_rollback=False)
    # The two that are down already are told first; once they are up, the other two may go.
    assert (outcome.completed, outcome.total_ms, outcome.most_down) == (True, 20_000, 2)


def test_max_unavailable_binds_like_a_smaller_window() -> None:
    outcome = play(Group(4), batch_size=4, max_unavailable="50%")
    assert (outcome.total_ms, outcome.most_down) == (20_000, 2)


def test_a_value_to_spread_by_never_has_more_than_its_share() -> None:
    zones = (Group(5, spread="a"), Group(1, spread="b"))
    assert play(*zones, batch_size=2).total_ms == 30_000
    assert play(*zones, batch_size=2, spread_by="zone").total_ms == 50_000


def test_too_many_values_to_spread_by_are_refused() -> None:
    with pytest.raises(InvalidError, match="101"):
        play(*(Group(1, spread=f"{number:03}") for number in range(101)), spread_by="zone")


def test_the_same_seed_gives_the_same_outcomes_and_another_seed_others() -> None:
    chances = Chances(durations=Normal(mean_ms=10_000, spread_ms=3_000), failure_rate=0.1, lost_rate=0.02)

    def outcomes(seed: int) -> list[Outcome]:
        return [play(Group(50), chances=chances, seed=seed, run=run, batch_size=5, retries=1) for run in range(5)]

    assert outcomes(1) == outcomes(1)
    assert outcomes(1) != outcomes(2)
    assert len({outcome.total_ms for outcome in outcomes(1)}) > 1


def test_recorded_durations_are_drawn_as_they_are() -> None:
    chances = Chances(durations=Recorded(durations_ms=(7_000, 9_000), deployments=(1,)))
    times = {play(Group(1), chances=chances, run=run).total_ms for run in range(20)}
    assert times == {7_000, 9_000}


def test_a_duration_is_never_zero_or_less() -> None:
    chances = Chances(durations=Normal(mean_ms=10, spread_ms=10_000))
    assert min(play(Group(1), chances=chances, run=run).total_ms for run in range(20)) == 1


def test_failures_come_about_as_often_as_the_rate_says() -> None:
    chances = Chances(durations=TEN_SECONDS, failure_rate=0.25)
    failed = sum(not play(Group(1), chances=chances, run=run).completed for run in range(400))
    assert 75 < failed < 125
