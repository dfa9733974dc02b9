"""`max_unavailable`: who counts, what changes the count, and who may be told."""

from typing import Any

import pytest

from dides.engine.availability import (
    change_at_report,
    change_at_settling,
    is_unavailable,
    max_unavailable_of,
    needs_room,
    room,
)
from dides.engine.reconcile import reconcile
from dides.engine.window import MAX_UNAVAILABLE, held_by
from dides.model.deployment import Deployment, TargetState, Timers
from dides.model.plan import Plan
from dides.model.policy import Policy
from dides.model.state import Status
from support.builders import (
    NOW,
    PAUSED,
    already_there,
    candidate,
    counts,
    deployment,
    pending,
    report,
    snapshot,
    succeeded,
    unreachable,
    updating,
)

HEALTHY, FAILED, UNKNOWN, DEGRADED = Status.HEALTHY, Status.FAILED, Status.UNKNOWN, Status.DEGRADED
TIMEOUT_MS = 600_000


def limited(most: int = 2, **changes: Any) -> Deployment:
    """Ten instances, up to five updating at once, but never more than two unavailable."""
    return deployment(**{"window": 5, "max_unavailable": most, "counts": counts(pending=10), **changes})


def told(plan: Plan) -> list[int]:
    return [each.target.id for each in plan.assigned if each.state is TargetState.UPDATING]


def test_without_max_unavailable_nothing_is_limited_or_counted() -> None:
    assert max_unavailable_of(Policy(), 10) is None
    assert room(deployment()) is None
    plan = reconcile(snapshot(deployment(window=2, counts=counts(pending=2)), [candidate(1), candidate(2)]))
    assert plan.deployment.counts.unavailable == 0


@pytest.mark.parametrize("status", Status)
@pytest.mark.parametrize("state", TargetState)
def test_a_target_counts_while_it_is_updating_or_its_instance_is_not_healthy(
    state: TargetState, status: Status
) -> None:
    assert is_unavailable(state, status) is (state is TargetState.UPDATING or status is not HEALTHY)


@pytest.mark.parametrize(
    ("before", "after", "change"),
    [(HEALTHY, FAILED, 1), (HEALTHY, UNKNOWN, 1), (FAILED, HEALTHY, -1), (FAILED, DEGRADED, 0), (HEALTHY, HEALTHY, 0)],
)
def test_a_report_changes_the_count_unless_the_target_is_updating_and_counts_anyway(
    before: Status, after: Status, change: int
) -> None:
    assert change_at_report(pending(), before, after) == change
    assert change_at_report(succeeded(), before, after) == change
    assert change_at_report(updating(), before, after) == 0


@pytest.mark.parametrize(("status", "change"), [(HEALTHY, -1), (FAILED, 0), (UNKNOWN, 0)])
def test_a_verdict_takes_a_healthy_instance_out_of_the_count(status: Status, change: int) -> None:
    assert change_at_settling(updating(status=status)) == change
    assert change_at_settling(succeeded(status=status)) == 0


def test_only_a_healthy_instance_needs_room() -> None:
    assert needs_room(candidate())
    assert not any(needs_room(candidate(status=status)) for status in (FAILED, UNKNOWN, DEGRADED))


def test_healthy_instances_are_told_until_the_limit_is_reached_whatever_the_window() -> None:
    plan = reconcile(snapshot(limited(), [candidate(number) for number in range(1, 6)]))
    assert told(plan) == [1, 2]
    assert plan.deployment.counts.unavailable == 2


def test_what_is_not_healthy_already_takes_up_the_room_of_others() -> None:
    its_deployment = limited(counts=counts(pending=10, unavailable=1))
    assert told(reconcile(snapshot(its_deployment, [candidate(1), candidate(2)]))) == [1]


def test_one_that_is_not_healthy_already_is_told_without_room_and_without_raising_the_count() -> None:
    its_deployment = limited(counts=counts(pending=10, unavailable=2))
    plan = reconcile(snapshot(its_deployment, [candidate(1), candidate(2, status=FAILED), candidate(3)]))
    assert told(plan) == [2]
    assert plan.deployment.counts.unavailable == 2


