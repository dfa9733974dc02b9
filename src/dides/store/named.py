"""Instances by name, read as fast as can be: it is what every batch of heartbeats begins with."""

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection

from dides.model.instance import Instance
from dides.model.state import State, Status
from dides.store.arrays import array_of

_STATUS = tuple(Status)
_COLUMNS = (
    "id, name, ip, labels, status, current_code, current_configuration, desired_code, desired_configuration, "
    "last_good_code, last_good_configuration, generation, told_by, message, registered_at, last_heartbeat_at, "
    "reachable, heard, observed"
)
# Put together from the names above, and from nothing that comes from outside.
_SQLITE = f"SELECT {_COLUMNS} FROM instances WHERE name IN (SELECT value FROM json_each(?))"  # noqa: S608
_POSTGRESQL = f"SELECT {_COLUMNS} FROM instances WHERE name = ANY(%s::text[])"  # noqa: S608
# Always in one order, so that no two wait for each other.
_LOCKED = f"{_POSTGRESQL} ORDER BY id FOR NO KEY UPDATE"


def instances_named(connection: Connection, names: Sequence[str], *, locked: bool) -> list[Instance]:
    """Return the instances of these names; `locked` until the end of the transaction, where several can write."""
    if connection.dialect.name == "sqlite":
        # One parameter, however many: the statement stays prepared.
        rows = connection.exec_driver_sql(_SQLITE, (msgspec.json.encode(names).decode(),)).fetchall()
        return [_instance(row, msgspec.json.decode(row[3])) for row in rows]
    statement = _LOCKED if locked else _POSTGRESQL
    rows = connection.exec_driver_sql(statement, (array_of("text", names),)).fetchall()
    return [_instance(row, row[3]) for row in rows]


def _instance(row: Any, labels: dict[str, str]) -> Instance:
    key, name, ip, _, status, code, configuration, desired_code, desired_configuration, *rest = row
    good_code, good_configuration, generation, told_by, message, registered_at, heard_at, reachable, heard, observed = (
        rest
    )
    return Instance(
        id=key,
        name=name,
        ip=ip,
        labels=labels,
        status=_STATUS[status],
        current=State(code, configuration),
        desired=_known(desired_code, desired_configuration),
        last_good=_known(good_code, good_configuration),
        generation=generation,
        told_by=told_by,
        message=message,
        registered_at=registered_at,
        last_heartbeat_at=heard_at,
        reachable=bool(reachable),
        heard=heard,
        observed=observed,
    )


def _known(code: str | None, configuration: str | None) -> State | None:
    return None if code is None and configuration is None else State(code, configuration)
