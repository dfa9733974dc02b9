"""The ledger: rollouts worked out by hand. test_ledger_agrees.py sees that it does what coordinator and store do."""

from typing import Any

import pytest

from dides.model.deployment import DeploymentStatus, Kind, TargetState
from dides.model.policy import Ordering, Policy
from dides.model.state import State, Status
from dides.rehearsal.rollout import Ledger
from support.builders import PAUSED, V0, V1, V2, instance, report

SECOND, TIMEOUT = 1_000, 600_000  # ms
DEPLOY, ROLLBACK = Kind.DEPLOY, Kind.ROLLBACK
FAILED = DeploymentStatus.FAILED


def ledger(number: int = 3, **changes: Any) -> Ledger:
    """Instances that were told V1 and are HEALTHY there."""
    return Ledger(instance(each, **{"desired": V1, "last_good": V1, **changes}) for each in range(1, number + 1))


def begun(number: int = 3, **policy: Any) -> Ledger:
    fleet = ledger(number)
    fleet.trigger(V2, Policy(**policy))
    return fleet


def arrive(fleet: Ledger, *numbers: int) -> bool:
    """Let instances report HEALTHY where they are to be; return whether a step is due after the last one."""
    return say(fleet, Status.HEALTHY, *numbers)


def say(fleet: Ledger, status: Status, *numbers: int) -> bool:
    due = False
    for number in numbers:
        it = fleet.instances[number]
        current = it.desired or it.current
        due = fleet.ingest(number, report(status, current, at=fleet.now, observed=it.generation))
    return due


def states(fleet: Ledger) -> str:
    """Return the states of the targets in the order of their numbers, by their first letters; - for skipped."""
    return "".join(
        "-" if each.state is TargetState.SKIPPED else each.state.value[0].upper()
        for _, each in sorted(fleet.targets.items())
    )


def desired(fleet: Ledger) -> list[State | None]:
    return [each.desired for each in fleet.instances.values()]


def standing(fleet: Ledger) -> tuple[Kind, DeploymentStatus]:
    return fleet.its_deployment.kind, fleet.its_deployment.status


def test_a_trigger_tells_the_first_of_the_window() -> None:
    fleet = begun(batch_size=2)
    assert states(fleet) == "UUP"
    assert desired(fleet) == [V2, V2, V1]
    assert [fleet.instances[each].generation for each in (1, 2, 3)] == [7, 7, 6]


def test_each_that_arrives_makes_room_for_the_next_until_all_have() -> None:
    fleet = begun()
    for expected in ("SUP", "SSU", "SSS"):
        assert arrive(fleet, expected.count("S"))
        fleet.step()
        assert states(fleet) == expected
    assert standing(fleet) == (DEPLOY, DeploymentStatus.COMPLETED)
    assert {each.last_good for each in fleet.instances.values()} == {V2}


def test_a_heartbeat_calls_for_a_step_only_when_something_is_to_be_decided() -> None:
    fleet = begun()
    assert not fleet.ingest(1, report(Status.DEGRADED, V1, at=fleet.now, observed=7))
    assert not fleet.ingest(2, report(Status.HEALTHY, V1, at=fleet.now, observed=6))
    assert arrive(fleet, 1)


def test_one_already_there_is_skipped_in_the_first_step() -> None:
    fleet = Ledger([instance(1, current=V2), instance(2)])
    fleet.trigger(V2, Policy())
    assert states(fleet) == "-U"
    assert fleet.its_deployment.counts.already == 1


def test_a_failure_at_the_threshold_stops_it_and_the_rollback_returns_the_failed_ones_first() -> None:
    fleet = begun(batch_size=2, failure_threshold=1)
    arrive(fleet, 1)
    fleet.step()
    assert states(fleet) == "SUU"
    say(fleet, Status.FAILED, 3)
    fleet.step()
    assert standing(fleet) == (ROLLBACK, DeploymentStatus.RUNNING)
    assert fleet.undone is not None
    assert (fleet.undone.status, fleet.undone.counts.failed, fleet.undone.counts.skipped) == (FAILED, 1, 1)
    assert states(fleet) == "UPU"  # 3 failed; 1 was told first of the others
    assert desired(fleet) == [V1, V1, V1]


