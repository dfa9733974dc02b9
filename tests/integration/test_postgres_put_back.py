"""A database that is put back to an older copy of itself while coordinators run: they forget what it forgot."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from functools import partial
from time import monotonic

import pytest

from dides.coordinator.memory.instance_cache import InstanceCache
from dides.coordinator.memory.waiters import Waiters
from dides.store.interface import Transaction
from dides.store.postgres.store import PostgresStore
from dides.store.records import NewAssignment
from support.postgres import statement
from support.postgres_copies import CopiedServer
from support.processes import until
from support.proxy import Proxy
from support.stores import V2, add

DATABASE = "postgres"
SOON = 10.0
"""Seconds within which a look has been taken many times."""
Server = CopiedServer


@pytest.fixture
def server() -> Iterator[CopiedServer]:
    server = CopiedServer()
    yield server
    server.remove()


@asynccontextmanager
async def opened(server: CopiedServer, port: int | None = None) -> AsyncIterator[PostgresStore]:
    store = PostgresStore(server.url(port=port))
    try:
        yield store
    finally:
        await store.close()


@asynccontextmanager
async def followed(store: PostgresStore) -> AsyncIterator[InstanceCache]:
    instance_cache = InstanceCache(Waiters())
    await store.follow(instance_cache.apply)
    yield instance_cache


def known(instance_cache: InstanceCache, *names: str) -> dict[str, int]:
    """Return the generations of those of these instances that an instance cache has."""
    return {name: summary.generation for name in names if (summary := instance_cache.get(name))}


def knows(instance_cache: InstanceCache, expected: dict[str, int]) -> bool:
    return len(instance_cache) == len(expected) and known(instance_cache, *expected) == expected


def assign(tx: Transaction, name: str, times: int = 1) -> None:
    """Set a desired state, under the next generation."""
    instance = tx.inventory.get(name)
    assert instance
    for _ in range(times):
        tx.inventory.assign([NewAssignment(instance.id, V2, 1)])


def go_on(tx: Transaction) -> None:
    """Do what the copy does not have."""
    assign(tx, "web-1", times=3)
    add(tx, "web-3")


def add_one(tx: Transaction, name: str) -> None:
    add(tx, name)


def newest(server: CopiedServer) -> int:
    ((number,),) = statement(server, "SELECT coalesce(max(id), 0) FROM changes")
    return int(number)


def somebody_waits(server: CopiedServer) -> bool:
    """Say whether anybody waits for a lock; asked where nothing is locked."""
    return bool(statement(server, "SELECT 1 FROM pg_locks WHERE NOT granted", "template1"))


PUT_BACK: dict[str, tuple[Callable[[Server], None], Callable[[Server], None]]] = {
    "a snapshot of its disk": (Server.keep, Server.put_back),
    "a dump": (partial(Server.dump, database=DATABASE), partial(Server.restore, database=DATABASE)),
}
WAYS = pytest.mark.parametrize("way", PUT_BACK)


async def until_looked(store: PostgresStore) -> None:
    """Wait for a look that begins from now on: an earlier one may still have its commit to send."""
    now = monotonic()
    await until(lambda: store.behind < monotonic() - now)


@WAYS
async def test_what_the_database_has_forgotten_is_forgotten(server: CopiedServer, way: str) -> None:
    keep, put_back = PUT_BACK[way]
    async with opened(server) as store, followed(store) as instance_cache:
        await store.write(lambda tx: add(tx, "web-1", "web-2"))
        await asyncio.to_thread(keep, server)
        await store.write(go_on)
        assert knows(instance_cache, {"web-1": 3, "web-2": 0, "web-3": 0})
        await asyncio.to_thread(put_back, server)
        await until(lambda: knows(instance_cache, {"web-1": 0, "web-2": 0}))
        await store.write(partial(assign, name="web-1"))
        await until(lambda: knows(instance_cache, {"web-1": 1, "web-2": 0}))


async def test_who_looks_while_a_dump_is_being_put_back_knows_what_is_in_it(server: CopiedServer) -> None:
    async with opened(server) as store, followed(store) as instance_cache:
        await store.write(lambda tx: add(tx, "web-1", "web-2"))
        await asyncio.to_thread(server.dump, DATABASE)
        await store.write(go_on)
        await asyncio.to_thread(server.restore_in_front_of, DATABASE, partial(somebody_waits, server))
        await until(lambda: knows(instance_cache, {"web-1": 0, "web-2": 0}), SOON)


@WAYS
async def test_who_was_away_meanwhile_forgets_it_too(server: CopiedServer, way: str) -> None:
    """More has been written since than was forgotten, so that no number tells of it."""
    keep, put_back = PUT_BACK[way]
    proxy = Proxy(server.port)
    async with opened(server, proxy.port) as store, opened(server) as other, followed(store) as instance_cache:
        await other.write(lambda tx: add(tx, "web-1", "web-2"))
        await asyncio.to_thread(keep, server)
        await other.write(partial(assign, name="web-1", times=3))
        await other.write(partial(add_one, name="web-3"))
        await until(lambda: knows(instance_cache, {"web-1": 3, "web-2": 0, "web-3": 0}))
        proxy.shut()
        forgotten = newest(server)
        await asyncio.to_thread(put_back, server)
        while newest(server) <= forgotten:
            await other.write(partial(assign, name="web-2"))
        proxy.open()
        ((generation,),) = statement(server, "SELECT generation FROM instances WHERE name = 'web-2'")
        await until(lambda: knows(instance_cache, {"web-1": 0, "web-2": generation}))
    proxy.close()


@WAYS
async def test_it_is_noticed_though_the_connection_broke_while_followers_were_told(
    server: CopiedServer, way: str
) -> None:
    """They know then of what the look has seen, which has not come to its end."""
    keep, put_back = PUT_BACK[way]
    proxy = Proxy(server.port)
    async with opened(server, proxy.port) as store, opened(server) as other, followed(store) as instance_cache:
        await other.write(lambda tx: add(tx, "web-1", "web-2"))
        await until(lambda: knows(instance_cache, {"web-1": 0, "web-2": 0}))
        await asyncio.to_thread(keep, server)
        await until_looked(store)
        proxy.lose_look()
        await other.write(go_on)
        assert await asyncio.to_thread(proxy.lost.wait, SOON)
        await until(lambda: knows(instance_cache, {"web-1": 3, "web-2": 0, "web-3": 0}))
        forgotten = newest(server)
        await asyncio.to_thread(put_back, server)
        while newest(server) <= forgotten:
            await other.write(partial(assign, name="web-2"))
        proxy.open()
        ((generation,),) = statement(server, "SELECT generation FROM instances WHERE name = 'web-2'")
        await until(lambda: knows(instance_cache, {"web-1": 0, "web-2": generation}), SOON)
    proxy.close()


async def test_it_is_noticed_by_any_own_commit_since_the_last_look_not_only_by_the_newest(server: CopiedServer) -> None:
    proxy = Proxy(server.port)
    async with opened(server, proxy.port) as store, followed(store) as instance_cache:
        await store.write(lambda tx: add(tx, "web-1", "web-2"))
        await asyncio.to_thread(server.keep)
        await until_looked(store)
        proxy.deafen()
        proxy.cut()
        await store.write(go_on)
        assert knows(instance_cache, {"web-1": 3, "web-2": 0, "web-3": 0})
        await asyncio.to_thread(server.put_back)
        await store.write(partial(assign, name="web-2"))
        proxy.hear()
        await until(lambda: knows(instance_cache, {"web-1": 0, "web-2": 1}), SOON)
    proxy.close()