def test_one_already_at_the_target_needs_no_room() -> None:
    its_deployment = limited(counts=counts(pending=10, unavailable=2))
    plan = reconcile(snapshot(its_deployment, [already_there(1)]))
    assert [each.state for each in plan.assigned] == [TargetState.SKIPPED]
    assert plan.deployment.counts.unavailable == 2


def test_one_that_is_unreachable_is_put_off_and_keeps_counting() -> None:
    plan = reconcile(snapshot(limited(counts=counts(pending=10, unavailable=1)), [unreachable(1), candidate(2)]))
    assert [each.id for each in plan.deferred] == [1]
    assert plan.deployment.counts.unavailable == 2


@pytest.mark.parametrize("most", [1, 2, 3])
def test_a_count_above_the_limit_leaves_no_room_rather_than_less_than_none(most: int) -> None:
    assert room(limited(most, counts=counts(pending=10, unavailable=3))) == 0


def test_an_arrival_makes_room_for_the_next_in_the_same_step() -> None:
    its_deployment = limited(1, counts=counts(pending=9, updating=1, unavailable=1))
    arrived = updating(1, report=report(), status=HEALTHY)
    plan = reconcile(snapshot(its_deployment, [candidate(2), candidate(3)], reported=(arrived,)))
    assert told(plan) == [2]
    assert plan.deployment.counts.unavailable == 1


def test_a_failed_one_stays_in_the_count() -> None:
    its_deployment = limited(1, threshold=5, counts=counts(pending=9, updating=1, unavailable=1))
    failed = updating(1, report=report(FAILED), status=FAILED)
    plan = reconcile(snapshot(its_deployment, [candidate(2)], reported=(failed,)))
    assert told(plan) == []
    assert plan.deployment.counts.unavailable == 1


def blocked(**changes: Any) -> Deployment:
    return limited(counts=counts(pending=10, unavailable=2), **changes)


def test_held_by_it_with_nothing_updating_begins_the_time_after_which_that_is_too_long() -> None:
    after = reconcile(snapshot(blocked(), [candidate(1)])).deployment
    assert after.timers.blocked_until == NOW + TIMEOUT_MS
    assert after.blocked_by == held_by(after) == MAX_UNAVAILABLE


def test_that_time_runs_from_the_first_such_step() -> None:
    earlier = blocked(timers=Timers(blocked_until=NOW + 1))
    assert reconcile(snapshot(earlier, [candidate(1)])).deployment.timers.blocked_until == NOW + 1


def test_while_one_is_updating_that_time_does_not_run() -> None:
    its_deployment = limited(counts=counts(pending=9, updating=1, unavailable=2), timers=Timers(blocked_until=NOW + 1))
    assert reconcile(snapshot(its_deployment, [candidate(2)])).deployment.timers.blocked_until is None


def test_one_that_can_be_told_ends_that_time() -> None:
    its_deployment = limited(counts=counts(pending=10, unavailable=1), timers=Timers(blocked_until=NOW + 1))
    assert reconcile(snapshot(its_deployment, [candidate(1)])).deployment.timers.blocked_until is None


def test_in_a_pause_that_time_neither_begins_nor_ends() -> None:
    assert reconcile(snapshot(blocked(status=PAUSED))).deployment.timers.blocked_until is None
    begun = blocked(status=PAUSED, timers=Timers(blocked_until=NOW + 1))
    assert reconcile(snapshot(begun)).deployment.timers.blocked_until == NOW + 1


def test_held_for_update_timeout_with_nothing_updating_it_fails_and_says_what_to_do() -> None:
    plan = reconcile(snapshot(blocked(timers=Timers(blocked_until=NOW)), [candidate(1)]))
    assert plan.ending is not None
    assert plan.ending.stop
    assert plan.ending.reason.startswith(
        "held by max_unavailable for 600 s: 2 of 10 are not HEALTHY (at most 2 may be)"
    )
    assert not plan.assigned
    assert not plan.ending.rollback  # nothing was told, so there is nothing to undo


def test_room_that_came_free_at_the_last_moment_is_used() -> None:
    its_deployment = limited(counts=counts(pending=10, unavailable=1), timers=Timers(blocked_until=NOW))
    plan = reconcile(snapshot(its_deployment, [candidate(1)]))
    assert plan.ending is None
    assert told(plan) == [1]
