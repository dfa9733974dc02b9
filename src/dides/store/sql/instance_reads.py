"""Instances by name or number, read as fast as can be: it is what every batch of heartbeats begins with."""

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection

from dides.model.instance import Instance, InstanceSummary
from dides.model.state import ApplyRule, State, Status
from dides.store.sql.arrays import array_of
from dides.store.sql.driver_query import ask
from dides.store.sql.owned_labels import owned_from
from dides.store.sql.session_columns import sessions_from

_STATUS = tuple(Status)
_COLUMNS = (
    "id, name, ip, labels, status, current_code, current_configuration, desired_code, desired_configuration, "
    "last_good_code, last_good_configuration, generation, assigned_by, message, registered_at, last_heartbeat_at, "
    "reachable, heard, observed, credential_hash, revision, apply_rule, session, sequence, "
    "earlier_sessions, duplicated_until, owned_labels"
)
# Put together from the names above, and from nothing that comes from outside.
_SELECT = f"SELECT {_COLUMNS} FROM instances WHERE "  # noqa: S608
# On SQLite one parameter, however many are asked for: the statement stays prepared.
_NAMED = {
    "sqlite": _SELECT + "name IN (SELECT value FROM json_each(?))",  # noqa: S608
    "postgresql": _SELECT + "name = ANY(%s::text[])",
}
_NUMBERED = {
    "sqlite": _SELECT + "id IN (SELECT value FROM json_each(?))",  # noqa: S608
    "postgresql": _SELECT + "id = ANY(%s::bigint[])",
}
# Always in one order, so that no two wait for each other. SQLite has one writer.
_LOCK = {"sqlite": "", "postgresql": " ORDER BY id FOR NO KEY UPDATE"}
_NAMED_LOCKED = {dialect: text + _LOCK[dialect] for dialect, text in _NAMED.items()}
_NUMBERED_LOCKED = {dialect: text + _LOCK[dialect] for dialect, text in _NUMBERED.items()}


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


def instances_named(connection: Connection, names: Sequence[str], *, locked: bool) -> list[Known]:
    """Return the instances of these names; `locked` until the end of the transaction, where several can write."""
    return _found(connection, _NAMED_LOCKED if locked else _NAMED, "text", names)


def instances_numbered(connection: Connection, ids: Sequence[int], *, locked: bool) -> list[Known]:
    """Return the instances of these ids; `locked` until the end of the transaction, where several can write."""
    return _found(connection, _NUMBERED_LOCKED if locked else _NUMBERED, "bigint", ids)


def _found(connection: Connection, statements: dict[str, str], kind: str, wanted: Sequence[str | int]) -> list[Known]:
    if connection.dialect.name == "sqlite":
        rows = ask(connection, statements, msgspec.json.encode(wanted).decode())
        return [_known(row, msgspec.json.decode(row[3])) for row in rows]
    return [_known(row, row[3]) for row in ask(connection, statements, array_of(kind, wanted))]


def _known(row: Any, labels: dict[str, str]) -> Known:
    key, name, ip, _, status, code, configuration, desired_code, desired_configuration, *rest = row
    good_code, good_configuration, generation, assigned_by, message, registered_at, heard_at, reachable, *rest = rest
    heard, observed, credential_hash, revision, rule, *sessions, owned = rest
    instance = Instance(
        id=key,
        name=name,
        ip=ip,
        labels=labels,
        owned=owned_from(owned),
        status=_STATUS[status],
        current=State(code, configuration),
        desired=_state(desired_code, desired_configuration),
        last_good=_state(good_code, good_configuration),
        generation=generation,
        assigned_by=assigned_by,
        apply=ApplyRule(rule),
        message=message,
        registered_at=registered_at,
        last_heartbeat_at=heard_at,
        reachable=bool(reachable),
        heard=heard,
        observed=observed,
        sessions=sessions_from(*sessions),
    )
    return Known(instance, credential_hash, revision, instance)


def _state(code: str | None, configuration: str | None) -> State | None:
    return None if code is None and configuration is None else State(code, configuration)
