"""One transaction over a database, as units of work see it."""

from sqlalchemy import Connection

from dides.store.sql_convergences import SqlConvergences
from dides.store.sql_deployments import SqlDeployments
from dides.store.sql_events import SqlEvents, SqlKeys
from dides.store.sql_heirs import SqlHeirs
from dides.store.sql_inventory import SqlInventory
from dides.store.sql_sightings import SqlSightings
from dides.store.sql_targets import SqlTargets


class SqlTransaction:
    """See dides.store.base.Transaction."""

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
        self.sightings = SqlSightings(connection)
