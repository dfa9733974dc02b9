"""A standby beside the server: what it has not got is not acknowledged, and what is lost is forgotten."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from functools import partial

import pytest

from dides.coordinator.memory.instance_cache import InstanceCache
from dides.coordinator.memory.waiters import Waiters
from dides.store.interface import Transaction
from dides.store.postgres.store import PostgresStore
from support.postgres import statement
from support.postgres_copies import Primary, Standby
from support.processes import until
from support.stores import add

WAITING = "SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep'"

HAS_ALL = "SELECT replay_lsn >= pg_current_wal_lsn() FROM pg_stat_replication"


@pytest.fixture
def primary() -> Iterator[Primary]:
    primary = Primary()
    yield primary
    primary.remove()


@pytest.fixture
def standby(primary: Primary) -> Iterator[Standby]:
    """A standby that follows asynchronously until it is said to be awaited."""
    standby = Standby(primary)
    yield standby
    standby.remove()


@pytest.fixture
async def store(primary: Primary, standby: Standby) -> AsyncIterator[PostgresStore]:
    """A store that uses whichever of the two can be written to."""
    hosts = ",".join(f"127.0.0.1:{each.port}" for each in (primary, standby))
    store = PostgresStore(f"postgresql://postgres@{hosts}/postgres")
    yield store
    await store.close()


def add_one(tx: Transaction, name: str) -> str:
    add(tx, name)
    return name


def names(server: Primary | Standby) -> list[str]:
    return [row[0] for row in statement(server, "SELECT name FROM instances ORDER BY name")]


async def waiting_for_the_standby(primary: Primary, store: PostgresStore, standby: Standby) -> "asyncio.Task[str]":
    """Return a write whose commit waits for a standby that is away."""
    primary.await_standby()
    await store.write(partial(add_one, name="web-1"))
    standby.stop()
    writing = asyncio.create_task(store.write(partial(add_one, name="web-2")))
    await until(lambda: statement(primary, WAITING))
    return writing


async def test_what_a_crash_has_kept_is_not_acknowledged_before_the_standby_has_it(
    primary: Primary, standby: Standby, store: PostgresStore
) -> None:
    """After a crash the server shows what it had not been allowed to acknowledge."""
    writing = await waiting_for_the_standby(primary, store, standby)
    await asyncio.to_thread(primary.restart)
    assert names(primary) == ["web-1", "web-2"]
    await until(lambda: writing.done() or statement(primary, WAITING))
    assert not writing.done()
    await asyncio.to_thread(standby.start)
    assert await writing == "web-2"
    primary.kill()
    await asyncio.to_thread(standby.promote)
    assert names(standby) == ["web-1", "web-2"]


async def test_a_commit_that_is_told_not_to_wait_any_more_is_not_acknowledged(
    primary: Primary, standby: Standby, store: PostgresStore
) -> None:
    """The server answers it as any other, with a warning beside it."""
    writing = await waiting_for_the_standby(primary, store, standby)
    statement(primary, f"SELECT pg_cancel_backend(pid) FROM ({WAITING}) AS waiting")
    await until(lambda: names(primary) == ["web-1", "web-2"])
    await until(lambda: writing.done() or statement(primary, WAITING))
    assert not writing.done()
    await asyncio.to_thread(standby.start)
    assert await writing == "web-2"


async def test_who_reads_does_not_wait_for_a_standby_that_is_away(
    primary: Primary, standby: Standby, store: PostgresStore
) -> None:
    statement(primary, "INSERT INTO commits SELECT gen_random_uuid(), 0")
    writing = await waiting_for_the_standby(primary, store, standby)
    feed = store._feed
    feed._pruned_to, feed._prune_at = store.clock.now(), 0.0
    await until(lambda: feed._prune_at > 0.0)
    assert store.behind < 2.0
    await asyncio.to_thread(standby.start)
    assert await writing == "web-2"


async def test_what_an_asynchronous_standby_has_not_got_is_forgotten(
    primary: Primary, standby: Standby, store: PostgresStore
) -> None:
    instance_cache = InstanceCache(Waiters())
    await store.follow(instance_cache.apply)
    await store.write(partial(add_one, name="web-1"))
    await until(lambda: statement(primary, HAS_ALL) == [(True,)])
    standby.stop()
    await store.write(partial(add_one, name="web-2"))
    assert (len(instance_cache), instance_cache.get("web-2") is not None) == (2, True)
    primary.kill()
    await asyncio.to_thread(standby.start)
    await asyncio.to_thread(standby.promote)
    await until(lambda: len(instance_cache) == 1)
    assert instance_cache.get("web-1")
    assert await store.write(partial(add_one, name="web-3")) == "web-3"
    assert (names(standby), len(instance_cache)) == (["web-1", "web-3"], 2)