def test_a_rollback_ends_when_all_have_returned() -> None:
    fleet = begun(failure_threshold=1)
    say(fleet, Status.FAILED, 1)
    fleet.step()
    arrive(fleet, 1)
    fleet.step()
    assert standing(fleet) == (ROLLBACK, DeploymentStatus.COMPLETED)
    assert [fleet.instances[each].generation for each in (1, 2, 3)] == [8, 6, 6]


def test_without_auto_rollback_nothing_follows_and_the_pending_ones_are_skipped() -> None:
    fleet = begun(auto_rollback=False)
    say(fleet, Status.FAILED, 1)
    fleet.step()
    assert standing(fleet) == (DEPLOY, FAILED)
    assert states(fleet) == "F--"


def test_silence_times_out_as_lost() -> None:
    fleet = begun(auto_rollback=False)
    fleet.declare_unreachable(1)
    assert not fleet.instances[1].reachable
    fleet.now = TIMEOUT - 1
    assert fleet.step().next_deadline == TIMEOUT
    assert states(fleet) == "UPP"
    fleet.now = TIMEOUT
    fleet.step()
    assert fleet.targets[1].reason.startswith("lost")


def test_an_unreachable_one_is_put_off_and_takes_its_turn_when_it_returns() -> None:
    fleet = ledger()
    fleet.declare_unreachable(1)
    fleet.trigger(V2, Policy())
    assert (states(fleet), list(fleet.put_off)) == ("PUP", [1])
    assert fleet.ingest(1, report(Status.HEALTHY, V1, at=fleet.now))
    assert fleet.its_deployment.counts.deferred == 0
    for number in (2, 3, 1):
        arrive(fleet, number)
        fleet.step()
    assert states(fleet) == "SSS"


def test_those_that_stay_unreachable_are_skipped_untold_in_the_end() -> None:
    fleet = ledger()
    fleet.declare_unreachable(1)
    fleet.trigger(V2, Policy(batch_size=3))
    arrive(fleet, 2, 3)
    fleet.step()
    assert (states(fleet), fleet.instances[1].desired) == ("-SS", V1)
    assert standing(fleet) == (DEPLOY, DeploymentStatus.COMPLETED)


def test_a_retry_keeps_its_slot_and_is_told_after_the_backoff() -> None:
    fleet = begun(retries=1)
    say(fleet, Status.FAILED, 1)
    assert fleet.step().next_deadline == 5 * SECOND
    assert states(fleet) == "UPP"
    fleet.now = 5 * SECOND
    fleet.step()
    assert (fleet.instances[1].generation, fleet.targets[1].attempt) == (8, 2)
    arrive(fleet, 1)
    fleet.step()
    assert states(fleet) == "SUP"


def test_healthy_has_to_be_held_and_silence_restarts_it() -> None:
    fleet = begun(min_healthy_time=10)
    arrive(fleet, 1)
    assert fleet.step().next_deadline == 10 * SECOND
    fleet.now = 5 * SECOND
    fleet.declare_unreachable(1)
    fleet.now = 10 * SECOND
    fleet.step()
    assert states(fleet) == "UPP"
    arrive(fleet, 1)
    fleet.now = 20 * SECOND
    fleet.step()
    assert states(fleet) == "SUP"


def test_a_wave_waits_to_be_promoted() -> None:
    fleet = begun(waves=(1,), wave_pause="manual", batch_size=2)
    assert states(fleet) == "UPP"
    fleet.promote()
    assert states(fleet) == "UPP"  # it is not over
    arrive(fleet, 1)
    fleet.step()
    assert states(fleet) == "SPP"
    fleet.promote()
    assert (states(fleet), fleet.its_deployment.wave.open) == ("SUU", 2)


def test_a_promotion_judges_first_what_was_reported() -> None:
    fleet = begun(waves=(1,), wave_pause="manual", failure_threshold=2)
    arrive(fleet, 1)
    fleet.step()
    say(fleet, Status.FAILED, 1)
    fleet.promote()
    assert fleet.undone is not None
    assert fleet.undone.status is FAILED


