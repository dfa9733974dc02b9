"""Writers of SQLite for tests, and units of work that can be seen, held up or made to fail."""

from collections.abc import Callable
from concurrent.futures import Future
from threading import Event

from sqlalchemy import Connection, Engine

from dides.store.broadcaster import Broadcaster
from dides.store.interface import Transaction
from dides.store.records import Event as Happened
from dides.store.sql.transaction import SqlTransaction
from dides.store.writer import LocalTransactions, Writer
from support.clocks import FakeClock

PATIENCE = 10.0
"""Seconds after which a test gives up; only a failing one waits so long."""


def a_writer(engine: Engine) -> Writer:
    """Return a writer on a database in this process, which nobody follows."""
    return Writer(engine, LocalTransactions(FakeClock().now), Broadcaster())


class Gate:
    """A unit of work that holds the writer until it is opened, so that others gather behind it."""

    def __init__(self, writer: Writer) -> None:
        self._entered, self._open = Event(), Event()
        self.done: Future[None] = writer.submit(self._wait)
        assert self._entered.wait(PATIENCE)

    def _wait(self, _: Transaction) -> None:
        self._entered.set()
        assert self._open.wait(PATIENCE)

    def open(self) -> None:
        self._open.set()


def connection_of(tx: Transaction) -> Connection:
    assert isinstance(tx, SqlTransaction)
    return tx.inventory._db


def note(value: int) -> Callable[[Transaction], int]:
    """Return a unit of work that adds an event of several pages."""

    def work(tx: Transaction) -> int:
        tx.events.append([Happened(at=value, kind="x" * 20_000, actor="me")])
        return value

    return work


def noted(writer: Writer) -> list[int]:
    every = writer.submit(lambda tx: [each.at for each in tx.events.page(None, None, 10_000)])
    return every.result(PATIENCE)


def limit_pages(writer: Writer, free: int) -> None:
    """Let the database grow by so many pages from now on: a disk that is nearly full."""

    def work(tx: Transaction) -> None:
        pages = connection_of(tx).exec_driver_sql("PRAGMA page_count").scalar_one()
        connection_of(tx).exec_driver_sql(f"PRAGMA max_page_count = {pages + free}").close()

    writer.submit(work).result(PATIENCE)
