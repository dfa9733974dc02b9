"""Whatever happens in whatever order: counts stay true, no window is exceeded, one deployment at most is in flight."""

import random
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from dides.coordinator.transactions.registration import relabel
from dides.coordinator.transactions.step import step
from dides.model.errors import RefusedError
from dides.model.policy import Ordering
from dides.model.state import State, Status
from support.clocks import FakeClock
from support.hand_fleet import Fleet, assert_counts_true
from support.sqlite import sqlite_store

SEEDS = 200
SEEDS_PER_STORE = 10
OPERATIONS = 17
NAMES = [f"web-{number}" for number in range(7)]
VERSIONS = [None, "1", "2", "3"]


class Walk:
    """Random operations on a fleet whose labels are this walk's own, so that walks share a store but nothing in it."""

    def __init__(self, fleet: Fleet, seed: int) -> None:
        self.fleet = fleet
        self.chance = random.Random(seed)
        self.names = [f"{name}.walk-{seed}" for name in NAMES]
        self.labels = [{"walk": str(seed), "half": half} for half in ("left", "right")]
        self.present: set[str] = set()
        self.done: list[str] = []
        weights: dict[Callable[[], Awaitable[object]], int] = {
            self.step: 6,
            self.arrive: 6,
            self.report: 2,
            self.fail: 2,
            self.trigger: 4,
            self.register: 2,
            self.silence: 2,
            self.advance: 1,
            self.pause: 1,
            self.resume: 2,
            self.promote: 2,
            self.abort: 1,
            self.roll_back: 1,
            self.decommission: 1,
            self.relabel: 1,
            self.restart: 1,
        }
        self.operations = self.chance.choices(list(weights), list(weights.values()), k=OPERATIONS)

    async def run(self) -> None:
        """Take the walk, and leave nothing in flight behind."""
        self.present.update(self.names[:5])
        await self.fleet.running(*self.names[:3], labels=self.labels[0])
        await self.fleet.running(*self.names[3:5], labels=self.labels[1])
        for operation in self.operations:
            self.done.append(operation.__name__)
            with suppress(RefusedError):
                await operation()
        with suppress(RefusedError):
            await self.fleet.abort()

    def one(self) -> str:
        return self.chance.choice(sorted(self.present) or self.names)

    def some(self) -> list[str]:
        return sorted({self.one() for _ in range(self.chance.randint(1, 4))})

    async def step(self) -> None:
        await self.fleet.run(lambda tx: step(tx, self.fleet.quiet_until))

    async def arrive(self) -> None:
        await self.fleet.arrive(*self.some())

    async def fail(self) -> None:
        await self.fleet.fail(self.one())

    async def report(self) -> None:
        current = State(self.chance.choice(VERSIONS), self.chance.choice(VERSIONS))
        await self.fleet.report(self.one(), self.chance.choice(list(Status)), current)

    async def register(self) -> None:
        name = self.chance.choice(self.names)
        await self.fleet.register(name, labels=self.chance.choice(self.labels))
        self.present.add(name)

    async def silence(self) -> None:
        await self.fleet.silence(self.one())

    async def trigger(self) -> None:
        await self.fleet.trigger(
            State(self.chance.choice(VERSIONS[1:]), self.chance.choice(VERSIONS)),
            labels={"walk": self.labels[0]["walk"]} if self.chance.random() < 0.7 else self.chance.choice(self.labels),
            batch_size=self.chance.choice([1, 2, 3, "50%"]),
            failure_threshold=self.chance.choice([1, 2, "60%"]),
            update_timeout=60,
            auto_rollback=self.chance.random() < 0.7,
            **self.rarely(
                waves=self.chance.choice([(1,), (1, 3), ("30%", "60%")]),
                wave_pause=self.chance.choice([0, 30, "manual"]),
                min_healthy_time=self.chance.choice([0.5, 20]),
                deadline=self.chance.choice([60, 200]),
                max_unavailable=self.chance.choice([1, 2, "50%"]),
                spread_by="half",
                retries=self.chance.choice([1, 2]),
                order=Ordering.SHUFFLE,
            ),
        )

    def rarely(self, **fields: object) -> dict[str, Any]:
        """Return some of these fields, drawn."""
        return {name: value for name, value in fields.items() if self.chance.random() < 0.3}

    async def promote(self) -> None:
        await self.fleet.promote()

    async def advance(self) -> None:
        self.fleet.clock.advance(self.chance.choice([0.5, 20, 70]))

    async def pause(self) -> None:
        await self.fleet.pause()

    async def resume(self) -> None:
        await self.fleet.resume()

    async def abort(self) -> None:
        await self.fleet.abort(rollback=self.chance.random() < 0.5)

    async def roll_back(self) -> None:
        await self.fleet.roll_back()

    async def decommission(self) -> None:
        name = self.one()
        await self.fleet.decommission(name, force=self.chance.random() < 0.5)
        self.present.discard(name)

    async def relabel(self) -> None:
        name, labels = self.one(), self.chance.choice(self.labels)
        await self.fleet.run(lambda tx: relabel(tx, name, labels, "anna"))

    async def restart(self) -> None:
        await self.fleet.restart(after=self.chance.choice([1, 100]))


async def walk(file: Path, seeds: Iterable[int]) -> None:
    clock = FakeClock()
    store = sqlite_store(file, clock)
    try:
        for seed in seeds:
            taken = Walk(Fleet(store, clock, checked=2), seed)
            try:
                await taken.run()
            except Exception as error:
                error.add_note(f"seed {seed}: {' '.join(taken.done)}")
                raise
        await store.read(assert_counts_true)
    finally:
        await store.close()


@pytest.mark.parametrize("first", range(0, SEEDS, SEEDS_PER_STORE))
async def test_counts_stay_true_on_random_walks(tmp_path: Path, first: int) -> None:
    await walk(tmp_path / "dides.db", range(first, first + SEEDS_PER_STORE))
