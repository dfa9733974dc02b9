"""One step of a rollout: how the rules work together."""

import pytest

from dides.engine.reconcile import reconcile
from dides.engine.window import may_examine
from dides.model.deployment import Counts, DeploymentStatus, Lapse, Target, TargetState
from dides.model.plan import Plan
from dides.model.policy import Policy
from dides.model.state import Status
from support.builders import (
    DEADLINE,
    GENERATION,
    NOW,
    PAUSED,
    V1,
    V2,
    already_there,
    candidate,
    counts,
    deployment,
    report,
    returning,
    rollback,
    snapshot,
    succeeded,
    unreachable,
    updating,
)


def arrived(number: int) -> Target:
    return updating(number, report=report())


def failing(number: int) -> Target:
    return updating(number, report=report(Status.FAILED, V1))


def late(number: int) -> Target:
    return updating(number, deadline_at=NOW)


def told(plan: Plan) -> list[int]:
    return [each.target.id for each in plan.assigned if each.state is TargetState.UPDATING]


def test_the_first_step_fills_the_window() -> None:
    plan = reconcile(snapshot(deployment(window=2, counts=counts(pending=3)), map(candidate, (1, 2, 3))))
    assert told(plan) == [1, 2]
    assert plan.deployment.counts == counts(pending=1, updating=2)
    assert (plan.ending, plan.run_again, plan.next_deadline) == (None, False, NOW + 600_000)


def test_the_slot_of_a_succeeded_target_goes_to_the_next_pending_one_in_the_same_step() -> None:
    its_deployment = deployment(window=2, counts=counts(pending=2, updating=2))
    plan = reconcile(snapshot(its_deployment, map(candidate, (3, 4)), reported=(arrived(1),)))
    assert told(plan) == [3]
    assert plan.deployment.counts == counts(pending=1, updating=2, succeeded=1)


def test_a_failed_target_frees_its_slot_while_failures_are_under_the_threshold() -> None:
    its_deployment = deployment(threshold=2, counts=counts(pending=2, updating=1))
    plan = reconcile(snapshot(its_deployment, [candidate(2)], reported=(failing(1),)))
    assert told(plan) == [2]
    assert plan.deployment.counts == counts(pending=1, updating=1, failed=1)


def test_a_timed_out_target_frees_its_slot_too() -> None:
    its_deployment = deployment(threshold=2, counts=counts(pending=2, updating=1))
    plan = reconcile(snapshot(its_deployment, [candidate(2)], due=(late(1),)))
    assert told(plan) == [2]


def test_a_target_that_reported_and_is_overdue_gets_one_verdict() -> None:
    both = updating(1, report=report(), deadline_at=NOW)
    plan = reconcile(snapshot(deployment(counts=counts(updating=1)), reported=(both,), due=(both,)))
    assert [each.state for each in plan.settled] == [TargetState.SUCCEEDED]
    assert plan.deployment.counts == counts(succeeded=1)


@pytest.mark.parametrize("status", [DeploymentStatus.RUNNING, PAUSED])
@pytest.mark.parametrize("auto_rollback", [True, False])
def test_reaching_the_threshold_trips_at_once_even_in_a_pause(status: DeploymentStatus, auto_rollback: bool) -> None:
    its_deployment = deployment(
        status=status,
        window=3,
        threshold=2,
        policy=Policy(auto_rollback=auto_rollback),
        counts=counts(pending=4, updating=2, failed=1),
    )
    plan = reconcile(snapshot(its_deployment, [already_there(4), unreachable(5), candidate(6)], reported=(failing(2),)))
    assert plan.ending is not None
    assert (plan.ending.status, plan.ending.stop) == (DeploymentStatus.FAILED, True)
    assert plan.ending.rollback is auto_rollback


def test_once_tripped_nothing_new_is_told() -> None:
    its_deployment = deployment(window=3, counts=counts(pending=4, updating=1))
    plan = reconcile(snapshot(its_deployment, [already_there(4), unreachable(5), candidate(6)], reported=(failing(1),)))
    assert (plan.assigned, plan.deferred, plan.run_again, plan.next_deadline) == ((), (), False, None)
    assert plan.deployment.counts == counts(pending=4, failed=1)
    assert plan.deployment.counts.stopped() == counts(failed=1, skipped=4)


