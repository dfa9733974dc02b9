"""News of what other coordinators have committed: a notification wakes, and a look at the log of changes tells.

Triggers write down which instances a statement has changed, with the number of its transaction (`changes`, see the
migration). A look reads what is visible on its snapshot and was not on that of the look before: transactions that have
begun since, and those that were under way then. So none is missed, in whatever order they commit, and a transaction
that stays open for hours costs nothing.
"""

import threading
from collections.abc import Callable, Sequence
from time import monotonic

import msgspec
import psycopg
import structlog
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from dides.store.briefs import all_briefs, briefs_of
from dides.store.chunks import chunks
from dides.store.database_clock import DatabaseClock
from dides.store.postgres_bounds import NOW
from dides.store.postgres_connections import begin, driver_of
from dides.store.records import Changes
from dides.store.writer import said

log = structlog.get_logger()
CHANNEL = "dides"
POLL = 0.5
"""Seconds between two looks without a notification."""
SLICE = 0.1
RETRY = 0.5
KEEP = 300_000
"""Milliseconds for which changes are kept. Who has not looked for half of that reads everything anew."""
PRUNE = 60.0
_NEXT = "pg_snapshot_xmax(pg_current_snapshot())::text"
_RUNNING = "ARRAY(SELECT pg_snapshot_xip(pg_current_snapshot())::text)"
_SNAPSHOT = f"SELECT {NOW}, {_NEXT}, {_RUNNING}"
_CHANGES = (
    "SELECT ids, names FROM changes WHERE (transaction >= %s::xid8 OR transaction = ANY(%s::xid8[])) "
    "AND (origin <> %s OR transaction = ANY(%s::xid8[]))"
)
_GONE = "SELECT instance_id, name FROM decommissioned WHERE instance_id IS NOT NULL AND at >= %s"


class _Look(msgspec.Struct, frozen=True):
    """What was visible at a look."""

    history: str
    now: int
    next: str
    """The first transaction that had not begun."""
    running: Sequence[str]
    """Those that had begun and not ended."""


class PostgresFeed:
    """A thread with a connection of its own; `tell` is told of every change but those of `origin`, this coordinator."""

    def __init__(self, engine: Engine, clock: DatabaseClock, tell: Callable[[Changes], None], origin: str) -> None:
        self._engine = engine
        self._clock = clock
        self._tell = tell
        self._origin = origin
        self._unsure: list[str] = []
        self._last: _Look | None = None
        self._heard = monotonic()
        self._prune_at = monotonic() + PRUNE
        self._first = threading.Event()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="postgres-feed", daemon=True)
        self._thread.start()

    @property
    def behind(self) -> float:
        """How many seconds ago the last look that succeeded has begun."""
        return monotonic() - self._heard

    def await_first(self, seconds: float) -> bool:
        """Wait for the first look, from which on every change is told; return whether it has succeeded in time."""
        return self._first.wait(seconds)

    def doubt(self, transaction: str) -> None:
        """Tell of a transaction of this coordinator, too, should it turn out to be committed."""
        self._unsure.append(transaction)

    def close(self) -> None:
        """Stop looking."""
        self._closing.set()
        self._thread.join()
        self._engine.dispose()

    def _run(self) -> None:
        while not self._closing.is_set():
            try:
                with self._engine.connect() as connection:
                    connection.exec_driver_sql(f"LISTEN {CHANNEL}")
                    while not self._closing.is_set():
                        self._look(connection)
                        self._wait(connection)
            except (SQLAlchemyError, psycopg.Error) as error:
                log.warning("the changes of other coordinators cannot be read", reason=said(error))
            except Exception:
                # A mistake of ours; who follows must not be left without news for it.
                log.exception("the changes of other coordinators could not be told")
            self._closing.wait(RETRY)

    def _look(self, connection: Connection) -> None:
        """Tell of what has been committed since the last look."""
        began = monotonic()
        now, following, running = begin(connection, "REPEATABLE READ READ ONLY", _SNAPSHOT)
        self._clock.sample(began, now)
        look = _Look(driver_of(connection).history, now, following, running)
        self._tell_since(connection, self._last, look)
        driver_of(connection).commit()
        self._last, self._heard = look, began
        self._first.set()
        if began >= self._prune_at:
            self._prune_at = began + PRUNE
            connection.exec_driver_sql("DELETE FROM changes WHERE at < %s", (now - KEEP,))

    def _tell_since(self, connection: Connection, last: _Look | None, look: _Look) -> None:
        if last is None:
            return  # Whoever follows reads all there is, after it has joined.
        if look.history != last.history or look.now - last.now > KEEP // 2:
            self._tell_everything(connection, last.now - KEEP)
            return
        touched: set[int] = set()
        gone: list[tuple[int, str]] = []
        since = (last.next, list(last.running), self._origin, list(self._unsure))
        for ids, names in connection.exec_driver_sql(_CHANGES, since):
            touched.update(ids)
            gone += zip(ids, names, strict=True) if names else ()
        if touched:
            self._tell_of(connection, touched.difference(number for number, _ in gone), gone)

    def _tell_of(self, connection: Connection, touched: set[int], gone: list[tuple[int, str]]) -> None:
        if gone:
            self._tell(Changes([], gone))
        for piece in chunks(sorted(touched)):
            self._tell(Changes(briefs_of(connection, piece), []))

    def _tell_everything(self, connection: Connection, since: int) -> None:
        """Tell of every instance, and of those removed since a moment (ms): what changed cannot be said any more."""
        log.warning("reading every instance anew")
        self._tell(Changes([], [(row[0], row[1]) for row in connection.exec_driver_sql(_GONE, (since,))]))
        for briefs in all_briefs(connection):
            self._tell(Changes(briefs, []))

    def _wait(self, connection: Connection) -> None:
        """Return when somebody else has changed something, or it is time to look anyway."""
        until = monotonic() + POLL
        while not self._closing.is_set() and (left := until - monotonic()) > 0:
            heard = driver_of(connection).notifies(timeout=min(left, SLICE), stop_after=1)
            if any(each.payload != self._origin for each in heard):
                return
