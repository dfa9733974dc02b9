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
    "AND (origin IS DISTINCT FROM %s OR transaction = ANY(%s::xid8[]))"
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
    unsure: int = 0
    """How many transactions of this coordinator had an outcome that nobody knew."""
    emptied: bool = False
    """At it followers have forgotten all they knew, perhaps with something that this coordinator had just told them."""


class PostgresFeed:
    """A thread with a connection of its own; `tell` is told of every change but those of `origin`, this coordinator."""

    def __init__(self, engine: Engine, clock: DatabaseClock, tell: Callable[[Changes], None], origin: str) -> None:
        self._engine = engine
        self._clock = clock
        self._tell = tell
        self._origin = origin
        self._unsure: list[str] = []
        self._last: _Look | None = None
        self._went_on = False
        """Whether the last look was over this connection."""
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
        """Tell of everything anew, and of this transaction of this coordinator, too, should it be committed later."""
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
                    self._went_on = False
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
        began, unsure = monotonic(), len(self._unsure)
        now, following, running = begin(connection, "REPEATABLE READ READ ONLY", _SNAPSHOT)
        self._clock.sample(began, now)
        history = driver_of(connection).history
        emptied = self._last is not None and self._last.history != history
        look = _Look(history, now, following, running, unsure, emptied)
        if self._last is not None:  # Else whoever follows reads all there is, once it has joined.
            self._tell_since(connection, self._last, look)
        driver_of(connection).commit()
        self._last, self._heard, self._went_on = look, began, True
        self._first.set()
        if began >= self._prune_at:
            self._prune_at = began + PRUNE
            for table in ("changes", "commits"):
                connection.exec_driver_sql(f"DELETE FROM {table} WHERE at < %s", (now - KEEP,))  # noqa: S608

    def _tell_since(self, connection: Connection, last: _Look, look: _Look) -> None:
        if look.emptied:
            self._tell_another(connection)
            return
        # A connection breaks in a crash, after which the numbers of transactions may be given out again.
        if not self._went_on or look.unsure > last.unsure or look.now - last.now > KEEP // 2:
            self._tell_everything(connection, last.now - KEEP)
            return
        touched: set[int] = set()
        gone: list[tuple[int, str]] = []
        # What was told while followers forgot all they knew may be forgotten as well: no origin is left out then.
        left_out = None if last.emptied else self._origin
        since = (last.next, list(last.running), left_out, list(self._unsure))
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

    def _tell_another(self, connection: Connection) -> None:
        """Tell of every instance of another history, in which what was known may never have happened.

        All at once: between two pieces instances would seem not to be there.
        """
        log.warning("the server has another history; forgetting every instance and reading all anew")
        every = [brief for briefs in all_briefs(connection) for brief in briefs]
        self._tell(Changes(every, [], anew=True))

    def _wait(self, connection: Connection) -> None:
        """Return when somebody else has changed something, or it is time to look anyway."""
        until = monotonic() + POLL
        while not self._closing.is_set() and (left := until - monotonic()) > 0:
            heard = driver_of(connection).notifies(timeout=min(left, SLICE), stop_after=1)
            if any(each.payload != self._origin for each in heard):
                return
