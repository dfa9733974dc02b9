"""What the parts of a plan do to the counts."""

from dides.model.deployment import Move, TargetState
from dides.model.plan import Assignment, Settled
from support.builders import V1, V2, pending, updating


def test_a_settled_target_moves_from_the_state_it_had() -> None:
    settled = Settled(target=updating(), state=TargetState.FAILED)
    assert settled.move == Move(TargetState.UPDATING, TargetState.FAILED)


def test_an_assigned_target_moves_from_the_state_it_had() -> None:
    told = Assignment(target=pending(), state=TargetState.UPDATING, desired=V2, before=V1, last_good=None, earlier=None)
    assert told.move == Move(TargetState.PENDING, TargetState.UPDATING)