def test_in_a_pause_timeouts_stand_still_from_its_first_moment() -> None:
    fleet = begun()
    fleet.pause()
    fleet.now = 2 * TIMEOUT
    fleet.step()
    assert (states(fleet), fleet.its_deployment.status) == ("UPP", PAUSED)
    fleet.resume()
    assert fleet.step().next_deadline == 3 * TIMEOUT


def test_an_outage_counts_as_a_pause_and_is_followed_by_a_quiet_time() -> None:
    fleet = begun(auto_rollback=False, deadline=900)
    fleet.now = 5 * TIMEOUT
    fleet.recover(away_ms=5 * TIMEOUT, quiet_until=fleet.now + 30 * SECOND)
    assert fleet.targets[1].deadline_at == 6 * TIMEOUT
    assert fleet.its_deployment.timers.deadline_at == 5 * TIMEOUT + 900 * SECOND
    assert fleet.step().next_deadline == 5 * TIMEOUT + 30 * SECOND


def test_after_an_outage_no_timeout_fires_before_the_quiet_time_is_over() -> None:
    fleet = begun(auto_rollback=False)
    fleet.now = TIMEOUT
    fleet.recover(away_ms=0, quiet_until=TIMEOUT + 30 * SECOND)
    fleet.step()
    assert states(fleet) == "UPP"
    fleet.now += 30 * SECOND
    fleet.step()
    assert states(fleet) == "F--"


@pytest.mark.parametrize("rollback", [True, False])
def test_an_abort_takes_back_what_was_not_read(rollback: bool) -> None:
    fleet = begun(batch_size=2)
    fleet.ingest(1, report(Status.DEGRADED, V1, at=fleet.now, observed=7))
    fleet.abort(rollback=rollback)
    if rollback:
        assert standing(fleet) == (ROLLBACK, DeploymentStatus.RUNNING)
        assert desired(fleet) == [V1, V1, V1]
    else:
        assert standing(fleet) == (DEPLOY, DeploymentStatus.ABORTED)
        assert (states(fleet), desired(fleet)) == ("---", [V2, V1, V1])


def test_an_abort_gives_the_verdicts_that_were_reported_first() -> None:
    fleet = begun()
    arrive(fleet, 1)
    fleet.abort()
    assert states(fleet) == "S--"


def test_a_rollback_returns_each_to_its_own_last_good_state() -> None:
    fleet = Ledger([instance(1, last_good=V0, desired=V1), instance(2, last_good=None, desired=V1)])
    fleet.trigger(V2, Policy(batch_size=2))
    fleet.abort(rollback=True)
    assert desired(fleet) == [V0, V1]


def test_the_window_is_spread_over_the_values_of_a_label() -> None:
    fleet = ledger(4)
    fleet.trigger(V2, Policy(batch_size=2, spread_by="zone"), {1: "a", 2: "a", 3: "b", 4: "b"})
    assert states(fleet) == "UPUP"


def test_a_shuffled_order_is_the_deployments_own() -> None:
    orders = set()
    for deployment_id in range(1, 9):
        fleet = ledger(5)
        fleet.trigger(V2, Policy(order=Ordering.SHUFFLE), deployment_id=deployment_id)
        orders.add(states(fleet))
    assert len(orders) > 1


def test_max_unavailable_counts_what_reports_and_silence_say() -> None:
    fleet = begun(5, batch_size=5, max_unavailable=2)
    assert (states(fleet), fleet.its_deployment.counts.unavailable) == ("UUPPP", 2)
    arrive(fleet, 1)
    fleet.declare_unreachable(5)
    fleet.step()
    assert (states(fleet), fleet.its_deployment.counts.unavailable) == ("SUPPP", 2)
    assert arrive(fleet, 5)  # room came free
    fleet.step()
    assert states(fleet) == "SUUPP"


def test_a_copy_goes_its_own_way() -> None:
    fleet = begun()
    arrive(fleet, 1)
    other = fleet.copy()
    other.declare_unreachable(3)
    other.step()
    other.now = TIMEOUT
    other.step()
    assert other.its_deployment.kind is ROLLBACK
    assert (states(fleet), fleet.now, list(fleet.marked), fleet.instances[3].reachable) == ("UPP", 0, [1], True)
    fleet.step()
    assert states(fleet) == "SUP"
