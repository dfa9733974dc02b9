"""One of several coordinators is stopped between any two lines: nobody is declared silent for it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import pytest

from dides.coordinator.coordinator import Coordinator
from dides.coordinator.settings import Settings
from dides.model.state import Status
from dides.protocol.messages import Heartbeat, InstanceSpec
from dides.store.interface import Store, Transaction
from dides.store.sqlite.store import SqliteStore
from support.clocks import FakeClock
from support.wrapped_store import WrappedStore

T = TypeVar("T")
SETTINGS = Settings(time_to_live=30)
SAYS = Heartbeat(status=Status.HEALTHY, code_version="1")
FLEET = [f"web-{number}" for number in range(5)]


class Stoppable(WrappedStore):
    """A store of several coordinators, between two uses of which one of them may be stopped."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.stop: Callable[[], Awaitable[None]] | None = None
        """What happens meanwhile, once something was read."""
        self.age = 0.0
        """How old news of the others is (seconds)."""

    @property
    def shared(self) -> bool:
        return True

    @property
    def behind(self) -> float:
        return self.age

    async def read(self, work: Callable[[Transaction], T]) -> T:
        found = await super().read(work)
        stop, self.stop = self.stop, None
        if stop:
            await stop()
        return found


class Two:
    """Two coordinators; all instances report to the other one."""

    def __init__(self, store: SqliteStore, clock: FakeClock) -> None:
        self.store, self.clock = store, clock
        self.stoppable = Stoppable(store)
        self.one = Coordinator(self.stoppable, clock, SETTINGS)
        self.other = Coordinator(Stoppable(store), clock, SETTINGS)
        self.one_follows = True

    async def start(self) -> None:
        await self.store.follow(lambda changes: self.one.instance_cache.apply(changes) if self.one_follows else None)
        await self.store.follow(self.other.instance_cache.apply)
        for each in (self.one, self.other):
            await each.watch.recall()
            await each._outage_detection.arrive()
        for name in FLEET:
            await self.other.register(InstanceSpec(name=name, ip="192.0.2.1"), None)
        await self.pass_time(60)

    async def pass_time(self, seconds: int, *looking: Coordinator) -> None:
        """Let instances report to the other one every ten seconds, while coordinators look every second."""
        for second in range(seconds):
            self.clock.advance(1)
            if second % 10 == 0:
                for name in FLEET:
                    await self.other.heartbeat(name, SAYS)
            for each in looking or (self.one, self.other):
                await each.watch.look(each.heartbeats)

    async def declared(self) -> set[str | None]:
        """Return who was ever declared unreachable; the other coordinator takes that back as soon as it hears of it."""
        events = await self.store.read(lambda tx: tx.events.page(None, None, 10_000))
        return {event.instance for event in events if event.kind == "instance.unreachable"}


@pytest.fixture
async def two(tmp_path: Path, clock: FakeClock) -> AsyncIterator[Two]:
    store = SqliteStore(tmp_path / "dides.db", clock, synchronous="OFF")
    both = Two(store, clock)
    await both.start()
    yield both
    await store.close()


async def test_who_was_stopped_between_reading_and_looking_declares_nobody(two: Two) -> None:
    two.stoppable.stop = lambda: two.pass_time(60, two.other)
    await two.pass_time(4)
    assert two.stoppable.stop is None, "it was stopped"
    assert await two.declared() == set()
    await two.pass_time(10)
    assert await two.declared() == set()


async def test_who_follows_others_no_longer_declares_nobody(two: Two) -> None:
    """An instance that has registered anew has another number, under which others hear of it."""
    two.stoppable.age = 60.0
    two.one_follows = False
    for each in FLEET:
        await two.other.decommission(each, "operator", force=True)
        await two.other.register(InstanceSpec(name=each, ip="192.0.2.1"), None)
    await two.pass_time(60)
    assert await two.declared() == set()


async def test_who_is_silent_is_found_all_the_same(two: Two) -> None:
    two.stoppable.stop = lambda: two.pass_time(60, two.other)
    await two.pass_time(4)
    for _ in range(60):
        two.clock.advance(1)
        await two.one.watch.look(two.one.heartbeats)
        await two.other.watch.flush()
    assert await two.declared() == set(FLEET)


async def test_whoever_reported_to_one_that_stood_still_has_a_moment_to_report_anew(two: Two) -> None:
    """What was in its sockets is refused and comes again; until then nobody is late, for any of them."""
    two.other.standstill.seconds = two.clock.monotonic
    two.other.standstill.start()
    for _ in range(27):
        two.clock.advance(1)
        await two.one.watch.look(two.one.heartbeats)
    two.other.standstill.look()
    for _ in range(4):
        two.clock.advance(1)
        await two.other.watch.look(two.other.heartbeats)
        await two.one.watch.look(two.one.heartbeats)
    assert await two.declared() == set()
    await two.pass_time(20)
    assert await two.declared() == set()
