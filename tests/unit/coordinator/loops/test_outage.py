"""Time in which no coordinator was at work counts as a pause, however it came about."""

from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest

from dides.coordinator.loops.outage import LONGEST_GAP, OutageDetection
from dides.coordinator.settings import Settings
from dides.coordinator.transactions.commands import DeployCommand, trigger
from dides.coordinator.transactions.ingest import Incoming, ingest_batch
from dides.coordinator.transactions.registration import Newcomer, register
from dides.model.policy import Policy
from dides.model.selector import Selector
from dides.model.state import State, Status
from dides.protocol.messages import Heartbeat
from dides.store.interface import Transaction
from dides.store.records import MustBeAloneError
from dides.store.sql.transaction import SqlTransaction
from dides.store.sqlite.store import SqliteStore
from support.clocks import FakeClock
from support.sqlite import sqlite_store
from support.wrapped_store import WrappedStore

SETTINGS = Settings(time_to_live=30)
TIMEOUT = 60.0


class Shared(WrappedStore):
    """A store on which other coordinators may be at work, too."""

    @property
    def shared(self) -> bool:
        return True


@pytest.fixture
async def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def store(tmp_path: Path, clock: FakeClock) -> AsyncIterator[SqliteStore]:
    """A store with one instance, which is being updated."""
    store = sqlite_store(tmp_path / "dides.db", clock)
    newcomer = Newcomer(name="web-1", ip="192.0.2.1", labels={}, presented=None, credential=b"hash")
    await store.write(partial(register, newcomer=newcomer))
    report = Heartbeat(code_version="1", status=Status.HEALTHY)
    await store.write(lambda tx: ingest_batch(tx, [Incoming("web-1", report, tx.now)]))
    policy = Policy(update_timeout=TIMEOUT)
    command = DeployCommand(
        to=State("2"), labels={}, selector_text=None, selector=Selector(), policy=policy, actor="operator"
    )
    await store.write(lambda tx: trigger(tx, command, None, 0))
    yield store
    await store.close()


async def arrived(store: SqliteStore, clock: FakeClock, *, shared: bool = False) -> OutageDetection:
    outage_detection = OutageDetection(Shared(store) if shared else store, clock, SETTINGS, lambda: 30_000)
    await outage_detection.arrive()
    return outage_detection


async def deadline(store: SqliteStore) -> int:
    found = await store.read(lambda tx: tx.targets.updating(1)[0].deadline_at)
    assert found is not None
    return found


async def test_the_first_start_on_a_store_is_no_outage(store: SqliteStore, clock: FakeClock) -> None:
    before = await deadline(store)
    outage_detection = await arrived(store, clock)
    assert await store.write(outage_detection.record_alive) == 0
    assert await deadline(store) == before


async def test_an_outage_moves_deadlines_by_its_length(store: SqliteStore, clock: FakeClock) -> None:
    before = await deadline(store)
    await arrived(store, clock)
    clock.advance(1000)
    await arrived(store, clock)
    assert await deadline(store) == before + 1_000_000


async def test_after_a_start_nothing_times_out_within_one_time_to_live(store: SqliteStore, clock: FakeClock) -> None:
    earlier = await arrived(store, clock)
    for _ in range(59):
        clock.advance(1)
        await store.write(earlier.record_alive)
    clock.advance(1)
    outage_detection = await arrived(store, clock)
    quiet_until = await store.write(outage_detection.record_alive)
    assert quiet_until == clock.now() + 30_000
    assert await deadline(store) == quiet_until
    clock.advance(1)
    assert await store.write(outage_detection.record_alive) == quiet_until, "a moment does not move once it is set"


async def test_a_process_that_stood_still_has_been_away(store: SqliteStore, clock: FakeClock) -> None:
    """As after SIGSTOP, or a laptop's sleep: without this, every instance would seem to have been silent.

    The transaction itself sees it, so that a unit of work that was queued before and runs after (found by the
    simulator, seed 570) decides nothing by the time that nobody was there.
    """
    outage_detection = await arrived(store, clock)
    before = await deadline(store)
    clock.advance(500)
    assert await store.write(outage_detection.record_alive) == clock.now() + 30_000
    assert await deadline(store) == before + 500_000
    assert await store.write(outage_detection.record_alive) == clock.now() + 30_000


