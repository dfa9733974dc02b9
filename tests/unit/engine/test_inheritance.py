"""What an instance gets that registers, or returns, after the deployments that were meant for it."""

import msgspec
import pytest

from dides.engine.inheritance import (
    Inheritance,
    change_for,
    has_converged,
    has_missed,
    inherited,
    may_be_inherited,
    room_to_converge,
)
from dides.model.deployment import Deployment, DeploymentStatus, Kind, TargetState
from dides.model.state import NOTHING, State, Status
from support.builders import V1, V2, deployment, instance, pending, updating

COMPLETED = DeploymentStatus.COMPLETED


def completed(number: int, to: State) -> Deployment:
    return deployment(id=number, status=COMPLETED, to=to)


def source_of(inheritance: Inheritance | None) -> int | None:
    return inheritance.source.id if inheritance else None


def test_an_instance_inherits_the_newest_completed_deployment() -> None:
    found = inherited([completed(3, V2), completed(2, V1)])
    assert found is not None
    assert (found.state, found.source.id) == (V2, 3)


def test_each_version_is_inherited_from_the_newest_deployment_that_names_it() -> None:
    found = inherited([completed(4, State("2.0")), completed(3, State("1.5")), completed(2, State("1.0", "c1"))])
    assert found is not None
    assert (found.state, found.source.id) == (State("2.0", "c1"), 4)


def test_a_version_that_no_deployment_names_is_not_inherited() -> None:
    found = inherited([completed(3, State(None, "c2"))])
    assert found is not None
    assert found.state == State(None, "c2")


@pytest.mark.parametrize("status", sorted(set(DeploymentStatus) - {COMPLETED}))
def test_failed_aborted_and_unfinished_states_are_never_inherited(status: DeploymentStatus) -> None:
    assert not may_be_inherited(deployment(status=status))
    assert source_of(inherited([deployment(id=3, status=status, to=V2), completed(2, V1)])) == 2


def test_an_undone_deployment_is_not_inherited() -> None:
    assert not may_be_inherited(deployment(status=COMPLETED, rolled_back_by=9, withdrawn=True))


def test_a_rollback_is_not_inherited() -> None:
    assert not may_be_inherited(deployment(status=COMPLETED, kind=Kind.ROLLBACK))


def test_without_a_deployment_nothing_is_inherited() -> None:
    assert inherited([]) is None


@pytest.mark.parametrize(
    ("rule", "desired", "state", "change"),
    [
        ("a newcomer is told what it inherits", None, V2, V2),
        ("one that is to have it already is not told again", V2, V2, None),
        ("one that is to have another version is told the inherited one", V1, V2, V2),
        ("a version that is not inherited stays as it was desired", V1, State("2.0"), State("2.0", "c1")),
    ],
)
def test_inheritance_changes_a_desired_state(
    rule: str, desired: State | None, state: State, change: State | None
) -> None:
    assert change_for(desired, Inheritance(state, completed(3, state))) == change, rule


def test_without_an_inheritance_the_desired_state_stays() -> None:
    assert change_for(V1, None) is None


def test_a_returned_instance_has_missed_a_deployment_that_never_told_it_anything() -> None:
    source, away = completed(3, V2), instance()
    assert has_missed(away, source, None, None)
    assert has_missed(away, source, pending(state=TargetState.SKIPPED, reason="unreachable"), None)
    assert not has_missed(away, source, updating(state=TargetState.SUCCEEDED), None)
    assert not has_missed(away, source, updating(state=TargetState.FAILED), None)


def test_what_a_later_deployment_has_told_is_kept_while_it_holds() -> None:
    source, later = completed(3, V1), msgspec.structs.replace(completed(4, V2), status=DeploymentStatus.ABORTED)
    assert not has_missed(instance(desired=V2), source, None, later)
    assert has_missed(instance(desired=V1), source, None, later), "it got its earlier state back"
    assert has_missed(instance(desired=V1), completed(5, V2), None, later), "it is not later"


def test_what_was_undone_is_not_kept() -> None:
    undone = msgspec.structs.replace(completed(4, V2), rolled_back_by=5, withdrawn=True)
    assert has_missed(instance(desired=V2), completed(3, V1), updating(state=TargetState.SUCCEEDED), undone)


@pytest.mark.parametrize(("converging", "room"), [(0, 2), (1, 1), (2, 0), (3, 0)])
def test_at_most_the_batch_size_of_its_deployment_converges_at_a_time(converging: int, room: int) -> None:
    assert room_to_converge(deployment(window=2), converging) == room


@pytest.mark.parametrize(
    ("rule", "status", "current", "reachable", "done"),
    [
        ("HEALTHY there has arrived", Status.HEALTHY, V2, True, True),
        ("HEALTHY elsewhere is on its way", Status.HEALTHY, V1, True, False),
        ("DEGRADED there is on its way", Status.DEGRADED, V2, True, False),
        ("UNKNOWN is on its way", Status.UNKNOWN, NOTHING, True, False),
        ("FAILED has ended", Status.FAILED, V1, True, True),
        ("silent again has ended", Status.UNKNOWN, V1, False, True),
    ],
)
def test_a_returned_instance_takes_its_place_until_it_arrived_failed_or_went_silent(
    rule: str, status: Status, current: State, reachable: bool, done: bool
) -> None:
    returned = instance(status=status, current=current, reachable=reachable)
    assert has_converged(returned, V2) is done, rule
