"""Two stores on one PostgreSQL database, as in two coordinators: they exclude each other, and follow each other."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial

import msgspec
import psycopg
import pytest

from dides.model.errors import UnavailableError
from dides.store.interface import Store, Transaction
from dides.store.postgres.change_log import KEEP, Look
from dides.store.postgres.store import PostgresStore
from dides.store.records import Changes, Event, NewAssignment, StaleError
from support.postgres import statement
from support.postgres_server import the_server
from support.processes import until
from support.stores import V2, add

PATIENCE = 10.0
ATTEMPTS = 40
MISSED: dict[str, Callable[[int], tuple[dict[str, object], dict[str, object]]]] = {
    "another history": lambda _: ({}, {"history": "there"}),
    "an older copy": lambda _: ({}, {"put_back": True}),
    "a long time": lambda now: ({"now": now - KEEP}, {}),
    "a long time by a clock that was set back": lambda _: ({}, {"at": KEEP / 1000}),
    "a connection": lambda _: ({}, {"went_on": False}),
    "a connection, and the clock was set back": lambda now: ({"now": now + 2 * KEEP}, {"went_on": False}),
    "an outcome": lambda _: ({}, {"unsure": 1}),
}
"""What the look before, and a look, differ in from what they usually are; given the time (ms)."""


@asynccontextmanager
async def opened(database: str) -> AsyncIterator[PostgresStore]:
    store = PostgresStore(the_server().url(database))
    try:
        yield store
    finally:
        await store.close()


@pytest.fixture
async def one(database: str) -> AsyncIterator[PostgresStore]:
    async with opened(database) as store:
        yield store


@pytest.fixture
async def other(database: str) -> AsyncIterator[PostgresStore]:
    async with opened(database) as store:
        yield store


class Follower:
    """What one has heard, the newest of each."""

    def __init__(self) -> None:
        self.generations: dict[str, int] = {}
        self.pieces = 0

    def take(self, changes: Changes) -> None:
        self.pieces += 1
        if changes.anew:
            self.generations.clear()
        for summary in changes.summaries:
            self.generations[summary.name] = max(summary.generation, self.generations.get(summary.name, 0))
        for _, name in changes.gone:
            self.generations.pop(name, None)

    def knows(self, number: int) -> bool:
        return len(self.generations) == number


class Held:
    """A unit of work that lasts until it is let go."""

    def __init__(self) -> None:
        self.began, self.over = threading.Event(), threading.Event()

    def __call__(self, _: Transaction) -> None:
        self.began.set()
        assert self.over.wait(PATIENCE)

    async def has_begun(self) -> None:
        assert await asyncio.to_thread(self.began.wait, PATIENCE)


def assign(tx: Transaction, name: str) -> None:
    """Set a desired state, under the next generation."""
    instance = tx.inventory.get(name)
    assert instance
    tx.inventory.assign([NewAssignment(instance.id, V2, 1)])


async def test_what_one_changes_the_other_hears_of(one: Store, other: Store) -> None:
    heard = Follower()
    await other.follow(heard.take)
    stored = await one.write(lambda tx: add(tx, "web-1", "web-2"))
    await until(lambda: set(heard.generations) == {"web-1", "web-2"})
    await one.write(partial(assign, name="web-1"))
    await until(lambda: heard.generations == {"web-1": 1, "web-2": 0})
    await one.write(lambda tx: tx.inventory.remove(stored[0], 0))
    await until(lambda: heard.generations == {"web-2": 0})
    assert other.behind < 5.0


async def test_one_does_not_hear_its_own_changes_twice(one: Store, other: Store) -> None:
    heard, own = Follower(), Follower()
    await other.follow(heard.take)
    await one.follow(own.take)
    before = own.pieces
    await one.write(lambda tx: add(tx, "web-1"))
    await until(lambda: heard.generations)
    await other.write(lambda tx: add(tx, "web-2"))
    await until(lambda: "web-2" in own.generations)
    assert own.pieces == before + 2


async def test_who_is_alone_keeps_others_out_on_both_stores(one: Store, other: Store) -> None:
    alone = Held()
    holding = asyncio.create_task(one.write(alone))
    await alone.has_begun()
    waiting = [asyncio.create_task(other.write(nothing, alone=each)) for each in (True, False)]
    waiting.append(asyncio.create_task(one.write(nothing, alone=False)))
    done, _ = await asyncio.wait(waiting, timeout=0.3)
    assert not done
    alone.over.set()
    await asyncio.gather(holding, *waiting)


async def test_who_is_beside_others_keeps_out_only_who_is_alone(one: Store, other: Store) -> None:
    beside = Held()
    holding = asyncio.create_task(one.write(beside, alone=False))
    await beside.has_begun()
    await asyncio.wait_for(other.write(nothing, alone=False), PATIENCE)
    alone = asyncio.create_task(other.write(nothing))
    done, _ = await asyncio.wait([alone], timeout=0.3)
    assert not done
    beside.over.set()
    await asyncio.gather(holding, alone)


async def test_who_has_to_be_alone_is_not_kept_waiting_by_a_stream_of_others(one: Store, other: Store) -> None:
    stopped = asyncio.Event()

    async def stream(store: Store) -> int:
        number = 0
        while not stopped.is_set():
            await store.write(nothing, alone=False)
            number += 1
        return number

    streams = [asyncio.create_task(stream(store)) for store in (one, other)]
    async with asyncio.timeout(PATIENCE):
        for _ in range(ATTEMPTS):
            await one.write(nothing)
    stopped.set()
    assert min(await asyncio.gather(*streams)) > 0


async def test_two_that_count_do_not_lose_each_other(one: Store, other: Store) -> None:
    def increment(tx: Transaction) -> None:
        tx.keys.write_down("number", (tx.keys.noted("number") or 0) + 1)

    await asyncio.gather(*(store.write(increment) for _ in range(ATTEMPTS) for store in (one, other)))
    assert await one.read(lambda tx: tx.keys.noted("number")) == 2 * ATTEMPTS


async def test_two_batches_with_the_same_instances_wait_for_each_other_and_for_nothing_else(
    one: Store, other: Store
) -> None:
    names = [f"web-{number}" for number in range(50)]
    await one.write(lambda tx: add(tx, *names))

    def report(tx: Transaction, order: list[str]) -> None:
        found = tx.inventory.many(order, locked=True)
        tx.inventory.record([msgspec.structs.replace(each, heard=each.heard + 1) for each in found.values()])

    batches = [
        store.write(partial(report, order=order), alone=False)
        for _ in range(ATTEMPTS)
        for store, order in ((one, names), (other, names[::-1]))
    ]
    await asyncio.gather(*batches)
    found = await one.read(lambda tx: tx.inventory.many(names))
    assert {each.heard for each in found.values()} == {2 * ATTEMPTS}


async def test_who_reads_events_by_their_numbers_misses_none(one: Store, other: Store) -> None:
    """A number given out earlier but committed later would be passed over."""
    seen: list[int] = []

    async def write(store: Store, actor: str) -> None:
        for number in range(ATTEMPTS):
            happened = [Event(at=number, kind="test", actor=actor) for _ in range(3)]
            await store.write(partial(append, happened=happened), alone=False)

    async def read() -> None:
        while len(seen) < 2 * 3 * ATTEMPTS:
            page = await one.read(lambda tx: tx.events.page(None, seen[-1] if seen else None, 1000))
            seen.extend(each.id for each in page)

    async with asyncio.timeout(60):
        await asyncio.gather(write(one, "one"), write(other, "other"), read())
    assert len(seen) == len(set(seen)) == 2 * 3 * ATTEMPTS


async def test_a_notification_that_is_lost_is_made_up_for(one: Store, other: Store, database: str) -> None:
    (found,) = statement(the_server(), "SELECT prosrc FROM pg_proc WHERE proname = 'note_changes'", database)
    silent = found[0].replace("PERFORM pg_notify('dides', its_origin);", "NULL;")
    assert silent != found[0]
    body = f"CREATE OR REPLACE FUNCTION note_changes() RETURNS trigger LANGUAGE plpgsql AS $${silent}$$"
    statement(the_server(), body, database)
    heard = Follower()
    await other.follow(heard.take)
    await one.write(lambda tx: add(tx, "web-1"))
    await until(lambda: heard.generations)


async def test_backends_that_are_killed_are_made_up_for(one: Store, other: Store, database: str) -> None:
    heard = Follower()
    await other.follow(heard.take)
    for number in range(3):
        kill = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{database}'"
        assert statement(the_server(), kill)
        await one.write(partial(add_one, name=f"web-{number}"))
        assert len(await other.read(lambda tx: tx.inventory.reachable_names())) == number + 1
        await until(partial(heard.knows, number + 1))


async def test_a_transaction_that_stays_open_hides_nothing_and_is_told_at_its_end(
    one: Store, other: Store, database: str
) -> None:
    heard = Follower()
    await one.write(lambda tx: add(tx, "web-1"))
    await other.follow(heard.take)
    with psycopg.connect(the_server().url(database)) as somebody:
        somebody.execute("UPDATE instances SET generation = 7, revision = revision + 1")
        await one.write(lambda tx: add(tx, "web-2"))
        await until(lambda: "web-2" in heard.generations)
        pieces = heard.pieces
        await one.write(lambda tx: add(tx, "web-3"))
        await until(lambda: "web-3" in heard.generations)
        assert heard.pieces == pieces + 1, "what was told is not told again"
        assert heard.generations["web-1"] == 0
    await until(lambda: heard.generations["web-1"] == 7)


@pytest.mark.parametrize("missed", MISSED)
async def test_who_cannot_know_what_it_has_missed_is_told_everything(one: PostgresStore, missed: str) -> None:
    stored = await one.write(lambda tx: add(tx, "web-1", "web-2", "web-3"))
    await one.write(lambda tx: tx.inventory.remove(stored[2], tx.now))
    heard = Follower()
    heard.generations = {"web-3": 0}
    now = one.clock.now()
    last, look = (msgspec.structs.replace(Look("here", now, "100", []), **each) for each in MISSED[missed](now))
    feed = one._feed
    feed._closing.set()
    feed._thread.join()  # Else it looks for itself in between.
    feed._broadcast, feed._last = heard.take, last
    with one._reading.connect() as connection:
        feed._broadcast_since(connection, last, feed._remember(look, []))
    assert heard.generations == {"web-1": 0, "web-2": 0}


@pytest.mark.parametrize("alone", [True, False])
async def test_a_unit_of_work_that_passes_over_an_error_is_not_taken_for_done(
    one: PostgresStore, database: str, *, alone: bool
) -> None:
    def careless(tx: Transaction) -> None:
        add(tx, "web-1")
        with suppress(StaleError):
            add(tx, "web-1")

    with pytest.raises(UnavailableError, match="an error in it was passed over"):
        await one.write(careless, alone=alone)
    assert statement(the_server(), "SELECT name FROM instances", database) == []


async def test_two_may_begin_with_an_empty_database_at_once(database: str) -> None:
    server, fresh = the_server(), f"{database}_fresh"
    statement(server, f"CREATE DATABASE {fresh}")
    try:
        opening = [asyncio.to_thread(PostgresStore, server.url(fresh)) for _ in range(4)]
        stores = await asyncio.gather(*opening)
        await asyncio.gather(*(store.write(lambda tx: tx.keys.write_down("n", 1)) for store in stores))
        await asyncio.gather(*(store.close() for store in stores))
    finally:
        statement(server, f"DROP DATABASE {fresh} WITH (FORCE)")


async def test_the_clock_is_that_of_the_server_and_never_ahead(one: PostgresStore, database: str) -> None:
    asked = "SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint"
    for _ in range(20):
        before = one.clock.now()
        ((its,),) = statement(the_server(), asked, database)
        assert before <= its
        assert its - one.clock.now() < 1000


def append(tx: Transaction, happened: list[Event]) -> None:
    tx.events.append(happened)


def add_one(tx: Transaction, name: str) -> None:
    add(tx, name)


def nothing(_: Transaction) -> None:
    """Write nothing."""
