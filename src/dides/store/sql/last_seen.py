"""The last-seen times in SQL, for every database that SQLAlchemy speaks to."""

from collections.abc import Mapping

from sqlalchemy import Connection, select

from dides.store.batching import MOST
from dides.store.deletion import delete_some
from dides.store.records import LastSeenBlocks
from dides.store.sql.heartbeat_writes import put_last_seen
from dides.store.sql.tables import last_seen


class SqlLastSeen:
    """See dides.store.repositories.LastSeen."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def put(self, coordinator: str, blocks: Mapping[int, bytes], at_ms: int) -> None:
        """Store or replace blocks of a coordinator, by number, as of a moment (ms)."""
        put_last_seen(self._db, coordinator, blocks, at_ms)

    def of_others(self, coordinator: str, since: int) -> dict[str, LastSeenBlocks]:
        """Return the blocks of all coordinators but this one, as of a moment (ms) or later."""
        found: dict[str, LastSeenBlocks] = {}
        newer = (last_seen.c.coordinator != coordinator) & (last_seen.c.at >= since)
        for row in self._db.execute(select(last_seen).where(newer)):
            theirs = found.setdefault(row.coordinator, LastSeenBlocks(row.at, {}))
            theirs.at_ms = max(theirs.at_ms, row.at)
            theirs.blocks[row.block] = row.seen
        return found

    def forget(self, before: int, most: int = MOST) -> int:
        """Delete blocks as of before a moment (ms), `most` of them; return how many."""
        return delete_some(self._db, last_seen, last_seen.c.at < before, most)
