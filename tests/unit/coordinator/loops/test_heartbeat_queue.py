"""The way in for heartbeats: they gather while others are written, and everyone gets an answer."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

import pytest

from dides.coordinator.loops.heartbeat_queue import LARGEST_BATCH, Heartbeats
from dides.coordinator.loops.outage import OutageDetection
from dides.coordinator.memory.instance_cache import InstanceCache
from dides.coordinator.memory.last_seen import LastSeen
from dides.coordinator.memory.signals import Signals
from dides.coordinator.memory.waiters import Waiters
from dides.coordinator.settings import Settings
from dides.coordinator.transactions.flapping import Flapping
from dides.coordinator.transactions.ingest import Incoming
from dides.model.errors import BusyError, NotFoundError, UnavailableError
from dides.model.instance import InstanceSummary
from dides.model.state import State, Status
from dides.protocol.messages import Heartbeat
from dides.store.interface import Store, Transaction
from support.app import until
from support.clocks import FakeClock
from support.hand_fleet import V2, Fleet
from support.wrapped_store import WrappedStore

T = TypeVar("T")
PATIENCE = 10.0


class Gated(WrappedStore):
    """A store whose writes wait for a gate, are counted, and may fail."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.writes = 0
        self.failure: Exception | None = None
        self.gate = asyncio.Event()
        self.gate.set()

    async def write(self, work: Callable[[Transaction], T], *, alone: bool = True) -> T:
        self.writes += 1
        await self.gate.wait()
        if self.failure:
            raise self.failure
        return await super().write(work, alone=alone)


class Entrance:
    """Heartbeats over a gated store."""

    def __init__(self, fleet: Fleet, clock: FakeClock) -> None:
        self.store = Gated(fleet.store)
        self.waiters = Waiters()
        self.signals = Signals()
        self.instance_cache = InstanceCache(self.waiters)
        self.last_seen = LastSeen()
        self.clock = clock
        outage_detection = OutageDetection(self.store, clock, Settings(), lambda: 30_000)
        self.heartbeats = Heartbeats(
            self.store, self.instance_cache, self.signals, self.last_seen, outage_detection, Flapping(self.store, clock)
        )

    def known(self, name: str) -> InstanceSummary:
        summary = self.instance_cache.get(name)
        assert summary is not None
        return summary

    def send(self, name: str, status: Status = Status.HEALTHY, **fields: str) -> "asyncio.Task[object]":
        heartbeat = Heartbeat(status=status, code_version=fields.get("code", "1"))
        return asyncio.create_task(self.heartbeats.ingest(Incoming(name, heartbeat, self.clock.now())))


@pytest.fixture
async def entrance(fleet: Fleet, clock: FakeClock) -> Entrance:
    entrance = Entrance(fleet, clock)
    await fleet.store.follow(entrance.instance_cache.apply)
    return entrance


async def answers(*tasks: "asyncio.Task[object]") -> list[object]:
    async with asyncio.timeout(PATIENCE):
        return await asyncio.gather(*tasks, return_exceptions=True)


async def until_sent() -> None:
    """Let the tasks that were created begin."""
    for _ in range(3):
        await asyncio.sleep(0)


async def test_the_answer_is_the_instance_as_it_is_now(fleet: Fleet, entrance: Entrance) -> None:
    await fleet.running("a")
    (answer,) = await answers(entrance.send("a", Status.DEGRADED))
    assert isinstance(answer, InstanceSummary)
    assert (answer.name, answer.status) == ("a", Status.DEGRADED)
    assert (await fleet.instance("a")).status is Status.DEGRADED


async def test_those_that_come_while_others_are_written_are_written_together(fleet: Fleet, entrance: Entrance) -> None:
    names = [f"web-{number}" for number in range(50)]
    await fleet.running(*names)
    entrance.store.gate.clear()
    first = entrance.send(names[0])
    await until_sent()
    others = [entrance.send(name) for name in names[1:]]
    await until_sent()
    entrance.store.gate.set()
    await answers(first, *others)
    assert entrance.store.writes == 2


async def test_a_batch_has_a_largest_size(fleet: Fleet, entrance: Entrance) -> None:
    await fleet.running("a")
    tasks = [entrance.send("a") for _ in range(LARGEST_BATCH + 1)]
    assert await answers(*tasks) == [entrance.known("a")] * len(tasks)
    assert entrance.store.writes == 2


