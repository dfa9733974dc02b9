"""The last signs of life in SQL, for every database that SQLAlchemy speaks to."""

from collections.abc import Iterable, Mapping

from sqlalchemy import Connection, delete, select

from dides.store.raw import put_sightings
from dides.store.tables import sightings


class SqlSightings:
    """See dides.store.repositories.Sightings."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def put(self, coordinator: str, blocks: Mapping[int, bytes]) -> None:
        """Store or replace blocks of a coordinator, by number."""
        put_sightings(self._db, coordinator, blocks)

    def of_others(self, coordinator: str) -> dict[str, dict[int, bytes]]:
        """Return the blocks of all coordinators but this one, by coordinator and number."""
        found: dict[str, dict[int, bytes]] = {}
        for row in self._db.execute(select(sightings).where(sightings.c.coordinator != coordinator)):
            found.setdefault(row.coordinator, {})[row.block] = row.seen
        return found

    def forget(self, coordinators: Iterable[str]) -> None:
        """Delete all blocks of these coordinators."""
        self._db.execute(delete(sightings).where(sightings.c.coordinator.in_(list(coordinators))))
