"""Heartbeats that come late, twice, or from a process that was replaced are answered and change nothing."""

import msgspec
import pytest

from dides.coordinator.loops.heartbeat_queue import Heartbeats
from dides.coordinator.loops.outage import OutageDetection
from dides.coordinator.memory.instance_cache import InstanceCache
from dides.coordinator.memory.last_seen import LastSeen
from dides.coordinator.memory.signals import Signals
from dides.coordinator.memory.waiters import Waiters
from dides.coordinator.settings import Settings
from dides.coordinator.transactions.flapping import Flapping
from dides.coordinator.transactions.ingest import Incoming
from dides.model.instance import Instance, InstanceSummary
from dides.model.state import Status
from dides.protocol.messages import Heartbeat
from support.clocks import FakeClock
from support.hand_fleet import V2, Fleet
from support.processes import until_async

SETTINGS = Settings()
FIRST = Heartbeat(status=Status.HEALTHY, code_version="1", session="a", sequence=1)
BROKEN = msgspec.structs.replace(FIRST, status=Status.FAILED, message="broken")


def at(sequence: int, heartbeat: Heartbeat = FIRST, session: str = "a") -> Heartbeat:
    return msgspec.structs.replace(heartbeat, session=session, sequence=sequence)


class Coordinator:
    """One of several coordinators on the same store, as far as it takes heartbeats."""

    def __init__(self, fleet: Fleet, clock: FakeClock) -> None:
        self.clock = clock
        self.instance_cache = InstanceCache(Waiters())
        self.last_seen = LastSeen()
        outage_detection = OutageDetection(fleet.store, clock, SETTINGS, lambda: 30_000)
        flapping = Flapping(fleet.store, clock)
        self.heartbeats = Heartbeats(
            fleet.store, self.instance_cache, Signals(), self.last_seen, outage_detection, flapping
        )
        self.instance_cache.on_replaced = self.heartbeats.resubmit
        self.instance_cache.on_gone = self.heartbeats.forget

    def known(self) -> InstanceSummary:
        summary = self.instance_cache.get("web-1")
        assert summary is not None
        return summary

    async def take(self, heartbeat: Heartbeat) -> bool:
        """Take a heartbeat as the API does; return whether it was answered without being written."""
        self.clock.advance(1)
        if self.heartbeats.accept_unchanged(self.known(), heartbeat, self.clock.now()):
            return True
        await self.heartbeats.ingest(Incoming("web-1", heartbeat, self.clock.now()))
        return False


@pytest.fixture
async def here(fleet: Fleet, clock: FakeClock) -> Coordinator:
    await fleet.register("web-1")
    return await following(fleet, clock)


async def following(fleet: Fleet, clock: FakeClock) -> Coordinator:
    coordinator = Coordinator(fleet, clock)
    await fleet.store.follow(coordinator.instance_cache.apply)
    return coordinator


async def stored(fleet: Fleet) -> Instance:
    return await fleet.instance("web-1")


async def test_a_late_one_is_answered_and_changes_nothing(fleet: Fleet, here: Coordinator) -> None:
    await here.take(at(1))
    await here.take(at(3))
    before, seen = await stored(fleet), here.last_seen.own(1)
    assert await here.take(at(2, BROKEN))
    assert (await stored(fleet), here.last_seen.own(1)) == (before, seen), "it does not count as seen"


async def test_a_number_that_was_never_stored_is_known_all_the_same(fleet: Fleet, here: Coordinator) -> None:
    await here.take(at(1))
    assert await here.take(at(7)), "it says what is known"
    assert (await stored(fleet)).sessions.sequence == 1
    assert await here.take(at(7, BROKEN))
    assert (await stored(fleet)).status is Status.HEALTHY
    assert not await here.take(at(8, BROKEN))
    assert (await stored(fleet)).status is Status.FAILED


async def test_one_without_a_session_counts_as_ever(fleet: Fleet, here: Coordinator) -> None:
    await here.take(at(5))
    await here.take(Heartbeat(status=Status.DEGRADED))
    assert (await stored(fleet)).status is Status.DEGRADED
    await here.take(at(6))
    assert (await stored(fleet)).status is Status.HEALTHY


