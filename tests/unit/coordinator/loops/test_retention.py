"""What is too old is forgotten in pieces, so that nobody waits for all of it."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

from dides.coordinator import coordinator
from dides.coordinator.coordinator import Coordinator
from dides.coordinator.loops.retention import DAY_MS, forget
from dides.model.state import State
from dides.store.batching import MOST
from dides.store.interface import Transaction
from dides.store.records import Event
from dides.store.sqlite.store import SqliteStore
from support.clocks import FakeClock
from support.hand_fleet import SETTINGS, Fleet
from support.sqlite import sqlite_store
from support.wrapped_store import WrappedStore

T = TypeVar("T")
OLD = 2 * MOST + 1


class Watched(WrappedStore):
    """A store that looks after each unit of work at how many events are left."""

    def __init__(self, store: SqliteStore) -> None:
        super().__init__(store)
        self.left: list[int] = []
        self.changed = asyncio.Event()

    async def write(self, work: Callable[[Transaction], T], *, alone: bool = True) -> T:
        result = await super().write(work, alone=alone)
        self.left.append(await self.read(lambda tx: len(tx.events.page(None, None, 10 * MOST))))
        self.changed.set()
        return result


def grow_old(tx: Transaction) -> None:
    tx.events.append([Event(at=tx.now, kind="test", actor="test")] * OLD)


async def test_it_is_said_whether_more_is_left(fleet: Fleet) -> None:
    await fleet.store.write(grow_old)
    fleet.clock.advance(SETTINGS.keep_events_days * DAY_MS / 1000 + 1)
    more = [await fleet.store.write(lambda tx: forget(tx, SETTINGS)) for _ in range(3)]
    assert more == [True, True, False]
    assert await fleet.store.read(lambda tx: tx.events.page(None, None, 1)) == []


async def test_a_coordinator_goes_on_until_nothing_is_left(
    tmp_path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(coordinator, "FORGET_PAUSE", 0.0)
    store = Watched(sqlite_store(tmp_path / "dides.db", clock))
    await store.write(grow_old)
    clock.advance(SETTINGS.keep_events_days * DAY_MS / 1000 + 1)
    async with Coordinator(store, clock, SETTINGS).running(), asyncio.timeout(10):
        while store.left[-1]:
            store.changed.clear()
            await store.changed.wait()
    assert [after for before, after in zip(store.left, store.left[1:], strict=False) if after < before] == [
        MOST + 1,
        1,
        0,
    ]
    await store.close()


async def test_deployments_that_nothing_needs_are_forgotten_and_the_fleet_goes_on(fleet: Fleet) -> None:
    await fleet.running("a")
    for number in range(30):
        await fleet.trigger(State(str(number)))
        await fleet.arrive("a")
        await fleet.step()
    fleet.clock.advance(SETTINGS.keep_deployments_days * DAY_MS / 1000 + 1)
    while await fleet.store.write(lambda tx: forget(tx, SETTINGS, 5)):
        pass
    left = await fleet.store.read(lambda tx: [each.id for each in tx.deployments.page(None, None, 100)])
    assert left == [30, 29]
    await fleet.register("new")
    assert (await fleet.instance("new")).desired == State("29")
    await fleet.roll_back()
    await fleet.arrive("a")
    await fleet.step()
    await fleet.silence()
    assert (await fleet.instance("a")).current == State("28")
    assert (await fleet.instance("new")).desired == State("28")