async def test_a_process_that_runs_has_not_been_away(store: SqliteStore, clock: FakeClock) -> None:
    outage_detection = await arrived(store, clock)
    before = await deadline(store)
    for _ in range(40):
        clock.advance(LONGEST_GAP / 4 - 0.1)
        await store.write(outage_detection.record_alive)
    assert await deadline(store) == before
    assert await store.write(outage_detection.record_alive) == 0


async def test_a_note_becomes_due_often_enough(store: SqliteStore, clock: FakeClock) -> None:
    outage_detection = await arrived(store, clock)
    assert not outage_detection.is_due()
    clock.advance(LONGEST_GAP / 4)
    assert outage_detection.is_due()
    await store.write(outage_detection.record_alive)
    assert not outage_detection.is_due()


async def test_while_another_one_is_at_work_a_start_ends_no_outage(store: SqliteStore, clock: FakeClock) -> None:
    before = await deadline(store)
    there = await arrived(store, clock, shared=True)
    for _ in range(20):
        clock.advance(2)
        await store.write(there.record_alive)
    here = await arrived(store, clock, shared=True)
    assert await deadline(store) == before
    assert await store.write(there.record_alive) == 0, "for the other one time has gone on"
    assert await store.write(here.record_alive) == clock.now() + 30_000, "this one listens first"


async def test_what_one_makes_up_for_holds_for_all(store: SqliteStore, clock: FakeClock) -> None:
    there, here = await arrived(store, clock, shared=True), await arrived(store, clock, shared=True)
    before = await deadline(store)
    clock.advance(100)
    quiet_until = await store.write(there.record_alive)
    assert quiet_until == clock.now() + 30_000
    assert await store.write(here.record_alive) == quiet_until
    assert await deadline(store) == before + 100_000, "once"


async def test_heartbeats_are_not_taken_in_over_an_outage(store: SqliteStore, clock: FakeClock) -> None:
    outage_detection = await arrived(store, clock)
    before = await deadline(store)
    clock.advance(100)

    def beside(tx: Transaction) -> None:
        assert isinstance(tx, SqlTransaction)
        tx.alone = False
        outage_detection.record_alive_beside(tx)

    with pytest.raises(MustBeAloneError):
        await store.write(beside)
    await store.write(outage_detection.record_alive_beside)
    assert await deadline(store) == before + 100_000


async def test_a_fleet_that_reports_seldom_is_listened_for_as_long(store: SqliteStore, clock: FakeClock) -> None:
    await arrived(store, clock)
    clock.advance(600)
    outage_detection = OutageDetection(store, clock, SETTINGS, lambda: 300_000)
    await outage_detection.arrive()
    assert await store.write(outage_detection.record_alive) == clock.now() + 300_000


async def test_a_clock_that_is_set_back_keeps_nothing_quiet_for_long(store: SqliteStore, clock: FakeClock) -> None:
    """As after a failover to a database whose clock is behind."""
    outage_detection = await arrived(store, clock)
    clock.advance(600)
    await store.write(outage_detection.record_alive)
    clock.set_wall(clock.now() - 3_600_000)
    assert await store.write(outage_detection.record_alive) <= clock.now() + 30_000
    before = await deadline(store)
    clock.advance(600)
    await store.write(outage_detection.record_alive)
    assert await deadline(store) == before + 600_000, "the next outage is noticed by the new time"


async def test_a_clock_that_is_set_back_takes_what_is_waited_for_with_it(store: SqliteStore, clock: FakeClock) -> None:
    outage_detection = await arrived(store, clock)
    left = await deadline(store) - clock.now()
    clock.set_wall(clock.now() - 3_600_000)
    await store.write(outage_detection.record_alive)
    assert await deadline(store) - clock.now() == left


@pytest.mark.parametrize("beside", [True, False])
async def test_reports_count_though_they_were_told_by_a_time_that_is_yet_to_come(
    store: SqliteStore, clock: FakeClock, *, beside: bool
) -> None:
    """Of instances that do not say which assignment they act on: the time tells."""
    outage_detection = await arrived(store, clock)
    clock.set_wall(clock.now() - 3_600_000)
    report = Heartbeat(code_version="2", status=Status.HEALTHY)

    def take(tx: Transaction) -> bool:
        outage_detection.record_alive_beside(tx) if beside else outage_detection.record_alive(tx)
        return ingest_batch(tx, [Incoming("web-1", report, tx.now)]).step_due

    assert await store.write(take)
