"""Two agents with copies of one state directory: shown as such, one event, and their target fails."""

from collections.abc import Sequence

import pytest

from dides.coordinator.memory.instance_cache import InstanceCache
from dides.coordinator.memory.waiters import Waiters
from dides.engine.sessions import is_duplicated
from dides.model.deployment import DeploymentStatus
from dides.model.selector import Selector
from dides.model.state import State, Status
from dides.protocol.messages import Heartbeat
from support.hand_fleet import V1, V2, Fleet

BEAT = 10
REASON = "failed: two agents report as this instance"


class Pair:
    """Two agents of web-1; the first one was there before the second one."""

    def __init__(self, fleet: Fleet) -> None:
        self.fleet = fleet
        self.sequences = {"first": 0, "second": 0}
        self.runs: dict[str, State] = {"first": V1, "second": V1}

    async def beat(self, session: str, status: Status = Status.HEALTHY) -> None:
        self.sequences[session] += 1
        known = await self.fleet.instance("web-1")
        heartbeat = Heartbeat(
            status=status,
            code_version=self.runs[session].code_version,
            observed=known.generation,
            session=session,
            sequence=self.sequences[session],
        )
        await self.fleet.ingest_batch(("web-1", heartbeat))

    async def rounds(self, number: int, order: Sequence[str] = ("second", "first"), apart: float = BEAT) -> None:
        for _ in range(number):
            for session in order:
                self.fleet.clock.advance(apart / len(order))
                await self.beat(session)

    async def duplicated(self) -> bool:
        return is_duplicated((await self.fleet.instance("web-1")).sessions, self.fleet.clock.now())


@pytest.fixture
async def pair(fleet: Fleet) -> Pair:
    await fleet.register("web-1")
    pair = Pair(fleet)
    await pair.beat("first")
    return pair


async def test_two_that_go_on_reporting_are_found_and_told_of_once(fleet: Fleet, pair: Pair) -> None:
    await pair.rounds(2)
    assert not await pair.duplicated()
    await pair.rounds(8)
    assert await pair.duplicated()
    assert [each.instance for each in await fleet.events("instance.duplicated")] == ["web-1"]


async def test_what_both_report_makes_no_noise(fleet: Fleet, pair: Pair) -> None:
    """They ran different versions, and there were 39 events a minute of which each took the one before it back."""
    pair.runs["first"] = V2
    before = len(await fleet.events("instance.reported"))
    await pair.rounds(6)
    assert len(await fleet.events("instance.reported")) == before


async def test_a_quick_restart_is_none(fleet: Fleet, pair: Pair) -> None:
    await pair.rounds(1)
    await pair.rounds(20, order=("second",))
    assert not await pair.duplicated()
    assert await fleet.events("instance.duplicated") == []


async def test_it_ends_with_one_of_them(fleet: Fleet, pair: Pair) -> None:
    await pair.rounds(4)
    await pair.rounds(5, order=("second",))
    assert await pair.duplicated()
    await pair.rounds(2, order=("second",))
    assert not await pair.duplicated()
    await pair.rounds(4)
    assert await pair.duplicated()
    assert len(await fleet.events("instance.duplicated")) == 2


async def test_its_target_fails(fleet: Fleet, pair: Pair) -> None:
    deployment = await fleet.trigger(V2, auto_rollback=False)
    pair.runs["first"] = V2
    await pair.rounds(4)
    assert (await fleet.step()).status is DeploymentStatus.FAILED
    assert await fleet.states(deployment) == {"web-1": REASON}


async def test_its_target_fails_though_it_had_succeeded(fleet: Fleet, pair: Pair) -> None:
    await fleet.running("web-2")
    deployment = await fleet.trigger(V2, auto_rollback=False)
    pair.runs["second"] = V2
    await pair.beat("second")
    await fleet.step()
    await pair.rounds(4)
    assert (await fleet.step()).status is DeploymentStatus.FAILED
    assert (await fleet.states(deployment))["web-1"] == REASON


async def test_its_target_is_not_told_again(fleet: Fleet, pair: Pair) -> None:
    deployment = await fleet.trigger(V2, retries=3, auto_rollback=False)
    await pair.rounds(4)
    await fleet.step()
    assert await fleet.states(deployment) == {"web-1": REASON}


async def test_one_that_is_duplicated_before_fails_as_soon_as_it_is_heard_of(fleet: Fleet, pair: Pair) -> None:
    await pair.rounds(4)
    deployment = await fleet.trigger(V2, auto_rollback=False)
    await pair.beat("second", Status.DEGRADED)
    await fleet.step()
    assert await fleet.states(deployment) == {"web-1": REASON}


async def test_one_that_is_duplicated_is_not_found_there_already(fleet: Fleet, pair: Pair) -> None:
    pair.runs["second"] = V2
    await pair.rounds(4)
    deployment = await fleet.trigger(V2, auto_rollback=False)
    assert await fleet.states(deployment) == {"web-1": "updating"}
    await pair.beat("second")
    await fleet.step()
    assert await fleet.states(deployment) == {"web-1": REASON}


async def test_a_rollback_is_not_stopped_by_one(fleet: Fleet, pair: Pair) -> None:
    await fleet.running("web-2")
    await fleet.trigger(V2, batch_size=2, failure_threshold=2)
    await fleet.arrive("web-2")
    await pair.rounds(4)
    await fleet.step()
    rollback = await fleet.roll_back()
    await fleet.arrive("web-2")
    await pair.beat("second")
    assert not (await fleet.step()).in_flight
    assert await fleet.states(rollback) == {"web-1": REASON, "web-2": "succeeded"}


async def test_the_view_and_the_list_show_those_alone(fleet: Fleet, pair: Pair) -> None:
    instance_cache = InstanceCache(Waiters())
    await fleet.store.follow(instance_cache.apply)
    await fleet.running("web-2")
    assert instance_cache.duplicated(fleet.clock.now()) == []
    await pair.rounds(4)
    now = fleet.clock.now()
    assert instance_cache.duplicated(now) == ["web-1"]
    found = await fleet.store.read(lambda tx: tx.inventory.page(Selector(), None, "", 9, duplicated_at=now))
    assert [each.name for each in found] == ["web-1"]
    assert await fleet.store.read(lambda tx: tx.inventory.count(Selector(), None, duplicated_at=now)) == 1
    assert instance_cache.duplicated(now + 60_000) == []
    await fleet.decommission("web-1")
    assert instance_cache.duplicated(now) == []


async def test_another_machine_under_the_name_is_none(fleet: Fleet, pair: Pair) -> None:
    await pair.rounds(4)
    await fleet.silence("web-1")
    await fleet.register("web-1")
    assert not await pair.duplicated()
