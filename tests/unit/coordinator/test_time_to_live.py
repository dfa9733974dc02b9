"""How long an instance may be silent: to the millisecond, through all that looks for the silent."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from dides.coordinator.coordinator import Coordinator
from dides.coordinator.settings import Settings
from dides.model.state import Status
from dides.protocol.messages import Heartbeat, InstanceSpec
from dides.store.sqlite.store import SqliteStore
from support.clocks import FakeClock

TIME_TO_LIVE = 30
SAYS = Heartbeat(status=Status.HEALTHY, code_version="1")


@pytest.fixture
async def coordinator(tmp_path: Path, clock: FakeClock) -> AsyncIterator[Coordinator]:
    store = SqliteStore(tmp_path / "dides.db", clock, synchronous="OFF")
    its = Coordinator(store, clock, Settings(time_to_live=TIME_TO_LIVE))
    await store.follow(its.instance_cache.apply)
    await its.watch.recall()
    await its._outage_detection.arrive()
    await its.register(InstanceSpec(name="a", ip="192.0.2.1"), None)
    yield its
    await store.close()


@pytest.mark.parametrize("heartbeats", [1, 2], ids=["a report that is stored", "a report that changes nothing"])
@pytest.mark.parametrize("milliseconds", [0, 1, 500, 999])
async def test_nobody_is_unreachable_before_its_time_to_live_is_over(
    coordinator: Coordinator, clock: FakeClock, heartbeats: int, milliseconds: int
) -> None:
    clock.advance(milliseconds / 1000)
    for _ in range(heartbeats):
        clock.advance(1)
        await coordinator.heartbeat("a", SAYS)
    last = clock.now()
    while clock.now() < last + 1000 * (TIME_TO_LIVE - 1):
        clock.advance(1)
        await coordinator.watch.look(coordinator.heartbeats)
    clock.advance(0.999)
    assert clock.now() == last + 1000 * TIME_TO_LIVE - 1
    await coordinator.watch.look(coordinator.heartbeats)
    assert (await coordinator.instance("a")).reachable
    clock.advance(1)
    await coordinator.watch.look(coordinator.heartbeats)
    assert not (await coordinator.instance("a")).reachable