def test_a_canary_that_dies_after_it_succeeded_trips_the_deployment_instead_of_completing_it() -> None:
    dead = succeeded(1, report=report(Status.FAILED, V2), lapse=Lapse.LEFT)
    plan = reconcile(
        snapshot(deployment(counts=counts(updating=1, succeeded=1, degraded=1)), reported=(dead, arrived(2)))
    )
    assert plan.deployment.counts == counts(succeeded=1, failed=1)
    assert plan.ending is not None
    assert plan.ending.stop


def test_failures_in_a_rollback_do_not_stop_it() -> None:
    its_rollback = rollback(threshold=1, counts=counts(pending=1, updating=1))
    plan = reconcile(snapshot(its_rollback, [returning(2)], reported=(failing(1),)))
    assert plan.ending is None
    assert told(plan) == [2]


def test_a_paused_deployment_gives_verdicts_and_tells_nothing_new() -> None:
    its_deployment = deployment(status=PAUSED, window=2, counts=counts(pending=3, updating=1))
    plan = reconcile(snapshot(its_deployment, [already_there(2), unreachable(3), candidate(4)], reported=(arrived(1),)))
    assert [each.state for each in plan.settled] == [TargetState.SUCCEEDED]
    assert (plan.assigned, plan.deferred, plan.run_again) == ((), (), False)
    assert plan.ending is None


def test_in_a_pause_no_timeout_fires_but_the_end_of_min_healthy_time_is_waited_for() -> None:
    its_deployment = deployment(status=PAUSED, counts=counts(updating=2))
    plan = reconcile(snapshot(its_deployment, due=(late(1),), next_deadline=DEADLINE))
    assert (plan.settled, plan.next_deadline) == ((), DEADLINE)


def test_a_paused_deployment_of_which_nothing_is_left_completes() -> None:
    plan = reconcile(snapshot(deployment(status=PAUSED, counts=counts(updating=1)), reported=(arrived(1),)))
    assert plan.ending is not None
    assert plan.ending.status is DeploymentStatus.COMPLETED


def test_a_paused_deployment_gives_unreachable_targets_until_it_is_resumed() -> None:
    states = counts(updating=1, pending=1, deferred=1)
    plan = reconcile(snapshot(deployment(status=PAUSED, counts=states), reported=(arrived(1),)))
    assert (plan.ending, plan.skip_deferred) == (None, False)


def test_a_coordinator_that_came_back_lets_no_timeout_fire_and_looks_again_when_it_may() -> None:
    its_deployment = deployment(counts=counts(updating=2))
    quiet = snapshot(its_deployment, due=(late(1),), next_deadline=DEADLINE, quiet_until=NOW + 30)
    plan = reconcile(quiet)
    assert (plan.settled, plan.next_deadline) == ((), NOW + 30)


@pytest.mark.parametrize(
    ("timeout", "other", "due"), [(5.0, None, NOW + 5_000), (5.0, DEADLINE, DEADLINE), (0.5, DEADLINE, NOW + 500)]
)
def test_the_next_step_is_due_at_the_earliest_deadline(timeout: float, other: int | None, due: int) -> None:
    its_deployment = deployment(window=2, policy=Policy(update_timeout=timeout), counts=counts(pending=1, updating=1))
    assert reconcile(snapshot(its_deployment, [candidate(2)], next_deadline=other)).next_deadline == due


def test_targets_already_there_take_no_slot_and_count_as_there() -> None:
    plan = reconcile(snapshot(deployment(counts=counts(pending=2)), [already_there(1), candidate(2)]))
    assert plan.deployment.counts == counts(updating=1, skipped=1, already=1)


def test_a_deployment_whose_targets_are_all_there_completes_in_its_first_step() -> None:
    plan = reconcile(snapshot(deployment(counts=counts(pending=2)), map(already_there, (1, 2))))
    assert plan.ending is not None
    assert plan.ending.status is DeploymentStatus.COMPLETED


