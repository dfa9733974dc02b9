"""Summaries, read as fast as can be: after every batch of heartbeats, and of the whole fleet at the start."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Any

import msgspec
from sqlalchemy import Connection

from dides.model.instance import InstanceSummary
from dides.model.state import NOTHING, ApplyRule, State, Status
from dides.store.batching import chunks
from dides.store.records import Changes
from dides.store.sql.driver_query import ask
from dides.store.sql.transaction import SqlTransaction

PIECE = 4096
TOLD = 2_000
"""How many a follower is told of at once: its event loop does nothing else meanwhile."""
_STATUS = tuple(Status)
_SELECT = (
    "SELECT id, name, revision, credential_hash, status, current_code, current_configuration, message, reachable, "
    "desired_code, desired_configuration, generation, assigned_by, heard, observed, last_heartbeat_at, session, "
    "sequence, duplicated_until, apply_rule FROM instances "
)
_OF = {
    "sqlite": _SELECT + "WHERE id IN (SELECT value FROM json_each(?))",  # noqa: S608 - nothing from outside
    "postgresql": _SELECT + "WHERE id = ANY(%s)",
}
_AFTER = {
    "sqlite": _SELECT + "WHERE id > ? ORDER BY id LIMIT ?",
    "postgresql": _SELECT + "WHERE id > %s ORDER BY id LIMIT %s",
}


def changes_of(connection: Connection, units: Sequence[SqlTransaction]) -> list[Changes]:
    """Return what units of work have changed, as it is now, in pieces; call in their transaction."""
    times = Counter(chain.from_iterable(unit.inventory.touched for unit in units))
    removed = [each for unit in units for each in unit.inventory.removed]
    for number, _ in removed:
        times.pop(number, None)
    # What one unit alone has touched may be known to it; nobody else has changed it since.
    summaries = {
        summary.id: summary
        for unit in units
        for summary in unit.inventory.summaries(unit.inventory.touched)
        if times[summary.id] == 1
    }
    summaries.update((summary.id, summary) for summary in summaries_of(connection, times.keys() - summaries.keys()))
    changed = [Changes(piece, []) for piece in chunks((summaries[number] for number in sorted(summaries)), TOLD)]
    return [Changes([], removed), *changed] if removed else changed


def summaries_of(connection: Connection, instance_ids: Iterable[int]) -> list[InstanceSummary]:
    """Return the summaries of those of these instances that exist."""
    wanted: Any = sorted(instance_ids)
    if not wanted:
        return []
    if connection.dialect.name == "sqlite":
        wanted = msgspec.json.encode(wanted).decode()  # one parameter, however many: the statement stays prepared
    return [_summary(row) for row in ask(connection, _OF, wanted)]


def all_summaries(connection: Connection, piece: int = PIECE) -> Iterator[list[InstanceSummary]]:
    """Yield the summaries of all instances in lists, none of them empty."""
    last = 0
    while rows := ask(connection, _AFTER, last, piece):
        yield [_summary(row) for row in rows]
        last = rows[-1][0]


def _summary(row: Any) -> InstanceSummary:
    key, name, revision, credential, status, code, configuration, message, reachable, *rest = row
    (
        desired_code,
        desired_configuration,
        generation,
        assigned_by,
        heard,
        observed,
        last_heartbeat_at,
        session,
        sequence,
        *rest,
    ) = rest
    duplicated_until, rule = rest
    current = State(code, configuration) if code is not None or configuration is not None else NOTHING
    desires = desired_code is not None or desired_configuration is not None
    desired = State(desired_code, desired_configuration) if desires else None
    return InstanceSummary(
        key,
        name,
        revision,
        credential,
        _STATUS[status],
        current,
        message,
        bool(reachable),
        desired,
        generation,
        assigned_by,
        heard,
        observed,
        last_heartbeat_at,
        not current.meets(desired),
        session,
        sequence,
        duplicated_until,
        ApplyRule(rule),
    )
