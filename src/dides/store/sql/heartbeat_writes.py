"""What heartbeats write, in statements written by hand for each database: this is what a coordinator does most.

SQLAlchemy would put the same together more slowly, value by value; here rows are plain tuples.
"""

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

import msgspec
from sqlalchemy import Connection

from dides.model.instance import Instance
from dides.model.state import NOTHING
from dides.store.records import Event
from dides.store.sql.advisory_locks import APPENDING
from dides.store.sql.arrays import array_of
from dides.store.sql.session_columns import earlier_text

Row = tuple[Any, ...]
REPORTED = {
    "status": "int",
    "current_code": "text",
    "current_configuration": "text",
    "last_good_code": "text",
    "last_good_configuration": "text",
    "message": "text",
    "last_heartbeat_at": "bigint",
    "reachable": "bool",
    "heard": "int",
    "observed": "bigint",
    "session": "text",
    "sequence": "bigint",
    "earlier_sessions": "text",
    "duplicated_until": "bigint",
}
"""The columns of `instances` that a heartbeat writes, in the order of `_reported`, and PostgreSQL's types of them."""
EVENT = {
    "at": "bigint",
    "kind": "text",
    "actor": "text",
    "deployment_id": "bigint",
    "instance": "text",
    "data": "json",
}
LAST_SEEN = {"coordinator": "text", "block": "int", "seen": "bytea", "at": "bigint"}
TOGETHER = 16
"""Events that SQLite is given in one statement: half the cost, because the last number given out is noted once."""
_SET = ", ".join(f"{name} = ?" for name in REPORTED)
_SET_FROM = ", ".join(f"{name} = new.{name}" for name in REPORTED)
_SEEN = "ON CONFLICT (coordinator, block) DO UPDATE SET seen = excluded.seen, at = excluded.at"


def _marks(columns: Mapping[str, str]) -> str:
    return ", ".join("?" for _ in columns)


def _arrays(columns: Mapping[str, str]) -> str:
    return ", ".join(f"%s::{kind}[]" for kind in columns.values())


_APPEND = f"INSERT INTO events ({', '.join(EVENT)}) VALUES "  # noqa: S608
# Put together from the names above, and from nothing that comes from outside.
_SQLITE = {
    "record": f"UPDATE instances SET {_SET}, revision = revision + 1 WHERE id = ?",  # noqa: S608
    "append": f"{_APPEND}({_marks(EVENT)})",
    "append together": _APPEND + ", ".join([f"({_marks(EVENT)})"] * TOGETHER),
    "sight": f"INSERT INTO last_seen ({', '.join(LAST_SEEN)}) VALUES ({_marks(LAST_SEEN)}) {_SEEN}",  # noqa: S608
}
_POSTGRESQL = {
    "record": f"UPDATE instances SET {_SET_FROM}, revision = instances.revision + 1 "  # noqa: S608
    f"FROM unnest({_arrays(REPORTED)}, %s::bigint[]) AS new ({', '.join(REPORTED)}, id) WHERE instances.id = new.id",
    # One after the other, from the first number given out until the commit: who reads on from a number misses none.
    "append": f"INSERT INTO events ({', '.join(EVENT)}) SELECT {', '.join(EVENT)} "  # noqa: S608
    f"FROM (SELECT pg_advisory_xact_lock({APPENDING}) OFFSET 0) AS held, "
    f"unnest({_arrays(EVENT)}) WITH ORDINALITY AS new ({', '.join(EVENT)}, place) ORDER BY place",
    "sight": f"INSERT INTO last_seen ({', '.join(LAST_SEEN)}) SELECT * FROM unnest({_arrays(LAST_SEEN)}) {_SEEN}",  # noqa: S608
}
_KINDS = {"record": [*REPORTED.values(), "bigint"], "append": [*EVENT.values()], "sight": [*LAST_SEEN.values()]}


def write_reports(connection: Connection, reported: Sequence[Instance]) -> None:
    """Write what instances, each named once, report of themselves."""
    _write(connection, "record", [_reported(each) for each in reported])


def append_events(connection: Connection, happened: Sequence[Event]) -> None:
    """Add events in this order."""
    rows = [_event(each) for each in happened]
    if connection.dialect.name == "sqlite":
        together = len(rows) - len(rows) % TOGETHER
        some = [tuple(chain.from_iterable(rows[at : at + TOGETHER])) for at in range(0, together, TOGETHER)]
        _write(connection, "append together", some)
        rows = rows[together:]
    _write(connection, "append", rows)


def put_last_seen(connection: Connection, coordinator: str, blocks: Mapping[int, bytes], at: int) -> None:
    """Store or replace blocks of a coordinator."""
    # In the order of their numbers, so that no two coordinators that are given one name wait for each other.
    _write(connection, "sight", [(coordinator, *block, at) for block in sorted(blocks.items())])


def _write(connection: Connection, statement: str, rows: list[Row]) -> None:
    if not rows:
        return
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(_SQLITE[statement], rows)
    else:
        columns = zip(_KINDS[statement], zip(*rows, strict=True), strict=True)
        connection.exec_driver_sql(_POSTGRESQL[statement], tuple(array_of(kind, each) for kind, each in columns))


def _reported(instance: Instance) -> Row:
    current, last_good, sessions = instance.current, instance.last_good or NOTHING, instance.sessions
    return (
        int(instance.status),
        current.code_version,
        current.configuration_version,
        last_good.code_version,
        last_good.configuration_version,
        instance.message,
        instance.last_heartbeat_at,
        instance.reachable,
        instance.heard,
        instance.observed,
        sessions.session,
        sessions.sequence,
        earlier_text(sessions),
        sessions.duplicated_until,
        instance.id,
    )


def _event(event: Event) -> Row:
    data = msgspec.json.encode(event.data).decode() if event.data else "{}"
    return event.at, event.kind, event.actor, event.deployment_id, event.instance, data
