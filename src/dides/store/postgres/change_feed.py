"""News of what other coordinators have committed: a notification wakes, and a look at the log of changes tells."""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from time import monotonic

import msgspec
import psycopg
import structlog
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from dides.store.batching import chunks
from dides.store.postgres.change_log import (
    KEEP,
    Look,
    News,
    begin_log,
    changed_since,
    forget,
    look_at,
    news_of,
    removed_before,
)
from dides.store.postgres.connections import driver_of
from dides.store.postgres.database_clock import DatabaseClock
from dides.store.records import Changes
from dides.store.sql.instance_reads import all_summaries, summaries_of
from dides.store.writer import said

log = structlog.get_logger()
CHANNEL = "dides"
POLL = 0.5
"""Seconds between two looks without a notification."""
SLICE = 0.1
RETRY = 0.5
PRUNE = 60.0
"""Seconds between two times that what is old is deleted. Nobody asks for the outcome of a commit for that long."""
MOST_COMMITS = 5_000
"""Own commits that the next look searches for; of more the oldest are left out."""


class PostgresFeed:
    """A thread with a connection of its own; `tell` is told of every change but those of `origin`, this coordinator."""

    def __init__(self, engine: Engine, clock: DatabaseClock, broadcast: Callable[[Changes], None], origin: str) -> None:
        self._engine = engine
        self._clock = clock
        self._broadcast = broadcast
        self._origin = origin
        self._unsure: list[str] = []
        self._own: deque[str] = deque(maxlen=MOST_COMMITS)
        """The tokens of what this coordinator has committed since the last look: its followers know of all of it."""
        self._last: Look | None = None
        self._broadcast_of: Look | None = None
        """The last look of which everything was told; it is older than the last one where a connection broke."""
        self._put_back = False
        """The database was put back, and that has not been told yet."""
        self._heard = monotonic()
        self._prune_at = monotonic() + PRUNE
        self._pruned_to = 0
        """The server's time (ms) when it was pruned last; 0 before that."""
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

    def watch_in_doubt(self, transaction: str) -> None:
        """Tell of everything anew, and of this transaction of this coordinator, too, should it be committed later."""
        self._unsure.append(transaction)

    def wrote(self, token: str) -> None:
        """Note what this coordinator has committed."""
        self._own.append(token)

    def close(self) -> None:
        """Stop looking."""
        self._closing.set()
        self._thread.join()
        self._engine.dispose()

    def _run(self) -> None:
        while not self._closing.is_set():
            try:
                with self._engine.connect() as connection:
                    self._follow(connection)
            except (SQLAlchemyError, psycopg.Error) as error:
                log.warning("the changes of other coordinators cannot be read", reason=said(error))
            except Exception:
                # A mistake of ours; who follows must not be left without news for it.
                log.exception("the changes of other coordinators could not be told")
            self._closing.wait(RETRY)

    def _follow(self, connection: Connection) -> None:
        """Look again and again, until closed. SQLAlchemyError, psycopg.Error."""
        connection.exec_driver_sql(f"LISTEN {CHANNEL}")
        # What is written here is not missed when it is lost, and must not wait for a standby that is away.
        connection.exec_driver_sql("SET synchronous_commit = off")
        went_on = False
        while not self._closing.is_set():
            self._look(connection, went_on=went_on)
            went_on = True
            self._wait(connection)

    def _look(self, connection: Connection, *, went_on: bool) -> None:
        """Tell of what has been committed since the last look."""
        own = list(self._own)
        look = look_at(connection, self._last, own, went_on=went_on, unsure=len(self._unsure))
        self._clock.sample(look.at, look.now)
        look = self._remember(look, own)
        if self._broadcast_of is not None:  # Else whoever follows reads all there is, once it has joined.
            self._broadcast_since(connection, self._broadcast_of, look)
        driver_of(connection).commit()
        self._broadcast_of, self._put_back, self._heard = look, False, look.at
        self._first.set()
        if look.newest is None:
            begin_log(connection, self._origin)
        if look.at >= self._prune_at:
            self._prune(connection, look)

    def _remember(self, look: Look, own: Sequence[str]) -> Look:
        """Keep a look, which has searched for these own commits, and whether it shows that the database was put back.

        That is done before anybody is told anything: where the connection breaks in the middle of it, followers know
        some of what this look has seen, and only the next look can say whether the database still has it.
        """
        self._put_back |= self._last is not None and news_of(self._last, look) is News.ANOTHER
        self._last = msgspec.structs.replace(look, emptied=self._put_back)
        searched = set(own)
        while self._own and self._own[0] in searched:
            self._own.popleft()
        return self._last

    def _prune(self, connection: Connection, look: Look) -> None:
        """Delete a chunk of what was old a while ago: a clock that was set forward makes nothing old at once."""
        if not forget(connection, self._pruned_to - KEEP):
            self._prune_at, self._pruned_to = look.at + PRUNE, look.now

    def _broadcast_since(self, connection: Connection, last: Look, look: Look) -> None:
        if self._put_back:
            self._broadcast_another(connection)
        elif news_of(last, look) is News.EVERYTHING:
            self._broadcast_everything(connection, last)
        else:
            changed, gone = changed_since(connection, last, self._origin, self._unsure)
            if gone:
                self._broadcast(Changes([], gone))
            for chunk in chunks(sorted(changed)):
                self._broadcast(Changes(summaries_of(connection, chunk), []))

    def _broadcast_everything(self, connection: Connection, last: Look) -> None:
        """Tell of every instance, and of those removed meanwhile: what changed cannot be said any more."""
        log.warning("reading every instance anew")
        self._broadcast(Changes([], removed_before(connection, last)))
        for summaries in all_summaries(connection):
            self._broadcast(Changes(summaries, []))

    def _broadcast_another(self, connection: Connection) -> None:
        """Tell of every instance of another database, in which what was known may never have happened.

        All at once: between two pieces instances would seem not to be there.
        """
        log.warning("the database was put back, or is another; forgetting every instance and reading all anew")
        every = [summary for summaries in all_summaries(connection) for summary in summaries]
        self._broadcast(Changes(every, [], anew=True))

    def _wait(self, connection: Connection) -> None:
        """Return when somebody else has changed something, or it is time to look anyway."""
        until = monotonic() + POLL
        while not self._closing.is_set() and (left := until - monotonic()) > 0:
            heard = driver_of(connection).notifies(timeout=min(left, SLICE), stop_after=1)
            if any(notice.payload != self._origin for notice in heard):
                return