def test_unreachable_targets_wait_while_another_is_updating() -> None:
    plan = reconcile(snapshot(deployment(counts=counts(pending=2)), [unreachable(1), candidate(2)]))
    assert [each.id for each in plan.deferred] == [1]
    assert plan.deployment.counts == counts(pending=1, updating=1, deferred=1)
    assert (plan.ending, plan.skip_deferred) == (None, False)


def test_unreachable_targets_are_skipped_once_nothing_else_is_pending_or_updating() -> None:
    its_deployment = deployment(counts=counts(pending=1, updating=1, deferred=1))
    plan = reconcile(snapshot(its_deployment, reported=(arrived(2),)))
    assert plan.skip_deferred
    assert not plan.restore_deferred
    assert plan.deployment.counts == counts(succeeded=1, skipped=1)
    assert plan.ending is not None
    assert plan.ending.status is DeploymentStatus.COMPLETED


def test_if_every_target_is_unreachable_the_deployment_fails() -> None:
    plan = reconcile(snapshot(deployment(counts=counts(pending=2)), map(unreachable, (1, 2))))
    assert plan.ending is not None
    assert (plan.ending.status, plan.ending.stop) == (DeploymentStatus.FAILED, False)
    assert plan.ending.reason.startswith("no target reachable")
    assert plan.skip_deferred


def test_unreachable_targets_of_a_rollback_get_their_state_back_for_when_they_return() -> None:
    its_rollback = rollback(counts=counts(pending=1, updating=1, deferred=1))
    plan = reconcile(snapshot(its_rollback, reported=(updating(2, to=V1, report=report(current=V1)),)))
    assert plan.skip_deferred
    assert plan.restore_deferred


def test_a_rollback_with_nothing_to_return_to_ends_in_its_first_step() -> None:
    plan = reconcile(snapshot(rollback(counts=Counts())))
    assert plan.ending is not None
    assert (plan.ending.status, plan.ending.rollback) == (DeploymentStatus.COMPLETED, False)


def test_a_step_that_stopped_at_its_bound_with_slots_still_free_asks_to_run_again() -> None:
    large = deployment(window=2, counts=counts(pending=1_000, deferred=1))
    examined = [unreachable(number) for number in range(1, may_examine(large, 0) + 1)]
    plan = reconcile(snapshot(large, examined))
    assert len(plan.deferred) == 4 * 2 + 64
    assert plan.run_again


def test_a_step_that_filled_the_window_does_not_ask_to_run_again() -> None:
    plan = reconcile(snapshot(deployment(window=2, counts=counts(pending=9)), map(candidate, (1, 2))))
    assert not plan.run_again


def test_a_step_that_examined_every_pending_target_does_not_ask_to_run_again() -> None:
    plan = reconcile(snapshot(deployment(window=3, counts=counts(pending=2)), [unreachable(1), candidate(2)]))
    assert not plan.run_again


def test_a_step_in_which_nothing_happened_changes_nothing() -> None:
    its_deployment = deployment(counts=counts(pending=2, updating=1, succeeded=1))
    nothing = Plan(deployment=its_deployment, next_deadline=DEADLINE)
    assert reconcile(snapshot(its_deployment, next_deadline=DEADLINE)) == nothing


def test_unreachable_targets_are_not_given_up_right_after_an_outage() -> None:
    last = deployment(counts=counts(pending=1, deferred=1, succeeded=1))
    plan = reconcile(snapshot(last, quiet_until=NOW + 30))
    assert plan.ending is None
    assert plan.next_deadline == NOW + 30
    assert reconcile(snapshot(last, quiet_until=NOW)).skip_deferred


def test_one_that_fell_back_before_the_step_that_would_have_let_it_succeed_fails_and_leaves_true_totals() -> None:
    left = updating(1, report=report(Status.HEALTHY, V1, observed=GENERATION), healthy_at=NOW - 1)
    plan = reconcile(snapshot(deployment(counts=counts(updating=1, pending=1)), reported=(left,)))
    assert plan.deployment.counts == counts(failed=1, pending=1)
    assert [verdict.reason for verdict in plan.settled] == ["fell back to 1.0 and c1 after it had succeeded"]
