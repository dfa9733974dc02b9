"""The tables as the checker reads them: raw rows, straight from the database, and what one transaction changed."""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from functools import cached_property
from typing import Any, Generic, TypeVar

import msgspec

from simulator.base.disk import Commit
from simulator.checker.rows import ConvergenceRow, DeploymentRow, InstanceRow, TargetRow

FORGETTING = {"deployments", "targets"}
Row = TypeVar("Row", InstanceRow, DeploymentRow, TargetRow, ConvergenceRow)


class Table(Generic[Row]):
    """One table, read again whenever a transaction has written to it."""

    def __init__(self, name: str, row: type[Row]) -> None:
        self._row: type[Row] = row
        self._select = f"SELECT {', '.join(row.__struct_fields__)} FROM {name}"  # noqa: S608 - names of our own
        self._raw: dict[int, tuple[Any, ...]] = {}

    def read(self, database: sqlite3.Connection, known: Mapping[int, Row]) -> dict[int, Row]:
        """Return the rows by id; those that have not changed are the very same objects as before."""
        raw = {found[0]: found for found in database.execute(self._select)}
        rows = {
            key: known[key] if self._raw.get(key) == found and key in known else self._row(*found)
            for key, found in raw.items()
        }
        self._raw = raw
        return rows


class View(msgspec.Struct, frozen=True):
    """All tables that matter, at one moment."""

    instances: Mapping[int, InstanceRow] = {}
    deployments: Mapping[int, DeploymentRow] = {}
    targets: Mapping[int, TargetRow] = {}
    convergences: Mapping[int, ConvergenceRow] = {}

    def in_flight(self) -> list[DeploymentRow]:
        """Return the deployments in flight."""
        return [each for each in self.deployments.values() if each.in_flight]

    def stopped(self) -> list[int]:
        """Return the deployments (ids) from which convergence has stopped."""
        return [each.id for each in self.deployments.values() if each.heirs_stopped_at is not None]

    def targets_of(self, deployment_id: int) -> list[TargetRow]:
        """Return the targets of a deployment."""
        return [each for each in self.targets.values() if each.deployment_id == deployment_id]


class Change:
    """What one transaction did: before, after, and what differs."""

    def __init__(self, commit: Commit, now: int, before: View, after: View) -> None:
        self.number = commit.number
        self.asked = commit.asked
        self.by = commit.by
        self.unit = commit.unit
        self.now = now
        self.before = before
        self.after = after

    @cached_property
    def instances(self) -> list[tuple[InstanceRow | None, InstanceRow | None]]:
        """The instances that changed."""
        return list(_differences(self.before.instances, self.after.instances))

    @cached_property
    def deployments(self) -> list[tuple[DeploymentRow | None, DeploymentRow | None]]:
        """The deployments that changed."""
        return list(_differences(self.before.deployments, self.after.deployments))

    @cached_property
    def targets(self) -> list[tuple[TargetRow | None, TargetRow | None]]:
        """The targets that changed."""
        return list(_differences(self.before.targets, self.after.targets))

    @cached_property
    def convergences(self) -> list[tuple[ConvergenceRow | None, ConvergenceRow | None]]:
        """The convergences that changed."""
        return list(_differences(self.before.convergences, self.after.convergences))

    @cached_property
    def assignments(self) -> list[tuple[InstanceRow, InstanceRow]]:
        """The instances that were assigned something, each as it was and is; before its registration it was nothing."""
        return [
            (before or _unborn(after), after)
            for before, after in self.instances
            if after is not None and after.generation != (before.generation if before else 0)
        ]

    @cached_property
    def assigned_targets(self) -> list[tuple[TargetRow | None, TargetRow]]:
        """The targets that were assigned something, each as it was and is."""
        return [
            (before, after)
            for before, after in self.targets
            if after is not None and after.attempt > (before.attempt if before else 0)
        ]

    @cached_property
    def settled(self) -> list[tuple[TargetRow, TargetRow]]:
        """The targets whose state changed."""
        return [(before, after) for before, after in self.targets if before and after and before.state != after.state]


class Reader:
    """Keeps a view of the database up to date."""

    def __init__(self) -> None:
        self.view = View()
        self._instances = Table("instances", InstanceRow)
        self._deployments = Table("deployments", DeploymentRow)
        self._targets = Table("targets", TargetRow)
        self._convergences = Table("convergences", ConvergenceRow)

    def follow(self, commit: Commit, database: sqlite3.Connection, now: int) -> Change:
        """Read what a commit wrote, and return what it changed."""
        old, wrote = self.view, commit.tables
        forgotten = {row.id for row in old.deployments.values() if row.forgotten} if wrote & FORGETTING else set()
        removed = "instances" in wrote  # which takes convergences away with it
        self.view = View(
            instances=self._instances.read(database, old.instances) if removed else old.instances,
            deployments=_with_forgotten(old.deployments, self._deployments.read(database, old.deployments), forgotten)
            if "deployments" in wrote
            else old.deployments,
            targets=_with_forgotten(old.targets, self._targets.read(database, old.targets), forgotten)
            if "targets" in wrote
            else old.targets,
            convergences=self._convergences.read(database, old.convergences)
            if "convergences" in wrote or removed
            else old.convergences,
        )
        return Change(commit, now, old, self.view)


def _with_forgotten(before: Mapping[int, Row], after: dict[int, Row], forgotten: AbstractSet[int]) -> dict[int, Row]:
    """Return rows with those of forgotten deployments (ids) that were deleted: the checker forgets nothing."""
    if not forgotten:
        return after
    gone = {key: row for key, row in before.items() if key not in after and _deployment_of(row) in forgotten}
    return dict(sorted((gone | after).items()))


def _deployment_of(row: Row) -> int:
    number: int = getattr(row, "deployment_id", row.id)
    return number


def matches(labels: str, wanted: str) -> bool:
    """Tell whether labels, both as JSON, have all that is wanted. Simulated operators use no selectors."""
    has = json.loads(labels)
    return all(has.get(key) == value for key, value in json.loads(wanted).items())


def _differences(before: Mapping[int, Row], after: Mapping[int, Row]) -> Iterator[tuple[Row | None, Row | None]]:
    if before is after:
        return
    for key, row in after.items():
        if (earlier := before.get(key)) is not row:
            yield earlier, row
    for key in sorted(before.keys() - after.keys()):
        yield before[key], None


def _unborn(row: InstanceRow) -> InstanceRow:
    nothing = {"desired_code": None, "desired_configuration": None, "generation": 0, "assigned_by": None}
    return msgspec.structs.replace(row, **nothing)


def name_all(rows: Iterable[TargetRow]) -> str:
    """Return the names of targets, for people."""
    return ", ".join(sorted(each.instance for each in rows))
