"""One transaction over a database, as units of work see it, and what they have changed in it."""

from collections import Counter
from collections.abc import Sequence
from functools import cached_property
from itertools import chain

from sqlalchemy import Connection

from dides.store.batching import chunks
from dides.store.records import Changes
from dides.store.sql.convergences import SqlConvergences
from dides.store.sql.deployments import SqlDeployments
from dides.store.sql.events import SqlEvents, SqlKeys
from dides.store.sql.heirs import SqlHeirs
from dides.store.sql.instance_reads import summaries_of
from dides.store.sql.inventory import SqlInventory
from dides.store.sql.last_seen import SqlLastSeen
from dides.store.sql.targets import SqlTargets

MOST_BROADCAST = 2_000
"""Instances in one broadcast: the event loop of a follower does nothing else meanwhile."""


class SqlTransaction:
    """See dides.store.interface.Transaction. What a unit of work does not use is not made."""

    def __init__(self, connection: Connection, now: int, *, alone: bool = True) -> None:
        self.now = now
        self.alone = alone
        self._db = connection
        self.inventory = SqlInventory(connection)
        self.deployments = SqlDeployments(connection)
        self.events = SqlEvents(connection)

    @cached_property
    def targets(self) -> SqlTargets:
        """The targets of the deployments."""
        return SqlTargets(self._db)

    @cached_property
    def convergences(self) -> SqlConvergences:
        """The instances that returned after the end."""
        return SqlConvergences(self._db)

    @cached_property
    def heirs(self) -> SqlHeirs:
        """The instances that were given a state by inheritance."""
        return SqlHeirs(self._db)

    @cached_property
    def keys(self) -> SqlKeys:
        """Idempotency keys and notes."""
        return SqlKeys(self._db)

    @cached_property
    def last_seen(self) -> SqlLastSeen:
        """The last-seen times of the instances."""
        return SqlLastSeen(self._db)


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
