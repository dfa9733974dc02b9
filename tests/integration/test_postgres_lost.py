"""Connections to PostgreSQL that break, hang, or lose the answer that matters."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from functools import partial

import pytest

from dides.model.errors import OutcomeUnknownError, UnavailableError
from dides.store.interface import Transaction
from dides.store.postgres.store import PostgresStore
from dides.store.records import Changes
from dides.store.sql.transaction import SqlTransaction
from support.postgres import statement
from support.postgres_server import PostgresServer, the_server
from support.processes import until
from support.proxy import Proxy
from support.stores import add

PATIENCE = 30.0
# As quick as may be: on a busy machine this process, too, is idle in a transaction for a second.
QUICK = "?options=-c%20idle_in_transaction_session_timeout%3D1500"
BOTH = pytest.mark.parametrize("alone", [True, False])


Proxies = Callable[[int], Proxy]


@pytest.fixture
def proxies() -> Iterator[Proxies]:
    """Makes proxies that pass on to a port."""
    with ExitStack() as made:

        def make(to: int) -> Proxy:
            proxy = Proxy(to)
            made.callback(proxy.close)
            return proxy

        yield make


@pytest.fixture
def proxy(proxies: Proxies) -> Proxy:
    return proxies(the_server().port)


@pytest.fixture
async def store(proxy: Proxy, database: str) -> AsyncIterator[PostgresStore]:
    """A store that loses patience soon, behind a proxy."""
    store = PostgresStore(the_server().url(database, proxy.port) + QUICK, patience=5.0, find_out_for=4.0)
    yield store
    await store.close()


class Attempts:
    """A unit of work that adds an instance, after something happened to its connection, or not."""

    def __init__(self, *happens: object) -> None:
        self.happens = list(happens)
        self.number = 0

    def __call__(self, tx: Transaction) -> str:
        self.number += 1
        add(tx, "web-1")
        if self.happens and callable(happens := self.happens.pop(0)):
            happens()
            tx.inventory.get("web-1")
        return "done"


def names(database: str) -> list[str]:
    """Return what is in the database, past any proxy."""
    return [row[0] for row in statement(the_server(), "SELECT name FROM instances ORDER BY name", database)]


@BOTH
async def test_a_commit_whose_answer_is_lost_was_done(
    store: PostgresStore, proxy: Proxy, database: str, *, alone: bool
) -> None:
    heard: list[Changes] = []
    await store.follow(heard.append)
    work = Attempts()
    proxy.lose_commit(done=True)
    assert await store.write(work, alone=alone) == "done"
    assert proxy.lost.is_set()
    assert (work.number, names(database)) == (1, ["web-1"])
    assert [summary.name for each in heard for summary in each.summaries] == ["web-1"]


@BOTH
async def test_a_commit_that_did_not_arrive_was_not_done(
    store: PostgresStore, proxy: Proxy, database: str, *, alone: bool
) -> None:
    work = Attempts()
    proxy.lose_commit(done=False)
    with pytest.raises(UnavailableError, match="which was undone") as raised:
        await store.write(work, alone=alone)
    assert not isinstance(raised.value, OutcomeUnknownError)
    assert (work.number, names(database)) == (1, [])
    assert await store.write(work, alone=alone) == "done"


async def test_a_commit_under_way_is_waited_for(store: PostgresStore, proxy: Proxy, database: str) -> None:
    """The server does not know yet that nobody is there any more; a moment later it gives up."""
    proxy.strand_commit()
    with pytest.raises(UnavailableError, match="which was undone"):
        await store.write(Attempts())
    assert names(database) == []


@pytest.mark.parametrize("done", [True, False])
async def test_what_cannot_be_found_out_is_said_to_be_unknown(
    store: PostgresStore, proxy: Proxy, database: str, *, done: bool
) -> None:
    heard: list[Changes] = []
    await store.follow(heard.append)
    proxy.lose_commit(done=done, shut=True)
    with pytest.raises(OutcomeUnknownError, match="same Idempotency-Key"):
        await store.write(Attempts())
    proxy.open()
    assert names(database) == (["web-1"] if done else [])
    await written_again(store)
    if done:
        # Nobody was told, because nobody knew; now the feed has seen it.
        await until(lambda: [summary.name for each in heard for summary in each.summaries] == ["web-1"])


@BOTH
async def test_work_that_is_cut_off_is_done_again(
    store: PostgresStore, proxy: Proxy, database: str, *, alone: bool
) -> None:
    work = Attempts(proxy.cut)
    assert await store.write(work, alone=alone) == "done"
    assert (work.number, names(database)) == (2, ["web-1"])


async def test_work_that_is_cut_off_twice_is_not_done(store: PostgresStore, proxy: Proxy, database: str) -> None:
    work = Attempts(proxy.cut, proxy.cut)
    with pytest.raises(UnavailableError):
        await store.write(work)
    assert (work.number, names(database)) == (2, [])
    assert await store.write(work) == "done"


async def test_idle_connections_that_were_cut_are_not_noticed(store: PostgresStore, proxy: Proxy) -> None:
    for number in range(3):
        await asyncio.gather(*(store.read(lambda tx: tx.inventory.get("web-1")) for _ in range(8)))
        proxy.cut()
        await store.write(partial(add_one, name=f"web-{number}"), alone=number % 2 == 0)


async def test_a_server_that_says_nothing_is_given_up_and_found_again(
    store: PostgresStore, proxy: Proxy, database: str
) -> None:
    heard: list[Changes] = []
    await store.write(lambda tx: add(tx, "web-2"))
    await store.follow(heard.append)
    proxy.blackhole()
    began = time.monotonic()
    attempts = [store.write(Attempts()), store.write(Attempts(), alone=False), store.read(lambda tx: tx.now)]
    found = await asyncio.gather(*attempts, return_exceptions=True)
    assert [type(each) for each in found] == [UnavailableError] * 3
    assert time.monotonic() - began < PATIENCE
    assert store.behind > 1.0
    proxy.heal()
    await written_again(store)
    statement(the_server(), "UPDATE instances SET generation = 5, revision = revision + 1", database)
    await until(lambda: any(summary.generation == 5 for each in heard for summary in each.summaries))
    assert store.behind < 1.0


async def test_who_stands_still_in_mid_transaction_keeps_others_waiting_for_a_moment_only(
    store: PostgresStore, proxy: Proxy, database: str
) -> None:
    """Here the connection of a coordinator that holds the lock goes dead; the server gives up on it."""
    other = PostgresStore(the_server().url(database))
    try:
        stuck = asyncio.create_task(store.write(Attempts(proxy.blackhole)))
        await until(lambda: not proxy.passes)
        async with asyncio.timeout(PATIENCE):
            await other.write(lambda tx: add(tx, "web-2"))
        proxy.heal()
        await asyncio.gather(stuck, return_exceptions=True)
    finally:
        await other.close()


async def test_who_follows_before_the_feed_has_looked_misses_nothing(proxy: Proxy, database: str) -> None:
    """The first look tells nothing of what was before it, so that has to be read after it."""
    proxy.deafen()
    store = PostgresStore(the_server().url(database, proxy.port))
    other = PostgresStore(the_server().url(database))
    heard: list[Changes] = []
    try:
        following = asyncio.create_task(store.follow(heard.append))
        await asyncio.wait([following], timeout=0.5)
        await other.write(lambda tx: add(tx, "web-1"))
        proxy.hear()
        await following
        await until(lambda: [summary.name for each in heard for summary in each.summaries] == ["web-1"])
    finally:
        await store.close()
        await other.close()


async def test_a_number_that_is_given_out_again_after_a_crash_is_not_taken_for_the_first(proxies: Proxies) -> None:
    """What says `committed` of the number then speaks of somebody else's transaction."""
    server = PostgresServer(wal_writer_delay="10s", autovacuum="off")
    proxy = proxies(server.port)
    store = PostgresStore(server.url(port=proxy.port))
    numbers: list[int] = []
    await store.write(lambda tx: add(tx, "web-1"))
    proxy.lose_commit(done=False, shut=True)
    writing = asyncio.create_task(store.write(lambda tx: numbers.append(number_of(tx, add(tx, "web-2")))))
    assert await asyncio.to_thread(proxy.lost.wait, PATIENCE)
    await asyncio.to_thread(server.restart)
    while (taken := int(statement(server, "SELECT pg_current_xact_id()::text")[0][0])) < numbers[0]:
        pass
    assert taken == numbers[0]
    proxy.open()
    with pytest.raises(UnavailableError, match="which was undone"):
        await writing
    assert [row[0] for row in statement(server, "SELECT name FROM instances")] == ["web-1"]
    await store.close()
    server.remove()


