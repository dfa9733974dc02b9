"""What stops a deployment before its targets are done; each rule, and which one gives the reason."""

from typing import Any

import pytest

from dides.engine.reconcile import reconcile
from dides.engine.threshold import threshold_reached
from dides.engine.trip import blocked_too_long, deadline_passed, wave_failed, why_tripped
from dides.engine.verdict import Time
from dides.model.deployment import Deployment, Lapse, Timers, Wave
from dides.model.policy import Policy
from dides.model.state import Status
from support.builders import (
    NOW,
    PAUSED,
    V1,
    candidate,
    counts,
    deployment,
    report,
    rollback,
    snapshot,
    succeeded,
    updating,
)

RUNNING = Time(NOW, timeouts_run=True)
STANDING_STILL = Time(NOW, timeouts_run=False)  # in a pause, or right after an outage


def canary(states: dict[str, int], its_wave: Wave, **changes: Any) -> Deployment:
    """Waves of 2, then up to 10; it takes many failures to trip by the threshold."""
    return deployment(threshold=9, waves=(2, 10), counts=counts(**states), wave=its_wave, **changes)


def test_a_wave_that_is_over_without_a_success_stops_the_deployment() -> None:
    reason = wave_failed(canary({"pending": 8, "failed": 2}, Wave()), RUNNING)
    assert reason is not None
    assert "none of the 2 targets that started in wave 1 of 2 succeeded" in reason


@pytest.mark.parametrize(
    ("why", "states", "its_wave"),
    [
        ("one of it succeeded", {"pending": 8, "failed": 1, "succeeded": 1}, Wave(succeeded=1)),
        ("one is updating", {"pending": 8, "failed": 1, "updating": 1}, Wave()),
        ("one is still to start", {"pending": 9, "failed": 1}, Wave()),
        ("it is the last wave, which ending.py looks after", {"failed": 10}, Wave(open=2)),
    ],
)
def test_a_wave_does_not_stop_it_while(why: str, states: dict[str, int], its_wave: Wave) -> None:
    assert wave_failed(canary(states, its_wave), RUNNING) is None, why


def test_the_only_success_of_a_wave_that_dies_while_it_soaks_stops_the_deployment() -> None:
    soaking = canary(
        {"pending": 8, "failed": 1, "succeeded": 1},
        Wave(succeeded=1),
        policy=Policy(wave_pause=60),
        timers=Timers(soaked_at=NOW + 1),
    )
    died = succeeded(1, report=report(Status.FAILED), wave=1, lapse=Lapse.LEFT)
    plan = reconcile(snapshot(soaking, [candidate(3)], reported=(died,)))
    assert plan.ending is not None
    assert plan.ending.stop
    assert plan.ending.rollback
    assert not plan.assigned


def test_a_success_of_an_earlier_wave_that_dies_does_not_count_against_the_open_one() -> None:
    second = deployment(
        threshold=9,
        window=9,
        waves=(1, 3, 10),
        counts=counts(pending=7, succeeded=2, updating=1),
        wave=Wave(open=2, began_with=1, succeeded=1),
    )
    died = succeeded(1, report=report(Status.FAILED), wave=1)
    arrived = updating(3, report=report(), wave=2)
    plan = reconcile(snapshot(second, [candidate(4)], reported=(died, arrived)))
    assert plan.ending is None
    assert plan.deployment.wave == Wave(open=3, began_with=3, succeeded=0)


def test_the_last_wave_without_a_success_stops_it_too_when_nothing_is_left() -> None:
    last = deployment(
        threshold=9, waves=(1, 2), counts=counts(succeeded=1, updating=1), wave=Wave(open=2, began_with=1)
    )
    plan = reconcile(snapshot(last, reported=(updating(2, report=report(Status.FAILED, V1), wave=2),)))
    assert plan.ending is not None
    assert plan.ending.rollback
    assert "in wave 2 of 2 failed" in plan.ending.reason


def test_a_percentage_threshold_of_the_first_wave_is_stricter_than_of_the_last() -> None:
    one_failed = counts(pending=48, succeeded=1, failed=1)
    in_the_first = deployment(threshold="10%", waves=(2, 50), counts=one_failed, wave=Wave(succeeded=1))
    in_the_last = deployment(threshold="10%", waves=(2, 50), counts=one_failed, wave=Wave(open=2, began_with=2))
    assert threshold_reached(in_the_first, RUNNING)
    assert threshold_reached(in_the_last, RUNNING) is None


def late(early: int = 0, **changes: Any) -> Deployment:
    its = {"policy": Policy(deadline=90), "timers": Timers(deadline_at=NOW + early), "counts": counts(pending=2)}
    return deployment(**{**its, **changes})


@pytest.mark.parametrize(("early", "stops"), [(1, False), (0, True), (-1, True)])
def test_the_deadline_passes_at_its_moment_and_not_a_millisecond_earlier(early: int, stops: bool) -> None:
    assert (deadline_passed(late(early), RUNNING) is not None) is stops


