"""Instances, read as fast as can be: in full at the start of every batch of heartbeats, as summaries at its end.

The summaries of the whole fleet are read when a coordinator starts.
"""

from collections.abc import Iterable, Iterator, Sequence

import msgspec
from sqlalchemy import Connection

from dides.model.instance import Instance, InstanceSummary
from dides.store.sql.bulk import is_among, list_parameter
from dides.store.sql.driver_query import query
from dides.store.sql.instance_columns import COLUMNS, SUMMARY, instance_from, summary_from

MOST_READ = 4096
"""Instances that one statement reads at the start."""
_SUMMARIES = f"SELECT {', '.join(SUMMARY)} FROM instances "  # noqa: S608 - names of ours
_OF = {dialect: f"{_SUMMARIES}WHERE {condition}" for dialect, condition in is_among("id", "bigint").items()}
_AFTER = {
    "sqlite": f"{_SUMMARIES}WHERE id > ? ORDER BY id LIMIT ?",
    "postgresql": f"{_SUMMARIES}WHERE id > %s ORDER BY id LIMIT %s",
}
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


def summaries_of(connection: Connection, instance_ids: Iterable[int]) -> list[InstanceSummary]:
    """Return the summaries of those of these instances that exist."""
    wanted = sorted(instance_ids)
    if not wanted:
        return []
    return [summary_from(row) for row in query(connection, _OF, list_parameter(connection, "bigint", wanted))]


def all_summaries(connection: Connection, most: int = MOST_READ) -> Iterator[list[InstanceSummary]]:
    """Yield the summaries of all instances in lists of up to `most`, none of them empty."""
    last = 0
    while rows := query(connection, _AFTER, last, most):
        yield [summary_from(row) for row in rows]
        last = rows[-1][0]
