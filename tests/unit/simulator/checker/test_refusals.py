"""What a coordinator says when it refuses a rollback is held against the tables."""

from typing import Any, TypeVar

import msgspec
import pytest

from simulator.checker.refusals import false_refusals
from simulator.checker.rows import DeploymentRow, TargetRow
from simulator.checker.snapshots import View

Row = TypeVar("Row", bound=msgspec.Struct)
TOLD, UNTOLD = 5, None
UNDONE = "Deployment 1 has already been undone by rollback 2."
EMPTY = "Deployment 1 assigned nothing, so there is nothing to undo."
NOTHING_LEFT = "Every deployment that assigned anything is undone. Where a rollback failed, ..."


def row(kind: type[Row], /, **fields: Any) -> Row:
    return kind(**{name: fields.get(name, 0) for name in kind.__struct_fields__})


def view(*, rollback: str | None, assigned_at: int | None = TOLD, withdrawn: int = 1) -> View:
    """Return the tables with a deployment of one target, and a rollback of it that has this status."""
    rows = [row(DeploymentRow, id=1, kind="deploy", status="completed", rollback_of=None, withdrawn=withdrawn)]
    if rollback:
        rows.append(row(DeploymentRow, id=2, kind="rollback", status=rollback, rollback_of=1))
    target = row(TargetRow, id=1, deployment_id=1, assigned_at=assigned_at)
    return View(deployments={each.id: each for each in rows}, targets={1: target})


@pytest.mark.parametrize(
    ("tables", "reason"),
    [
        (view(rollback="completed"), UNDONE),
        (view(rollback=None, assigned_at=UNTOLD), EMPTY),
        (view(rollback="completed"), NOTHING_LEFT),
        (view(rollback=None, assigned_at=UNTOLD, withdrawn=0), NOTHING_LEFT),
        (view(rollback="aborted", withdrawn=0), "Deployment 7 came later and has set the state of ..."),
    ],
)
def test_what_is_the_case_may_be_said(tables: View, reason: str) -> None:
    assert list(false_refusals(tables, reason)) == []


@pytest.mark.parametrize(
    ("tables", "reason"),
    [
        (view(rollback="aborted", withdrawn=0), UNDONE),
        (view(rollback="failed"), UNDONE),
        (view(rollback=None), UNDONE),
        (view(rollback=None), EMPTY),
        (view(rollback="aborted", withdrawn=0), NOTHING_LEFT),
    ],
)
def test_what_is_not_the_case_is_noticed(tables: View, reason: str) -> None:
    assert len(list(false_refusals(tables, reason))) == 1
