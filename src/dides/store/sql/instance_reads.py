"""Instances by name or number, read as fast as can be: it is what every batch of heartbeats begins with."""

from collections.abc import Sequence

import msgspec
from sqlalchemy import Connection

from dides.model.instance import Instance, InstanceSummary
from dides.store.sql.bulk import is_among, list_parameter
from dides.store.sql.driver_query import query
from dides.store.sql.instance_columns import COLUMNS, instance_from

# Always in one order, so that no two wait for each other. SQLite has one writer.
_LOCK = {"sqlite": "", "postgresql": " ORDER BY id FOR NO KEY UPDATE"}
_REVISION, _CREDENTIAL = COLUMNS.index("revision"), COLUMNS.index("credential_hash")


class Lookup(msgspec.Struct, frozen=True):
    """A column by which instances are looked up."""

    kind: str
    """PostgreSQL's type of it."""
    plain: dict[str, str]
    """The statement, by the kind of database."""
    locked: dict[str, str]
    """The statement that also locks what it finds."""


def _lookup(name: str, kind: str) -> Lookup:
    start = f"SELECT {', '.join(COLUMNS)} FROM instances WHERE "  # noqa: S608 - names of ours
    plain = {dialect: start + condition for dialect, condition in is_among(name, kind).items()}
    return Lookup(kind, plain, {dialect: text + _LOCK[dialect] for dialect, text in plain.items()})


BY_NAME, BY_ID = _lookup("name", "text"), _lookup("id", "bigint")


class Known(msgspec.Struct, gc=False):
    """An instance as its row is at one point of a transaction that nobody else can change it in."""

    instance: Instance
    """As it was read."""
    credential_hash: bytes
    revision: int
    reported: Instance
    """The same, or with what was written of a report since."""

    def record(self, reported: Instance) -> None:
        """Take up that what an instance reports of itself was written: it counts as one change."""
        self.reported = reported
        self.revision += 1

    def summary(self) -> InstanceSummary:
        """Return the summary that would be read now."""
        its, now = self.instance, self.reported
        return InstanceSummary(
            its.id,
            its.name,
            self.revision,
            self.credential_hash,
            now.status,
            now.current,
            now.message,
            now.reachable,
            its.desired,
            its.generation,
            its.assigned_by,
            now.heard,
            now.observed,
            now.last_heartbeat_at,
            not now.current.meets(its.desired),
            now.sessions.session,
            now.sessions.sequence,
            now.sessions.duplicated_until,
            its.apply,
        )


def read_known(connection: Connection, by: Lookup, wanted: Sequence[str | int], *, locked: bool) -> list[Known]:
    """Return the instances of these names or ids; `locked` until the transaction ends, where several can write."""
    rows = query(connection, by.locked if locked else by.plain, list_parameter(connection, by.kind, wanted))
    known = []
    for row in rows:
        instance = instance_from(row)
        known.append(Known(instance, row[_CREDENTIAL], row[_REVISION], instance))
    return known
