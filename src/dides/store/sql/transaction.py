"""One transaction over a database, as units of work see it."""

from sqlalchemy import Connection

from dides.store.sql.convergences import SqlConvergences
from dides.store.sql.deployments import SqlDeployments
from dides.store.sql.events import SqlEvents, SqlKeys
from dides.store.sql.heirs import SqlHeirs
from dides.store.sql.inventory import SqlInventory
from dides.store.sql.last_seen import SqlLastSeen
from dides.store.sql.targets import SqlTargets


class SqlTransaction:
    """See dides.store.interface.Transaction."""

    def __init__(self, connection: Connection, now: int, *, alone: bool = True) -> None:
        self.now = now
        self.alone = alone
        self.inventory = SqlInventory(connection)
        self.deployments = SqlDeployments(connection)
        self.targets = SqlTargets(connection)
        self.convergences = SqlConvergences(connection)
        self.heirs = SqlHeirs(connection)
        self.events = SqlEvents(connection)
        self.keys = SqlKeys(connection)
        self.last_seen = SqlLastSeen(connection)
