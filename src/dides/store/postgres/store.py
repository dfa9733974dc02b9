"""The store that several coordinators share: PostgreSQL 15 or newer."""

import asyncio
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from dides.model.errors import UnavailableError
from dides.store.broadcaster import Broadcaster, Follower, broadcast_all
from dides.store.interface import Transaction
from dides.store.postgres.change_feed import PostgresFeed
from dides.store.postgres.connections import PATIENCE, conninfo_of, open_engine
from dides.store.postgres.database_clock import DatabaseClock
from dides.store.postgres.in_doubt import LONGEST, InDoubtTransactions
from dides.store.postgres.opening import prepare
from dides.store.postgres.transactions import SharedTransactions, begin_reading
from dides.store.records import MustBeAloneError
from dides.store.sql.transaction import SqlTransaction
from dides.store.writer import Writer, said

T = TypeVar("T")
READERS = 4
FEED_PATIENCE = 5.0
"""Seconds that the feed waits for an answer: it asks for little, and a new connection may be better."""
FIRST_LOOK = 10.0
"""Seconds that a follower waits for the feed's first look at the most."""
LARGEST_GROUP = 60
"""Each unit is a savepoint, and PostgreSQL keeps track of 64 in a transaction at little cost."""


class PostgresStore:
    """See dides.store.interface.Store."""

    def __init__(self, url: str, *, patience: float = PATIENCE, find_out_for: float = LONGEST) -> None:
        """Open, and migrate, the database that a URL names; its owner must be the user, and it may be empty.

        A statement may take `patience` seconds, and for `find_out_for` it is tried to find out the outcome of a commit
        that broke. Raises UnknownDatabaseError when the database cannot be used, TooNewError when a newer dides wrote
        it, UnavailableError when it cannot be opened.
        """
        origin = secrets.token_hex(8)
        conninfo = conninfo_of(url, origin)
        self.clock = DatabaseClock()
        self.shared = True
        try:
            prepare(conninfo, self.clock)
        except SQLAlchemyError as error:
            raise UnavailableError(f"The database cannot be opened: {said(error)}") from error
        self._closed = False
        self._broadcaster = Broadcaster()
        self._reading = open_engine(conninfo, size=READERS, patience=patience)
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="postgres-reader")
        feeding = open_engine(conninfo, patience=min(patience, FEED_PATIENCE))
        self._feed = PostgresFeed(feeding, self.clock, self._broadcaster.broadcast, origin)
        self._in_doubt = InDoubtTransactions(
            open_engine(conninfo, size=2), self._feed.watch_in_doubt, longest=find_out_for
        )
        self._alone = self._writer(open_engine(conninfo, patience=patience), alone=True, largest=LARGEST_GROUP)
        # Each in a transaction of its own, so that no two wait for each other.
        self._beside = self._writer(open_engine(conninfo, patience=patience), alone=False, largest=1)
        self.writers = (self._alone.statistics, self._beside.statistics)

    def _writer(self, engine: Engine, *, alone: bool, largest: int) -> Writer:
        name = "postgres-alone" if alone else "postgres-beside"
        return Writer(
            engine,
            SharedTransactions(self.clock, self._in_doubt, self._feed.wrote, alone=alone),
            self._broadcaster,
            name=name,
            alone=alone,
            largest=largest,
        )

    @property
    def behind(self) -> float:
        """How many seconds ago others were last known to have written nothing that was not told."""
        return self._feed.behind

    async def read(self, work: Callable[[Transaction], T]) -> T:
        """Run a unit of work that only reads, on one consistent snapshot."""
        return await self._on_reader(partial(self._read, work))

    async def write(self, work: Callable[[Transaction], T], *, alone: bool = True) -> T:
        """Run a unit of work atomically; durable when this returns."""
        if not alone:
            try:
                return await asyncio.wrap_future(self._beside.submit(work))
            except MustBeAloneError:
                pass
        return await asyncio.wrap_future(self._alone.submit(work))

    async def follow(self, follower: Follower) -> None:
        """Tell a follower of every instance, and from now on of every change."""
        with self._broadcaster.joined(follower) as broadcast:
            # The feed tells what comes after its first look; what came before has to be read.
            if not await asyncio.to_thread(self._feed.await_first, FIRST_LOOK):
                raise UnavailableError("the changes of other coordinators cannot be read")
            await self.write(_nothing)  # What began here before the follower joined is over, and will be read.
            await self._on_reader(partial(self._look, lambda connection, _: broadcast_all(broadcast, connection)))

    async def backup(self, file: Path) -> None:
        """Refuse: the server has its own tools for that."""
        raise NotImplementedError("pg_dump")

    async def close(self) -> None:
        """Finish what was accepted and release the database."""
        self._closed = True
        await asyncio.get_running_loop().run_in_executor(None, self._release)

    def _release(self) -> None:
        self._alone.close()
        self._beside.close()
        self._in_doubt.close()
        self._feed.close()
        self._readers.shutdown()
        self._reading.dispose()

    async def _on_reader(self, work: Callable[[], T]) -> T:
        if self._closed:
            raise UnavailableError("the coordinator is shutting down")
        return await asyncio.get_running_loop().run_in_executor(self._readers, work)

    def _read(self, work: Callable[[Transaction], T]) -> T:
        return self._look(lambda connection, now: work(SqlTransaction(connection, now)))

    def _look(self, look: Callable[[Connection, int], T]) -> T:
        """Look at a snapshot, on a fresh connection where an old one turned out to be broken. UnavailableError."""
        try:
            try:
                return self._look_once(look)
            except DBAPIError as error:
                if not error.connection_invalidated:
                    raise
            return self._look_once(look)
        except SQLAlchemyError as error:
            raise UnavailableError(f"the database cannot be read: {said(error)}") from error

    def _look_once(self, look: Callable[[Connection, int], T]) -> T:
        with self._reading.connect() as connection, connection.begin():
            return look(connection, begin_reading(connection, self.clock))


def _nothing(_: Transaction) -> None:
    """Write nothing."""
