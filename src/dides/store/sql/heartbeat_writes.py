"""What heartbeats write, in statements written by hand for each database: this is what a coordinator does most.

SQLAlchemy would put the same together more slowly, value by value; here rows are plain tuples.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Any

import msgspec
from sqlalchemy import Connection, Table

from dides.model.instance import Instance
from dides.store.records import Event
from dides.store.sql.advisory_locks import APPENDING
from dides.store.sql.bulk import array_of, kind_of
from dides.store.sql.instance_columns import REPORTED, reported_values
from dides.store.sql.tables import events, instances, last_seen

Row = tuple[Any, ...]
Kinds = Mapping[str, str]
"""Columns, in the order in which they are written, and PostgreSQL's types of them."""


def _kinds(table: Table, names: Iterable[str]) -> Kinds:
    return {name: kind_of(table.c[name]) for name in names}


_REPORTED = _kinds(instances, REPORTED)
_EVENT = _kinds(events, ("at", "kind", "actor", "deployment_id", "instance", "data"))
_LAST_SEEN = _kinds(last_seen, ("coordinator", "block", "seen", "at"))
TOGETHER = 16
"""Events that SQLite is given in one statement: half the cost, because the last number given out is noted once."""
_SET = ", ".join(f"{name} = ?" for name in _REPORTED)
_SET_FROM = ", ".join(f"{name} = new.{name}" for name in _REPORTED)
_SEEN = "ON CONFLICT (coordinator, block) DO UPDATE SET seen = excluded.seen, at = excluded.at"


def _marks(columns: Kinds) -> str:
    return ", ".join("?" for _ in columns)


def _arrays(columns: Kinds) -> str:
    return ", ".join(f"%s::{kind}[]" for kind in columns.values())


_APPEND = f"INSERT INTO events ({', '.join(_EVENT)}) VALUES "  # noqa: S608
# Put together from the names above, and from nothing that comes from outside.
_SQLITE = {
    "record": f"UPDATE instances SET {_SET}, revision = revision + 1 WHERE id = ?",  # noqa: S608
    "append": f"{_APPEND}({_marks(_EVENT)})",
    "append together": _APPEND + ", ".join([f"({_marks(_EVENT)})"] * TOGETHER),
    "see": f"INSERT INTO last_seen ({', '.join(_LAST_SEEN)}) VALUES ({_marks(_LAST_SEEN)}) {_SEEN}",  # noqa: S608
}
_POSTGRESQL = {
    "record": f"UPDATE instances SET {_SET_FROM}, revision = instances.revision + 1 "  # noqa: S608
    f"FROM unnest({_arrays(_REPORTED)}, %s::bigint[]) AS new ({', '.join(_REPORTED)}, id) WHERE instances.id = new.id",
    # One after the other, from the first number given out until the commit: who reads on from a number misses none.
    "append": f"INSERT INTO events ({', '.join(_EVENT)}) SELECT {', '.join(_EVENT)} "  # noqa: S608
    f"FROM (SELECT pg_advisory_xact_lock({APPENDING}) OFFSET 0) AS held, "
    f"unnest({_arrays(_EVENT)}) WITH ORDINALITY AS new ({', '.join(_EVENT)}, place) ORDER BY place",
    "see": f"INSERT INTO last_seen ({', '.join(_LAST_SEEN)}) SELECT * FROM unnest({_arrays(_LAST_SEEN)}) {_SEEN}",  # noqa: S608
}
_KINDS = {"record": [*_REPORTED.values(), "bigint"], "append": [*_EVENT.values()], "see": [*_LAST_SEEN.values()]}


def write_reports(connection: Connection, reported: Sequence[Instance]) -> None:
    """Write what instances, each named once, report of themselves."""
    _write(connection, "record", [(*reported_values(instance), instance.id) for instance in reported])


def append_events(connection: Connection, happened: Sequence[Event]) -> None:
    """Add events in this order."""
    rows = [_event(event) for event in happened]
    if connection.dialect.name == "sqlite":
        together = len(rows) - len(rows) % TOGETHER
        groups = [tuple(chain.from_iterable(rows[first : first + TOGETHER])) for first in range(0, together, TOGETHER)]
        _write(connection, "append together", groups)
        rows = rows[together:]
    _write(connection, "append", rows)


def put_last_seen(connection: Connection, coordinator: str, blocks: Mapping[int, bytes], at_ms: int) -> None:
    """Store or replace blocks of a coordinator."""
    # In the order of their numbers, so that no two coordinators that are given one name wait for each other.
    _write(connection, "see", [(coordinator, *block, at_ms) for block in sorted(blocks.items())])


def _write(connection: Connection, statement: str, rows: list[Row]) -> None:
    if not rows:
        return
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(_SQLITE[statement], rows)
    else:
        columns = zip(_KINDS[statement], zip(*rows, strict=True), strict=True)
        connection.exec_driver_sql(_POSTGRESQL[statement], tuple(array_of(kind, values) for kind, values in columns))


def _event(event: Event) -> Row:
    data = msgspec.json.encode(event.data).decode() if event.data else "{}"
    return event.at, event.kind, event.actor, event.deployment_id, event.instance, data
