"""Where a rollback returns each instance to, in which order, and what may be rolled back."""

import pytest

from dides.engine.rollback import Standing, common_state, last_good_after, repeats, return_state, undo, why_not
from dides.model.deployment import DeploymentStatus, TargetState
from dides.model.instance import Report
from dides.model.state import NOTHING, State, Status
from support.builders import NOW, V0, V1, V2, deployment, instance, rollback, touched, updating


@pytest.mark.parametrize(
    ("rule", "last_good", "before", "told", "back_to"),
    [
        ("the last good state", V0, V1, V2, V0),
        ("without one, what it reported", None, V1, V2, V1),
        (
            "version by version: the last good code, the reported configuration",
            State("0.9"),
            V1,
            V2,
            State("0.9", "c1"),
        ),
        ("only the versions that the deployment managed", V0, V1, State("2.0"), State("0.9")),
        ("only the configuration when only that was managed", None, V1, State(None, "c2"), State(None, "c1")),
        ("nothing when nothing is known", None, NOTHING, V2, None),
        ("nothing when nothing that was managed is known", State("0.9"), NOTHING, State(None, "c2"), None),
    ],
)
def test_an_instance_returns_to(
    rule: str, last_good: State | None, before: State, told: State, back_to: State | None
) -> None:
    assert return_state(updating(last_good=last_good, before=before, to=told)) == back_to, rule


def test_failed_ones_return_first_then_the_others_as_they_were_told() -> None:
    told = [
        touched(4, state=TargetState.SKIPPED),
        touched(3, state=TargetState.FAILED),
        touched(2, state=TargetState.SUCCEEDED),
        touched(1, state=TargetState.FAILED),
    ]
    assert [each.touched.target.id for each in undo(told)] == [1, 3, 2, 4]


@pytest.mark.parametrize("state", [TargetState.SUCCEEDED, TargetState.FAILED, TargetState.SKIPPED])
def test_every_touched_target_returns_however_it_ended(state: TargetState) -> None:
    (only,) = undo([touched(state=state, before=V1)])
    assert only.to == V1


def test_one_with_nothing_to_return_to_is_part_of_the_rollback_all_the_same() -> None:
    (only,) = undo([touched(before=NOTHING)])
    assert only.to is None


@pytest.mark.parametrize(
    ("befores", "common"),
    [
        ([V1, V1], V1),
        ([V1, V0], NOTHING),
        ([V1, State("1.0", "c9")], State("1.0")),
        ([V1, State("3.0", "c1")], State(None, "c1")),
        ([V1, NOTHING], NOTHING),
        ([], NOTHING),
    ],
)
def test_a_rollback_names_the_versions_that_all_its_targets_return_to(befores: list[State], common: State) -> None:
    undos = undo(touched(number, before=before) for number, before in enumerate(befores, 1))
    assert common_state(undos) == common


def test_a_deployment_of_kind_deploy_may_be_undone() -> None:
    assert why_not(Standing(deployment=deployment())) is None


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (DeploymentStatus.COMPLETED, "Deployment 7 has already been undone by rollback 8."),
        (DeploymentStatus.FAILED, None),
        (DeploymentStatus.ABORTED, None),
        (DeploymentStatus.RUNNING, "Deployment 7 is being undone by rollback 8."),
        (DeploymentStatus.PAUSED, "Deployment 7 is being undone by rollback 8."),
    ],
)
def test_its_newest_rollback_says_whether_it_may_be_undone_again(status: DeploymentStatus, reason: str | None) -> None:
    undone, its_rollback = deployment(id=7, rolled_back_by=8), rollback(id=8, status=status)
    assert why_not(Standing(deployment=undone, rollback=its_rollback)) == reason


def test_there_is_no_rollback_of_a_rollback() -> None:
    assert "no rollback of a rollback" in (why_not(Standing(deployment=rollback())) or "")


def test_what_assigned_nothing_has_nothing_to_undo_but_may_be_stopped() -> None:
    ended = deployment(id=7, status=DeploymentStatus.COMPLETED)
    assert "Deployment 7 assigned nothing" in (why_not(Standing(deployment=ended, has_assigned=False)) or "")
    assert why_not(Standing(deployment=deployment(id=7), has_assigned=False)) is None


def test_what_a_later_deployment_is_built_upon_is_not_undone_before_that() -> None:
    assert "dides rollback 9" in (why_not(Standing(deployment=deployment(id=7), later=9)) or "")


@pytest.mark.parametrize(
    ("to", "status", "has_assigned", "expected"),
    [
        (V1, DeploymentStatus.COMPLETED, False, True),
        (State(V1.code_version), DeploymentStatus.COMPLETED, False, True),
        (V1, DeploymentStatus.COMPLETED, True, False),
        (V1, DeploymentStatus.FAILED, False, False),
        (V0, DeploymentStatus.COMPLETED, False, False),
    ],
)
def test_a_later_one_that_only_found_the_version_in_place_repeats_it(
    to: State, status: DeploymentStatus, has_assigned: bool, expected: bool
) -> None:
    undone, later = deployment(to=V1), deployment(to=to, status=status)
    assert repeats(later, undone, has_assigned=has_assigned) is expected


def test_with_nothing_else_known_an_instance_returns_to_what_it_was_to_have() -> None:
    assert return_state(updating(last_good=None, before=NOTHING, earlier=V1)) == V1


@pytest.mark.parametrize(
    ("rule", "status", "current", "desired", "good"),
    [
        ("HEALTHY with nowhere to be is good", Status.HEALTHY, V1, None, V1),
        ("HEALTHY where it was told to be is for its target to tell", Status.HEALTHY, V2, V2, V0),
        ("HEALTHY elsewhere is not", Status.HEALTHY, V1, V2, V0),
        ("any other status is not", Status.DEGRADED, V1, None, V0),
        ("an unknown version is not", Status.HEALTHY, NOTHING, None, V0),
    ],
)
def test_the_last_good_state(rule: str, status: Status, current: State, desired: State | None, good: State) -> None:
    report = Report(at=NOW, status=status, current=current, observed=None)
    assert last_good_after(instance(last_good=V0, desired=desired), report) == good, rule
