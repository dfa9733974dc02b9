"""The embedded store: SQLite, durable through power loss, written by one thread that commits in groups."""

import asyncio
import math
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import ConnectionPoolEntry

from dides.model.errors import UnavailableError
from dides.runtime.clock import Clock
from dides.store.broadcaster import Broadcaster, Follower, broadcast_all
from dides.store.interface import Transaction
from dides.store.migrate import migrate
from dides.store.sql.driver_query import query
from dides.store.sql.transaction import SqlTransaction
from dides.store.sqlite.backup import back_up
from dides.store.writer import LocalTransactions, Writer, said

T = TypeVar("T")
READERS = 4
BUSY_SECONDS = 10
LOG_BYTES = 16 * 1024 * 1024
"""What is left of the write-ahead log's file once it has been written back; it is a quarter of that usually."""


class SqliteStore:
    """See dides.store.interface.Store."""

    def __init__(self, file: Path, clock: Clock, *, synchronous: str = "FULL") -> None:
        """Open, and migrate, the database in a file, creating it if there is none.

        `synchronous` is SQLite's pragma; anything below FULL gives up durability and is for tests. Raises
        TooNewError when a newer dides wrote the database, UnavailableError when it cannot be opened.
        """
        self._file = file
        self.clock = clock
        self.behind = 0.0
        self.shared = False
        self._broadcaster = Broadcaster()
        self._closed = False
        writing = _migrated(file, synchronous)
        self._reading = open_engine(file, synchronous, "BEGIN")
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="sqlite-reader")
        self._writer = Writer(writing, LocalTransactions(clock.now), self._broadcaster)
        self.writers = (self._writer.statistics,)

    async def read(self, work: Callable[[Transaction], T]) -> T:
        """Run a unit of work that only reads, on one consistent snapshot."""
        return await self._on_reader(partial(self._read, work))

    async def write(self, work: Callable[[Transaction], T], *, alone: bool = True) -> T:
        """Run a unit of work atomically, together with others that wait; always alone, durable when this returns."""
        return await asyncio.wrap_future(self._writer.submit(work))

    async def follow(self, follower: Follower) -> None:
        """Tell a follower of every instance, and from now on of every change."""
        with self._broadcaster.joined(follower) as broadcast:
            await self.write(_nothing)  # What began before the follower joined is over, and will be read.
            await self._on_reader(partial(self._look, partial(broadcast_all, broadcast)))

    async def backup(self, file: Path) -> None:
        """Write a consistent copy while the store is in use."""
        await self._on_reader(partial(back_up, self._file, file))

    async def close(self) -> None:
        """Finish what was accepted and release the database."""
        self._closed = True
        self.behind = math.inf  # Nobody follows any more.
        await asyncio.get_running_loop().run_in_executor(None, self._writer.close)
        self._readers.shutdown()
        self._reading.dispose()

    async def _on_reader(self, work: Callable[[], T]) -> T:
        if self._closed:
            raise UnavailableError("the coordinator is shutting down")
        return await asyncio.get_running_loop().run_in_executor(self._readers, work)

    def _read(self, work: Callable[[Transaction], T]) -> T:
        return self._look(lambda connection: work(SqlTransaction(connection, self.clock.now())))

    def _look(self, look: Callable[[Connection], T]) -> T:
        try:
            with self._reading.begin() as connection:
                return look(connection)
        except DBAPIError as error:
            raise UnavailableError(f"the database cannot be read: {said(error)}") from error


def _nothing(_: Transaction) -> None:
    """Write nothing."""


def _migrated(file: Path, synchronous: str) -> Engine:
    """Return an engine to write with, once the database is at the schema of this program."""
    engine = open_engine(file, synchronous, "BEGIN IMMEDIATE")
    try:
        migrate(engine)
    except BaseException as error:
        engine.dispose()
        if isinstance(error, DBAPIError):
            raise UnavailableError(f"{file} cannot be opened as a database: {said(error)}") from error
        raise
    return engine


def open_engine(file: Path, synchronous: str, begin: str, **options: Any) -> Engine:
    """Return an engine whose transactions start with `begin`; `options` are SQLAlchemy's own, and go first."""
    engine = create_engine(
        f"sqlite:///{file}",
        **{"connect_args": {"timeout": BUSY_SECONDS, "check_same_thread": False}, "pool_size": READERS, **options},
        json_serializer=lambda value: msgspec.json.encode(value).decode(),
        json_deserializer=msgspec.json.decode,
    )

    @event.listens_for(engine, "connect")
    def _configure(connection: sqlite3.Connection, _: ConnectionPoolEntry) -> None:
        # The driver's own transaction handling would begin too late; `_begin` does it.
        connection.isolation_level = None
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA synchronous = {synchronous}")
        connection.execute("PRAGMA foreign_keys = ON")
        # Whoever read for long has let the log grow; without a limit the file would stay as large for ever.
        connection.execute(f"PRAGMA journal_size_limit = {LOG_BYTES}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        query(connection, {"sqlite": begin})

    return engine
