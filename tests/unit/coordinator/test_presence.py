"""Time without a running coordinator counts as a pause, however it came about."""

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest

from dides.coordinator.deployments import Order, trigger
from dides.coordinator.housekeeping import note_alive
from dides.coordinator.intake import Incoming, take_in
from dides.coordinator.inventory import Newcomer, register
from dides.coordinator.liveness import Liveness
from dides.coordinator.presence import LONGEST_GAP, Presence
from dides.coordinator.settings import Settings
from dides.model.policy import Policy
from dides.model.selector import Selector
from dides.model.state import State, Status
from dides.protocol.messages import Heartbeat
from dides.store.sqlite import SqliteStore
from support.clocks import FakeClock

SETTINGS = Settings(time_to_live=30)
TIMEOUT = 60.0


@pytest.fixture
async def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def store(tmp_path: Path, clock: FakeClock) -> AsyncIterator[SqliteStore]:
    """A store with one instance, which is being updated."""
    store = SqliteStore(tmp_path / "dides.db", clock, synchronous="OFF")
    newcomer = Newcomer(name="web-1", ip="192.0.2.1", labels={}, presented=None, credential=b"hash")
    await store.write(partial(register, newcomer=newcomer))
    report = Heartbeat(code_version="1", status=Status.HEALTHY)
    await store.write(lambda tx: take_in(tx, [Incoming("web-1", report, tx.now)]))
    policy = Policy(update_timeout=TIMEOUT)
    order = Order(to=State("2"), labels={}, selector_text=None, selector=Selector(), policy=policy, actor="operator")
    await store.write(lambda tx: trigger(tx, order, None, 0))
    yield store
    await store.close()


def presence(store: SqliteStore, clock: FakeClock) -> tuple[Presence, Liveness]:
    liveness = Liveness(clock, SETTINGS.time_to_live)
    return Presence(store, clock, SETTINGS, liveness), liveness


async def deadline(store: SqliteStore) -> int:
    found = await store.read(lambda tx: tx.targets.updating(1)[0].deadline_at)
    assert found is not None
    return found


async def test_the_first_start_on_a_store_is_no_outage(store: SqliteStore, clock: FakeClock) -> None:
    before = await deadline(store)
    present, _ = presence(store, clock)
    await present.check()
    assert present.quiet_at(clock.now()) == 0
    assert await deadline(store) == before


async def test_an_outage_moves_deadlines_by_its_length(store: SqliteStore, clock: FakeClock) -> None:
    before = await deadline(store)
    await store.write(note_alive)
    clock.advance(1000)
    present, _ = presence(store, clock)
    await present.check()
    assert await deadline(store) == before + 1_000_000


async def test_after_a_start_nothing_times_out_within_one_time_to_live(store: SqliteStore, clock: FakeClock) -> None:
    clock.advance(TIMEOUT - 1)
    await store.write(note_alive)
    clock.advance(1)
    present, _ = presence(store, clock)
    await present.check()
    assert present.quiet_at(clock.now()) == clock.now() + 30_000
    assert await deadline(store) == present.quiet_at(clock.now())


async def test_after_a_start_nobody_is_silent_before_one_time_to_live(store: SqliteStore, clock: FakeClock) -> None:
    clock.advance(1000)
    present, liveness = presence(store, clock)
    await present.check()
    clock.advance(29)
    assert liveness.silent() == []
    clock.advance(1)
    assert liveness.silent() == ["web-1"]


async def test_a_process_that_stood_still_has_been_away(store: SqliteStore, clock: FakeClock) -> None:
    """As after SIGSTOP, or a laptop's sleep: without this, every instance would seem to have been silent."""
    present, liveness = presence(store, clock)
    await present.check()
    before = await deadline(store)
    clock.advance(500)
    await present.check()
    assert await deadline(store) == before + 500_000
    assert liveness.silent() == []


async def test_a_process_that_runs_has_not_been_away(store: SqliteStore, clock: FakeClock) -> None:
    present, _ = presence(store, clock)
    await present.check()
    before = await deadline(store)
    for _ in range(3):
        clock.advance(LONGEST_GAP)
        await present.check()
    assert await deadline(store) == before
    assert present.quiet_at(clock.now()) == 0


async def test_a_write_that_takes_long_is_no_outage_because_the_beat_goes_on(
    store: SqliteStore, clock: FakeClock
) -> None:
    present, _ = presence(store, clock)
    await present.check()
    for _ in range(3):
        clock.advance(LONGEST_GAP - 1)
        beat = asyncio.create_task(present.beat())
        await asyncio.sleep(0)
        beat.cancel()
    await present.check()
    assert present.quiet_at(clock.now()) == 0


async def test_to_a_unit_that_was_queued_before_an_outage_nothing_has_timed_out(
    store: SqliteStore, clock: FakeClock
) -> None:
    """Found by the simulator (seed 570): the process stood still between the check and the writing of the step."""
    present, _ = presence(store, clock)
    await present.check()
    clock.advance(600)
    assert present.quiet_at(clock.now()) == clock.now() + 30_000, "though nobody has noticed the outage yet"
    await present.check()
    assert present.quiet_at(clock.now()) == clock.now() + 30_000
    clock.advance(1)
    assert present.quiet_at(clock.now()) == clock.now() + 29_000, "a moment does not move once it is set"