async def test_one_that_is_gone_is_told_so_and_the_others_are_stored(fleet: Fleet, entrance: Entrance) -> None:
    await fleet.running("a")
    gone, stored = await answers(entrance.send("gone"), entrance.send("a"))
    assert isinstance(gone, NotFoundError)
    assert stored == entrance.known("a")


@pytest.mark.parametrize("failure", [UnavailableError("the disk is full"), ZeroDivisionError("a mistake of ours")])
async def test_a_failure_reaches_everyone_and_the_next_is_taken_as_ever(
    fleet: Fleet, entrance: Entrance, failure: Exception
) -> None:
    await fleet.running("a", "b")
    entrance.store.failure = failure
    assert await answers(entrance.send("a"), entrance.send("b")) == [failure, failure]
    entrance.store.failure = None
    assert await answers(entrance.send("a")) == [entrance.known("a")]


async def test_one_that_hangs_up_does_not_disturb_the_others(fleet: Fleet, entrance: Entrance) -> None:
    await fleet.running("a", "b")
    entrance.store.gate.clear()
    first, second = entrance.send("a", Status.DEGRADED), entrance.send("b")
    await until_sent()
    first.cancel()
    await until_sent()
    entrance.store.gate.set()
    cancelled, stored = await answers(first, second)
    assert isinstance(cancelled, asyncio.CancelledError)
    assert stored == entrance.known("b")
    assert (await fleet.instance("a")).status is Status.DEGRADED


async def test_a_sign_of_life_counts_once_it_is_stored(fleet: Fleet, entrance: Entrance, clock: FakeClock) -> None:
    await fleet.running("a")
    entrance.store.failure = UnavailableError("away")
    await answers(entrance.send("a"))
    assert entrance.last_seen.own(entrance.known("a").id) == 0
    entrance.store.failure = None
    await answers(entrance.send("a"), entrance.send("gone"))
    assert entrance.last_seen.own(entrance.known("a").id) == clock.now()


async def test_one_that_changes_nothing_is_not_written(fleet: Fleet, entrance: Entrance, clock: FakeClock) -> None:
    await fleet.running("a")
    await answers(entrance.send("a"))
    written = entrance.store.writes
    clock.advance(5)
    assert entrance.heartbeats.accept_unchanged(entrance.known("a"), Heartbeat(status=Status.HEALTHY), clock.now())
    assert not entrance.heartbeats.accept_unchanged(entrance.known("a"), Heartbeat(status=Status.DEGRADED), clock.now())
    assert (entrance.store.writes, entrance.heartbeats.unchanged) == (written, 1)
    assert entrance.last_seen.own(entrance.known("a").id) == clock.now()


