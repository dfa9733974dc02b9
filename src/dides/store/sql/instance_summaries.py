"""Summaries, read as fast as can be: after every batch of heartbeats, and of the whole fleet at the start."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from sqlalchemy import Connection

from dides.model.instance import InstanceSummary
from dides.store.batching import chunks
from dides.store.records import Changes
from dides.store.sql.bulk import is_among, list_parameter
from dides.store.sql.driver_query import query
from dides.store.sql.instance_columns import SUMMARY, summary_from
from dides.store.sql.transaction import SqlTransaction

MOST_READ = 4096
"""Instances that one statement reads at the start."""
MOST_BROADCAST = 2_000
"""Instances that a follower is told of at once: its event loop does nothing else meanwhile."""
_SELECT = f"SELECT {', '.join(SUMMARY)} FROM instances "  # noqa: S608 - names of ours
_OF = {dialect: f"{_SELECT}WHERE {condition}" for dialect, condition in is_among("id", "bigint").items()}
_AFTER = {
    "sqlite": f"{_SELECT}WHERE id > ? ORDER BY id LIMIT ?",
    "postgresql": f"{_SELECT}WHERE id > %s ORDER BY id LIMIT %s",
}


def changes_of(connection: Connection, units: Sequence[SqlTransaction]) -> list[Changes]:
    """Return what units of work have changed, as it is now, in pieces; call in their transaction."""
    times = Counter(chain.from_iterable(unit.inventory.touched for unit in units))
    removed = [gone for unit in units for gone in unit.inventory.removed]
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
    changed = [
        Changes(chunk, []) for chunk in chunks((summaries[number] for number in sorted(summaries)), MOST_BROADCAST)
    ]
    return [Changes([], removed), *changed] if removed else changed


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