async def test_a_crash_of_the_server_loses_nothing_that_was_answered() -> None:
    server = PostgresServer()
    store = PostgresStore(server.url())
    heard: list[Changes] = []
    await store.follow(heard.append)
    answered: list[str] = []
    stopped = asyncio.Event()

    async def write(prefix: str) -> None:
        number = 0
        while not stopped.is_set():
            number += 1
            try:
                await store.write(partial(add_one, name=f"{prefix}-{number}"), alone=number % 2 == 0)
            except UnavailableError:
                await asyncio.sleep(0.02)
            else:
                answered.append(f"{prefix}-{number}")

    writers = [asyncio.create_task(write(prefix)) for prefix in "abcd"]
    for _ in range(3):
        enough = len(answered) + 20
        await until(partial(reached, answered, enough))
        await asyncio.to_thread(server.restart)
    await until(partial(reached, answered, len(answered) + 20))
    stopped.set()
    await asyncio.gather(*writers)
    stored = set(await store.read(lambda tx: tx.inventory.reachable_names()))
    assert set(answered) <= stored
    await until(lambda: {summary.name for each in heard for summary in each.summaries} >= stored)
    await store.close()
    server.remove()


def number_of(tx: Transaction, _: object) -> int:
    """Return the number that the server has given to a transaction, in which something was done."""
    assert isinstance(tx, SqlTransaction)
    return int(tx.inventory._db.exec_driver_sql("SELECT pg_current_xact_id()::text").scalar_one())


def add_one(tx: Transaction, name: str) -> None:
    add(tx, name)


def reached(answered: list[str], enough: int) -> bool:
    return len(answered) >= enough


async def written_again(store: PostgresStore) -> None:
    """Wait until the store can be written."""
    async with asyncio.timeout(PATIENCE):
        while True:
            try:
                await store.write(lambda tx: tx.keys.write_down("n", 1))
            except UnavailableError:
                await asyncio.sleep(0.05)
            else:
                return