async def test_too_many_are_refused_before_they_wait(
    fleet: Fleet, entrance: Entrance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dides.coordinator.loops.heartbeat_queue.MOST_WAITING", 2)
    await fleet.running("a")
    entrance.store.gate.clear()
    being_written = entrance.send("a")
    await until_sent()
    waiting = [entrance.send("a") for _ in range(2)]
    await until_sent()
    (refused,) = await answers(entrance.send("a"))
    assert isinstance(refused, BusyError)
    entrance.store.gate.set()
    assert await answers(being_written, *waiting) == [entrance.known("a")] * 3
    assert await answers(entrance.send("a")) == [entrance.known("a")]


async def test_those_that_a_rollout_waits_for_pass_the_others(
    fleet: Fleet, entrance: Entrance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dides.coordinator.loops.heartbeat_queue.MOST_WAITING", 2)
    monkeypatch.setattr("dides.coordinator.loops.heartbeat_queue.LARGEST_BATCH", 1)
    await fleet.running("a", "b", "c")
    entrance.store.gate.clear()
    being_written = entrance.send("a")
    await until_sent()
    waiting = [entrance.send("b", Status.DEGRADED), entrance.send("b", Status.HEALTHY, code="9")]
    await until_sent()
    report = Incoming("c", Heartbeat(status=Status.DEGRADED), entrance.clock.now())
    awaited = asyncio.create_task(entrance.heartbeats.ingest(report, awaited=True))
    again = Incoming("b", Heartbeat(status=Status.FAILED), entrance.clock.now())
    behind = asyncio.create_task(entrance.heartbeats.ingest(again, awaited=True))
    await until_sent()
    entrance.store.gate.set()
    await answers(being_written, awaited)
    assert not any(each.done() for each in (*waiting, behind)), "not by waiting in line"
    await answers(*waiting, behind)
    assert (await fleet.instance("b")).status is Status.FAILED, "an instance's own heartbeats stay in their order"


async def test_a_heartbeat_is_for_the_instance_whose_credential_came_with_it(fleet: Fleet, entrance: Entrance) -> None:
    await fleet.running("a")
    earlier = entrance.known("a")
    await fleet.decommission("a")
    await fleet.register("a")
    incoming = Incoming("a", Heartbeat(status=Status.FAILED), entrance.clock.now(), instance_id=earlier.id)
    (refused,) = await answers(asyncio.create_task(entrance.heartbeats.ingest(incoming)))
    assert isinstance(refused, NotFoundError)
    assert (await fleet.instance("a")).status is Status.UNKNOWN


async def test_what_was_acknowledged_here_is_stored_where_another_coordinator_knew_better(
    fleet: Fleet, entrance: Entrance, clock: FakeClock
) -> None:
    """It reports 1 here, 2 there, and 1 here again before this coordinator has heard of the 2."""
    await fleet.running("a")
    known = entrance.known("a")
    clock.advance(1)
    await fleet.report("a", Status.HEALTHY, State("2"))
    now = entrance.known("a")
    clock.advance(1)
    assert entrance.heartbeats.accept_unchanged(known, Heartbeat(status=Status.HEALTHY, code_version="1"), clock.now())
    entrance.heartbeats.resubmit(known, now)
    await until(lambda: entrance.known("a").current == State("1"))
    assert (await fleet.instance("a")).current == State("1")


async def test_what_was_acknowledged_here_before_that_is_old(
    fleet: Fleet, entrance: Entrance, clock: FakeClock
) -> None:
    await fleet.running("a")
    known = entrance.known("a")
    assert entrance.heartbeats.accept_unchanged(known, Heartbeat(status=Status.HEALTHY, code_version="1"), clock.now())
    clock.advance(1)
    await fleet.report("a", Status.HEALTHY, State("2"))
    entrance.heartbeats.resubmit(known, entrance.known("a"))
    await answers(entrance.send("a", Status.HEALTHY, code="2"))
    assert (await fleet.instance("a")).current == State("2")


@pytest.mark.parametrize("heard_elsewhere", [0, 5], ids=["all known", "one report here unknown to the other"])
async def test_who_is_declared_unreachable_lives_by_newer_reports_alone(
    fleet: Fleet, entrance: Entrance, clock: FakeClock, heard_elsewhere: int
) -> None:
    """The number of its last report, which changed nothing, is known here alone; when it came is known to all."""
    await fleet.running("a")
    said = Heartbeat(status=Status.HEALTHY, code_version="1", session="s", sequence=1)
    await answers(asyncio.create_task(entrance.heartbeats.ingest(Incoming("a", said, clock.now()))))
    clock.advance(heard_elsewhere or 1)
    again = Heartbeat(status=Status.HEALTHY, code_version="1", session="s", sequence=2)
    known = entrance.known("a")
    assert entrance.heartbeats.accept_unchanged(known, again, clock.now())
    fleet.heard["a"] = entrance.last_seen.own(known.id) - 1000 * heard_elsewhere
    clock.advance(60)
    await fleet.silence("a")
    entrance.heartbeats.resubmit(known, entrance.known("a"))
    assert entrance.heartbeats.waiting == bool(heard_elsewhere)
    await answers(asyncio.create_task(entrance.heartbeats.ingest(Incoming("b", said, clock.now()))))
    assert (await fleet.instance("a")).reachable is bool(heard_elsewhere)


async def test_one_that_matters_makes_a_step_due(fleet: Fleet, entrance: Entrance) -> None:
    await fleet.running("a")
    await fleet.trigger(V2)
    await answers(entrance.send("a", Status.HEALTHY, code="1"))
    assert not entrance.signals._due.is_set()
    await answers(entrance.send("a", Status.HEALTHY, code="2"))
    assert entrance.signals._due.is_set()


async def test_those_told_what_they_missed_are_woken(fleet: Fleet, entrance: Entrance) -> None:
    await fleet.running("a", "b")
    await fleet.silence("b")
    await fleet.trigger(V2)
    await fleet.arrive("a")
    await fleet.step()
    assigned = entrance.waiters.wait("b", PATIENCE)
    await answers(entrance.send("b"))
    await asyncio.wait_for(assigned, PATIENCE / 2)
