"""One transaction over a database, as units of work see it."""

from functools import cached_property

from sqlalchemy import Connection

from dides.store.sql.convergences import SqlConvergences
from dides.store.sql.deployments import SqlDeployments
from dides.store.sql.events import SqlEvents, SqlKeys
from dides.store.sql.heirs import SqlHeirs
from dides.store.sql.inventory import SqlInventory
from dides.store.sql.last_seen import SqlLastSeen
from dides.store.sql.targets import SqlTargets


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
