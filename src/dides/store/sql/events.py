"""The event log, idempotency keys and notes in SQL, for every database that SQLAlchemy speaks to."""

from collections.abc import Sequence

from sqlalchemy import Connection, delete, func, insert, select

from dides.store.batching import MOST
from dides.store.deletion import delete_some
from dides.store.records import Event
from dides.store.sql.driver_query import query
from dides.store.sql.heartbeat_writes import append_events
from dides.store.sql.mapping import Row
from dides.store.sql.pagination import page_of
from dides.store.sql.tables import events, idempotency_keys, notes


class SqlEvents:
    """See dides.store.repositories.Events."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def append(self, happened: Sequence[Event]) -> None:
        """Add events in this order."""
        append_events(self._db, happened)

    def page(
        self, deployment_id: int | None, cursor: int | None, limit: int, *, newest_first: bool = False
    ) -> list[Event]:
        """Return up to `limit` events beyond a cursor (an event's id), oldest or newest first."""
        wanted = select(events)
        if deployment_id is not None:
            wanted = wanted.where(events.c.deployment_id == deployment_id)
        rows = self._db.execute(page_of(wanted, events.c.id, cursor, limit, descending=newest_first))
        return [_event_from(row) for row in rows.mappings()]

    def of_instance(self, name: str, limit: int, newest: int) -> list[Event]:
        """Return up to `limit` events of an instance, newest first, from among the `newest` events of all."""
        beyond = select(func.max(events.c.id) - newest).scalar_subquery()
        wanted = select(events).where(events.c.id > beyond, events.c.instance == name)
        rows = self._db.execute(wanted.order_by(events.c.id.desc()).limit(limit))
        return [_event_from(row) for row in rows.mappings()]

    def prune(self, before: int, most: int = MOST) -> int:
        """Delete the events before the first one that is not older than a moment, `most` of them; return how many."""
        low, last = (self._db.execute(select(end(events.c.id))).scalar() for end in (func.min, func.max))
        if low is None or last is None:
            return 0
        high = last + 1
        while low < high:  # All before `low` are older, none from `high` on is.
            middle = (low + high) // 2
            found = select(events.c.id, events.c.at).where(events.c.id >= middle).order_by(events.c.id).limit(1)
            event = self._db.execute(found).one()
            low, high = (event.id + 1, high) if event.at < before else (low, middle)
        beyond = self._db.execute(select(events.c.id).order_by(events.c.id).offset(most).limit(1)).scalar()
        low = low if beyond is None else min(low, beyond)
        return self._db.execute(delete(events).where(events.c.id < low)).rowcount


_NOTED = {
    "sqlite": "SELECT value FROM notes WHERE name = ?",
    "postgresql": "SELECT value FROM notes WHERE name = %s",
}


class SqlKeys:
    """See dides.store.repositories.Keys."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def remembered(self, actor: str, key: str, since: int) -> tuple[bytes, int] | None:
        """Return the body's hash and the deployment of an earlier request with this key."""
        table = idempotency_keys
        wanted = select(table.c.body_hash, table.c.deployment_id).where(
            table.c.actor == actor, table.c.key == key, table.c.at >= since
        )
        row = self._db.execute(wanted).one_or_none()
        return (row.body_hash, row.deployment_id) if row else None

    def remember(self, actor: str, key: str, body_hash: bytes, deployment_id: int, at_ms: int) -> None:
        """Store a key, or replace an expired one."""
        table = idempotency_keys
        self._db.execute(delete(table).where(table.c.actor == actor, table.c.key == key))
        values = {"actor": actor, "key": key, "body_hash": body_hash, "deployment_id": deployment_id, "at": at_ms}
        self._db.execute(insert(table).values(values))

    def forget(self, before: int, most: int = MOST) -> int:
        """Delete keys older than a moment, `most` of them; return how many."""
        return delete_some(self._db, idempotency_keys, idempotency_keys.c.at < before, most)

    def noted(self, name: str) -> int | None:
        """Return a number noted under a name."""
        found = query(self._db, _NOTED, name)
        return found[0][0] if found else None

    def write_down(self, name: str, value: int) -> None:
        """Note a number under a name."""
        self._db.execute(delete(notes).where(notes.c.name == name))
        self._db.execute(insert(notes).values(name=name, value=value))


def _event_from(row: Row) -> Event:
    return Event(**{name: row[name] for name in Event.__struct_fields__})