async def test_a_new_session_replaces_the_earlier_one(fleet: Fleet, here: Coordinator) -> None:
    await here.take(at(9))
    await here.take(at(1, session="b"))
    before, seen = await stored(fleet), here.last_seen.own(1)
    await here.take(at(10, BROKEN))
    after = await stored(fleet)
    assert (after.status, after.sessions.session) == (Status.HEALTHY, "b")
    assert (after.last_heartbeat_at, here.last_seen.own(1)) == (before.last_heartbeat_at, seen), (
        "it does not count as seen"
    )


async def test_the_earlier_one_counts_again_once_the_newer_one_is_unreachable(fleet: Fleet, here: Coordinator) -> None:
    await here.take(at(9))
    await here.take(at(1, session="b"))
    await fleet.silence("web-1")
    await here.take(at(10, BROKEN))
    after = await stored(fleet)
    assert (after.status, after.reachable, after.sessions.session) == (Status.FAILED, True, "a")


async def test_a_batch_takes_each_one_as_if_it_had_come_alone(fleet: Fleet, here: Coordinator) -> None:
    taken = await fleet.ingest_batch(
        ("web-1", at(2)), ("web-1", at(1, BROKEN)), ("web-1", at(1, session="b")), ("web-1", at(3, BROKEN))
    )
    assert taken.newest["web-1"].heartbeat == at(1, session="b")
    assert (await stored(fleet)).status is Status.HEALTHY


async def test_a_late_failure_fails_no_target(fleet: Fleet, here: Coordinator) -> None:
    await here.take(at(5))
    deployment = await fleet.trigger(V2, min_healthy_time=60)
    generation = (await stored(fleet)).generation
    arrived = Heartbeat(status=Status.HEALTHY, code_version="2", observed=generation)
    await here.take(at(7, arrived))
    await here.take(at(6, msgspec.structs.replace(arrived, status=Status.FAILED)))
    await fleet.step()
    assert await fleet.states(deployment) == {"web-1": "updating"}


async def test_another_coordinator_knows_the_numbers_that_were_stored(
    fleet: Fleet, clock: FakeClock, here: Coordinator
) -> None:
    there = await following(fleet, clock)
    await here.take(at(5))
    assert await there.take(at(4, BROKEN))
    assert await there.take(at(5, BROKEN))
    assert (await stored(fleet)).status is Status.HEALTHY


async def test_what_another_coordinator_has_taken_late_is_set_right_by_the_one_that_knows_better(
    fleet: Fleet, clock: FakeClock, here: Coordinator
) -> None:
    """Nobody has stored that the sixth came, because it changed nothing; and so the fifth is news elsewhere."""
    there = await following(fleet, clock)
    await here.take(at(4))
    assert await here.take(at(6))
    assert not await there.take(at(5, msgspec.structs.replace(FIRST, status=Status.DEGRADED)))
    after = await until_async(lambda: stored(fleet), lambda found: found.sessions.sequence == 6)
    assert after.status is Status.HEALTHY


async def test_nothing_is_said_again_for_a_session_that_was_replaced(
    fleet: Fleet, clock: FakeClock, here: Coordinator
) -> None:
    there = await following(fleet, clock)
    await here.take(at(4))
    assert await here.take(at(6))
    await there.take(at(1, msgspec.structs.replace(FIRST, status=Status.DEGRADED), "b"))
    assert here.heartbeats.waiting == 0
    assert (await stored(fleet)).sessions.session == "b"


async def test_another_machine_under_the_name_begins_anew(fleet: Fleet, here: Coordinator) -> None:
    await here.take(at(9))
    await fleet.silence("web-1")
    await fleet.register("web-1")
    assert (await stored(fleet)).sessions.session is None
    await here.take(at(1))
    assert (await stored(fleet)).status is Status.HEALTHY


async def test_an_instance_that_proves_to_be_itself_keeps_its_session(fleet: Fleet, here: Coordinator) -> None:
    proof = f"web-1 at {fleet.clock.now()}"
    await here.take(at(9))
    await fleet.register("web-1", proof=proof)
    assert await here.take(at(8, BROKEN))
