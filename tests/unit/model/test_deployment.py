"""Counts of targets, and which deployments are in flight."""

import pytest

from dides.model.deployment import Counts, DeploymentStatus, Move, TargetState
from support.builders import counts, deployment

PENDING, UPDATING = TargetState.PENDING, TargetState.UPDATING
SUCCEEDED, FAILED, SKIPPED = TargetState.SUCCEEDED, TargetState.FAILED, TargetState.SKIPPED


def test_counts_follow_every_move() -> None:
    before = counts(pending=2, updating=2, succeeded=1)
    moved = before.after(
        Move(UPDATING, SUCCEEDED), Move(UPDATING, FAILED), Move(PENDING, UPDATING), Move(PENDING, SKIPPED)
    )
    assert moved == counts(updating=1, succeeded=2, failed=1, skipped=1)


def test_a_succeeded_target_may_still_become_failed() -> None:
    assert counts(succeeded=2).after(Move(SUCCEEDED, FAILED)) == counts(succeeded=1, failed=1)


def test_no_move_changes_nothing() -> None:
    assert counts(pending=2).after() == counts(pending=2)


def test_stopping_skips_what_is_unfinished_and_keeps_the_rest() -> None:
    before = counts(pending=3, deferred=2, updating=2, succeeded=4, failed=1, skipped=5, already=5)
    assert before.stopped() == counts(succeeded=4, failed=1, skipped=10, already=5)


def test_moves_and_stops_leave_the_total() -> None:
    before = Counts(total=9, pending=4, updating=5)
    assert before.after(Move(UPDATING, FAILED)).total == before.stopped().total == 9


@pytest.mark.parametrize("status", DeploymentStatus)
def test_running_and_paused_deployments_are_in_flight(status: DeploymentStatus) -> None:
    in_flight = status in {DeploymentStatus.RUNNING, DeploymentStatus.PAUSED}
    assert deployment(status=status).in_flight is in_flight
