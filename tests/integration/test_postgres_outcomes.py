"""Commits of which nobody knows whether they were done: whoever asks is told of its own, and of nobody else's."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from dides.model.errors import UnavailableError
from dides.store.interface import Transaction
from dides.store.postgres.store import PostgresStore
from dides.store.sql.transaction import SqlTransaction
from support.postgres import statement
from support.postgres_server import PostgresServer
from support.proxy import Proxy
from support.stores import add

PATIENCE = 10.0
TWO = pytest.mark.parametrize(("first", "second"), [(True, False), (False, True), (False, False), (True, True)])
"""Whether the first, and the second, of two commits was done."""


@pytest.fixture
def server() -> Iterator[PostgresServer]:
    server = PostgresServer(wal_writer_delay="10s", autovacuum="off")
    yield server
    server.remove()


@pytest.fixture
def proxy(server: PostgresServer) -> Iterator[Proxy]:
    proxy = Proxy(server.port)
    yield proxy
    proxy.close()


@pytest.fixture
async def store(server: PostgresServer, proxy: Proxy) -> AsyncIterator[PostgresStore]:
    """A store whose writers are connected, and which has not asked for any outcome yet."""
    store = PostgresStore(server.url(port=proxy.port))
    for alone in (True, False):
        await store.write(lambda tx: tx.keys.write_down("n", 1), alone=alone)
    yield store
    await store.close()


class Adding:
    """A unit of work that adds an instance; it knows the number of its transaction."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.number = 0

    def __call__(self, tx: Transaction) -> str:
        assert isinstance(tx, SqlTransaction)
        add(tx, self.name)
        self.number = int(tx.inventory._db.exec_driver_sql("SELECT pg_current_xact_id()::text").scalar_one())
        return self.name


async def lost(store: PostgresStore, proxy: Proxy, adding: Adding, *, alone: bool, done: bool) -> "asyncio.Task[str]":
    """Write something, lose the connection in the commit, and return it asking what has become of it."""
    proxy.lose_commit(done=done)
    writing = asyncio.create_task(store.write(adding, alone=alone))
    assert await asyncio.to_thread(proxy.lost.wait, PATIENCE)
    return writing


async def outcome(writing: "asyncio.Task[str]") -> bool:
    """Return what the one who waits is told: that it was done, or that it was not and never will be."""
    (told,) = await asyncio.gather(writing, return_exceptions=True)
    if isinstance(told, str):
        return True
    assert type(told) is UnavailableError, told
    assert "which was undone" in told.detail
    return False


def stored(server: PostgresServer, name: str) -> bool:
    return bool(statement(server, f"SELECT 1 FROM instances WHERE name = '{name}'"))


@TWO
async def test_two_that_ask_at_once_are_each_told_of_their_own(
    server: PostgresServer, proxy: Proxy, store: PostgresStore, *, first: bool, second: bool
) -> None:
    proxy.refuse()
    one = await lost(store, proxy, Adding("web-1"), alone=True, done=first)
    other = await lost(store, proxy, Adding("web-2"), alone=False, done=second)
    assert not one.done(), "it cannot know yet"
    proxy.open()
    assert (await outcome(one), await outcome(other)) == (first, second)
    assert (stored(server, "web-1"), stored(server, "web-2")) == (first, second)


@pytest.mark.parametrize(("first", "second"), [(True, False), (False, False)])
async def test_also_after_a_crash_in_which_numbers_are_given_out_again(
    server: PostgresServer, proxy: Proxy, store: PostgresStore, *, first: bool, second: bool
) -> None:
    """Of a number it is then said that it was committed: somebody else's transaction was."""
    proxy.refuse()
    earlier, later = Adding("web-1"), Adding("web-2")
    one = await lost(store, proxy, earlier, alone=True, done=first)
    other = await lost(store, proxy, later, alone=False, done=second)
    await asyncio.to_thread(server.restart)
    numbers = given_out(server, up_to=later.number)
    assert second or later.number in numbers
    assert first or second or earlier.number in numbers
    proxy.open()
    assert (await outcome(one), await outcome(other)) == (first, second)
    assert (stored(server, "web-1"), stored(server, "web-2")) == (first, second)


def given_out(server: PostgresServer, up_to: int) -> list[int]:
    """Commit something under every number up to one; return the numbers."""
    numbers = [0]
    while numbers[-1] < up_to:
        numbers.append(int(statement(server, "SELECT pg_current_xact_id()::text")[0][0]))
    return numbers
