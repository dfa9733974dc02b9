"""`min_healthy_time`: HEALTHY at the target has to be held, and what restarts that."""

from typing import Any

import pytest

from dides.engine.reconcile import reconcile
from dides.engine.verdict import Time, judge, matters, note, silenced
from dides.model.deployment import Target, TargetState
from dides.model.instance import Report
from dides.model.policy import Policy
from dides.model.state import NOTHING, Status
from support.builders import DEADLINE, GENERATION, NOW, PAUSED, V1, V2, counts, deployment, report, snapshot, updating

TEN_SECONDS = Policy(min_healthy_time=10)
ITS = deployment(policy=TEN_SECONDS)
HELD = NOW + 10_000


def healthy(at: int = NOW, **changes: Any) -> Report:
    return report(at=at, **changes)


def hear(*reports: Report, policy: Policy = TEN_SECONDS) -> Target:
    target = updating(deadline_at=NOW + 600_000)
    for said in reports:
        target = note(target, said, deployment(policy=policy))
    return target


def has_succeeded(target: Target, at: int) -> bool:
    verdict = judge(target, Time(at, timeouts_run=True))
    return verdict is not None and verdict.state is TargetState.SUCCEEDED


def test_without_it_the_first_heartbeat_at_the_target_succeeds() -> None:
    assert has_succeeded(hear(healthy(), policy=Policy()), NOW)


@pytest.mark.parametrize(("early", "succeeds"), [(1, False), (0, True), (-1, True)])
def test_it_is_held_at_its_moment_and_not_a_millisecond_earlier(early: int, succeeds: bool) -> None:
    assert has_succeeded(hear(healthy()), HELD - early) is succeeds


def test_it_counts_from_the_first_of_several_heartbeats() -> None:
    assert hear(healthy(), healthy(NOW + 4_000), healthy(NOW + 9_000)).healthy_at == HELD


@pytest.mark.parametrize(
    "other",
    [
        report(Status.DEGRADED, V2, at=NOW + 1),
        report(Status.UNKNOWN, V2, at=NOW + 1),
        report(Status.HEALTHY, V1, at=NOW + 1),
        report(Status.HEALTHY, NOTHING, at=NOW + 1),
        report(Status.FAILED, V2, at=NOW + 1),
        # It was FAILED before; a heartbeat about the version alone does not say that it still is, nor that it is well.
        report(Status.FAILED, V2, at=NOW + 1, says_status=False),
    ],
)
def test_any_other_report_restarts_it(other: Report) -> None:
    assert hear(healthy(), other).healthy_at is None
    if other.status is not Status.FAILED or not other.says_status:
        assert hear(healthy(), other, healthy(NOW + 3_000)).healthy_at == NOW + 13_000


def test_a_heartbeat_that_does_not_count_restarts_nothing() -> None:
    target = hear(healthy(observed=GENERATION), report(Status.DEGRADED, V1, observed=GENERATION - 1))
    assert target.healthy_at == HELD


def test_silence_restarts_it() -> None:
    quiet = silenced(hear(healthy()), NOW + 5_000, ITS, NOW)
    assert quiet.healthy_at is None
    assert note(quiet, healthy(NOW + 6_000), ITS).healthy_at == NOW + 16_000


def test_silence_does_not_undo_what_was_held_before_it() -> None:
    target = hear(healthy())
    assert silenced(target, HELD, ITS, NOW) is target


def test_silence_of_one_that_is_not_healthy_changes_nothing() -> None:
    target = hear(report(Status.DEGRADED))
    assert silenced(target, HELD, ITS, NOW) is target


@pytest.mark.parametrize("later", [report(Status.DEGRADED, V2, at=HELD), report(Status.HEALTHY, V1, at=HELD)])
def test_what_was_held_counts_though_another_report_came_before_the_step(later: Report) -> None:
    assert has_succeeded(hear(healthy(), later), HELD)


@pytest.mark.parametrize(
    "later",
    [
        report(Status.FAILED, V2, at=HELD),
        report(Status.FAILED, V1, at=HELD),
        report(Status.HEALTHY, V1, at=HELD, observed=GENERATION),
    ],
)
def test_what_was_held_does_not_count_when_it_failed_or_fell_back_before_the_step(later: Report) -> None:
    verdict = judge(hear(healthy(), later), Time(HELD, timeouts_run=True))
    assert verdict is not None
    assert verdict.state is TargetState.FAILED


def test_failed_while_it_is_being_held_fails() -> None:
    verdict = judge(hear(healthy(), report(Status.FAILED, V2, at=HELD - 1)), Time(HELD, timeouts_run=True))
    assert verdict is not None
    assert verdict.state is TargetState.FAILED


@pytest.mark.parametrize(("healthy_at", "state"), [(DEADLINE, "succeeded"), (DEADLINE + 1, "failed")])
def test_one_that_has_not_held_it_by_its_timeout_has_timed_out(healthy_at: int, state: str) -> None:
    verdict = judge(updating(healthy_at=healthy_at, report=healthy()), Time(DEADLINE, timeouts_run=True))
    assert verdict is not None
    assert verdict.state == state


def test_it_runs_on_in_a_pause() -> None:
    paused = deployment(status=PAUSED, paused_at=NOW, counts=counts(pending=1, updating=1))
    plan = reconcile(snapshot(paused, now=HELD, due=(hear(healthy()),)))
    assert [each.state for each in plan.settled] == [TargetState.SUCCEEDED]


def test_a_step_is_called_for_when_it_begins_so_that_its_end_is_waited_for() -> None:
    before, begun = hear(), hear(healthy())
    assert matters(before, begun, NOW)
    assert not matters(begun, note(begun, healthy(NOW + 1), ITS), NOW + 1)


def test_it_keeps_the_slot_until_it_was_held() -> None:
    its_deployment = deployment(counts=counts(pending=1, updating=1), policy=TEN_SECONDS)
    plan = reconcile(snapshot(its_deployment, now=HELD - 1, reported=(hear(healthy()),)))
    assert (plan.settled, plan.assigned) == ((), ())
