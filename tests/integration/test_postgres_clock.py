"""The server's clock is set back by an hour, as after a failover to one that is behind."""

from collections.abc import AsyncIterator, Iterator
from functools import partial

import pytest

from dides.coordinator.memory.instance_cache import InstanceCache
from dides.coordinator.memory.waiters import Waiters
from dides.store.interface import Transaction
from dides.store.postgres.store import PostgresStore
from support.postgres import statement
from support.postgres_server import the_server
from support.processes import until
from support.proxy import Proxy
from support.stores import add

HOUR_MS = 3_600_000
# What is looked up first goes before the server's own.
PATH = "?options=-c%20search_path%3Dpublic%2Cpg_catalog"
CLOCK = """
CREATE TABLE set_back (ms bigint);
INSERT INTO set_back VALUES (0);
CREATE FUNCTION public.clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE AS
$$ SELECT pg_catalog.clock_timestamp() - ms * interval '1 ms' FROM public.set_back $$;
"""


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    proxy = Proxy(the_server().port)
    yield proxy
    proxy.close()


@pytest.fixture
async def one(database: str, proxy: Proxy) -> AsyncIterator[PostgresStore]:
    for each in CLOCK.strip().split(";\n"):
        statement(the_server(), each, database)
    store = PostgresStore(the_server().url(database, proxy.port) + PATH)
    yield store
    await store.close()


@pytest.fixture
async def other(database: str, one: PostgresStore) -> AsyncIterator[PostgresStore]:
    store = PostgresStore(the_server().url(database) + PATH)
    yield store
    await store.close()


def set_back(database: str) -> None:
    statement(the_server(), f"UPDATE set_back SET ms = {HOUR_MS}", database)


def add_one(tx: Transaction, name: str) -> None:
    add(tx, name)


def remove(tx: Transaction, name: str) -> None:
    instance = tx.inventory.get(name)
    assert instance
    tx.inventory.remove(instance, tx.now)


async def test_changes_are_heard_of_on(one: PostgresStore, other: PostgresStore, database: str) -> None:
    instance_cache = InstanceCache(Waiters())
    await one.follow(instance_cache.apply)
    await other.write(partial(add_one, name="web-1"))
    before = other.clock.now()
    set_back(database)
    await other.write(partial(add_one, name="web-2"))
    await other.write(partial(remove, name="web-1"))
    await until(lambda: len(instance_cache) == 1 and instance_cache.get("web-2"))
    for store in (one, other):
        assert HOUR_MS - 60_000 < before - store.clock.now() < HOUR_MS + 60_000


async def test_who_was_cut_off_meanwhile_forgets_who_was_removed(
    one: PostgresStore, other: PostgresStore, proxy: Proxy, database: str
) -> None:
    """By the new time that was long before it was heard of last."""
    instance_cache = InstanceCache(Waiters())
    await other.write(lambda tx: add(tx, "web-1", "web-2"))
    await one.follow(instance_cache.apply)
    proxy.shut()
    set_back(database)
    await other.write(partial(remove, name="web-1"))
    proxy.open()
    await until(lambda: len(instance_cache) == 1 and instance_cache.get("web-2"))
