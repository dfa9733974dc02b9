"""The database's clock is set back by an hour, as at a failover: who falls silent is found as soon as ever."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from dides.coordinator.coordinator import Coordinator
from dides.coordinator.settings import Settings
from dides.model.state import Status
from dides.protocol.messages import Heartbeat, InstanceSpec
from dides.store.sqlite.store import SqliteStore
from support.clocks import FakeClock
from support.sqlite import sqlite_store
from support.wrapped_store import WrappedStore

SETTINGS = Settings(time_to_live=30)
HOUR_MS = 3_600_000
SAYS = Heartbeat(status=Status.HEALTHY, code_version="1")
SOON = 90
"""Seconds in which somebody silent is found, with what another coordinator may have heard."""


class Shared(WrappedStore):
    @property
    def shared(self) -> bool:
        return True


@pytest.fixture
async def store(tmp_path: Path, clock: FakeClock) -> AsyncIterator[SqliteStore]:
    store = sqlite_store(tmp_path / "dides.db", clock)
    yield store
    await store.close()


async def started(store: SqliteStore, clock: FakeClock) -> Coordinator:
    """Return one of several coordinators, whose loops a test runs by hand."""
    coordinator = Coordinator(Shared(store), clock, SETTINGS)
    await store.follow(coordinator.instance_cache.apply)
    await coordinator.watch.recall()
    await coordinator._outage_detection.arrive()
    return coordinator


async def pass_time(clock: FakeClock, coordinator: Coordinator, seconds: int, alive: str) -> None:
    """Let a coordinator look every second while one instance reports."""
    for _ in range(seconds):
        clock.advance(1)
        await coordinator.heartbeat(alive, SAYS)
        await coordinator.watch.look(coordinator.heartbeats)


async def reachable(store: SqliteStore) -> set[str]:
    return set(await store.read(lambda tx: tx.inventory.reachable_names()))


@pytest.mark.parametrize("heard_by", ["it", "another", "an earlier one"])
async def test_who_falls_silent_is_found(store: SqliteStore, clock: FakeClock, heard_by: str) -> None:
    one, other = await started(store, clock), await started(store, clock)
    hears = one if heard_by == "it" else other
    for name in ("alive", "silent"):
        await one.register(InstanceSpec(name=name, ip="192.0.2.1"), None)
    for _ in range(60):
        await hears.heartbeat("silent", SAYS)
        await pass_time(clock, one, 1, "alive")
        await other.watch.look(other.heartbeats)
    assert await reachable(store) == {"alive", "silent"}
    clock.set_wall(clock.now() - HOUR_MS)
    other.instance_cache.on_replaced = lambda *_: None  # It is gone, and hears of nothing any more.
    if heard_by == "an earlier one":
        one = await started(store, clock)
    await pass_time(clock, one, SOON, "alive")
    assert await reachable(store) == {"alive"}


async def test_nobody_is_found_silent_for_it(store: SqliteStore, clock: FakeClock) -> None:
    one = await started(store, clock)
    for name in ("alive", "slow"):
        await one.register(InstanceSpec(name=name, ip="192.0.2.1"), None)
    await one.heartbeat("slow", SAYS)
    await pass_time(clock, one, 20, "alive")
    clock.set_wall(clock.now() - HOUR_MS)
    await pass_time(clock, one, 20, "alive")
    assert await reachable(store) == {"alive", "slow"}