def test_the_reason_of_a_passed_deadline_says_how_many_were_not_done() -> None:
    reason = deadline_passed(late(counts=counts(pending=2, updating=1, succeeded=4)), RUNNING)
    assert reason == "deadline of 90 s passed: 3 of 7 were not done"


def test_without_a_deadline_none_passes() -> None:
    assert deadline_passed(late(timers=Timers()), RUNNING) is None


def test_the_deadline_stands_still_in_a_pause_and_after_an_outage() -> None:
    assert deadline_passed(late(), STANDING_STILL) is None
    assert reconcile(snapshot(late(status=PAUSED))).ending is None
    assert reconcile(snapshot(late(), [candidate(1)], quiet_until=NOW + 1)).ending is None


def test_a_deadline_that_passed_while_timers_stand_still_is_looked_at_when_they_run_again() -> None:
    plan = reconcile(snapshot(late(-1, counts=counts(updating=1)), quiet_until=NOW + 300))
    assert plan.next_deadline == NOW + 300


def test_a_deployment_that_is_done_at_its_deadline_was_in_time() -> None:
    arriving = late(counts=counts(succeeded=1, updating=1), wave=Wave(succeeded=1))
    plan = reconcile(snapshot(arriving, reported=(updating(2, report=report()),)))
    assert plan.ending is not None
    assert not plan.ending.stop
    assert "2 of 2 at the target" in plan.ending.reason


def test_unreachable_ones_alone_do_not_miss_the_deadline() -> None:
    assert deadline_passed(late(counts=counts(pending=2, deferred=2, succeeded=1)), RUNNING) is None


def test_a_deadline_that_passes_before_anything_was_told_is_not_rolled_back() -> None:
    plan = reconcile(snapshot(late(), [candidate(1)]))
    assert plan.ending is not None
    assert (plan.ending.stop, plan.ending.rollback) == (True, False)


def held(early: int = 0, **changes: Any) -> Deployment:
    its = {
        "max_unavailable": 2,
        "counts": counts(pending=5, unavailable=2),
        "timers": Timers(blocked_until=NOW + early),
    }
    return deployment(**{**its, **changes})


@pytest.mark.parametrize(("early", "stops"), [(1, False), (0, True), (-1, True)])
def test_max_unavailable_has_held_for_too_long_at_the_moment(early: int, stops: bool) -> None:
    assert (blocked_too_long(held(early), RUNNING) is not None) is stops


@pytest.mark.parametrize(
    ("why", "changes"),
    [
        ("it holds nothing now", {"timers": Timers()}),
        ("one is updating", {"counts": counts(pending=4, updating=1, unavailable=2)}),
        ("there is room again", {"counts": counts(pending=5, unavailable=1)}),
        ("it is not set", {"max_unavailable": None}),
    ],
)
def test_max_unavailable_does_not_stop_it_when(why: str, changes: dict[str, Any]) -> None:
    assert blocked_too_long(held(**changes), RUNNING) is None, why


def test_max_unavailable_stops_nothing_while_timers_stand_still() -> None:
    assert blocked_too_long(held(), STANDING_STILL) is None


def test_a_rollback_is_stopped_by_nothing() -> None:
    everything: dict[str, Any] = {
        "threshold": 1,
        "waves": (1, 10),
        "counts": counts(pending=9, failed=1, unavailable=9),
        "max_unavailable": 1,
        "timers": Timers(deadline_at=NOW, blocked_until=NOW),
    }
    assert why_tripped(rollback(**everything), RUNNING) is None
    assert why_tripped(deployment(**everything), RUNNING)


def test_the_first_rule_that_matches_gives_the_reason() -> None:
    failed_and_late = deployment(
        waves=(1, 10),
        counts=counts(pending=9, failed=1, unavailable=9),
        max_unavailable=1,
        policy=Policy(deadline=90),
        timers=Timers(deadline_at=NOW, blocked_until=NOW),
    )
    reasons = []
    for threshold, waves in ((1, (1, 10)), (2, (1, 10)), (2, (2, 10))):
        reasons.append(why_tripped(_with(failed_and_late, threshold, waves), RUNNING) or "")
    no_deadline = _with(failed_and_late, 2, (2, 10), timers=Timers(blocked_until=NOW))
    reasons.append(why_tripped(no_deadline, RUNNING) or "")
    assert [each.split(":")[0] for each in reasons] == [
        "failure threshold reached",
        "no target succeeded",
        "deadline of 90 s passed",
        "held by max_unavailable for 600 s",
    ]


def _with(its: Deployment, threshold: int, waves: tuple[int, ...], **changes: Any) -> Deployment:
    fields = {field: getattr(its, field) for field in ("counts", "max_unavailable", "timers", "policy")}
    return deployment(threshold=threshold, **{**fields, "waves": waves, **changes})


def test_a_trip_is_found_in_a_pause_as_well() -> None:
    paused = deployment(status=PAUSED, counts=counts(pending=1, updating=1))
    plan = reconcile(snapshot(paused, reported=(updating(1, report=report(Status.FAILED, V1)),)))
    assert plan.ending is not None
    assert plan.ending.stop
