"""A cut network while a version is rolled out: it is no failure of that version."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import suppress
from pathlib import Path

import msgspec
import pytest

from dides.coordinator.coordinator import Coordinator
from dides.coordinator.settings import Settings
from dides.coordinator.transactions.commands import DeployCommand
from dides.engine.window import held_by
from dides.model.deployment import Deployment, DeploymentStatus, Kind
from dides.model.errors import NotFoundError
from dides.model.policy import Policy
from dides.model.selector import Selector
from dides.model.state import State, Status
from dides.protocol.messages import Heartbeat, InstanceSpec
from dides.store.sqlite.store import SqliteStore
from support.clocks import FakeClock
from support.sqlite import sqlite_store

SETTINGS = Settings(reconcile_interval=0, outage_limit=600)
TIME_TO_LIVE, INTERVAL = 30, 5
RUNNING, FAILED, COMPLETED = DeploymentStatus.RUNNING, DeploymentStatus.FAILED, DeploymentStatus.COMPLETED


class Network:
    """Instances that report every five seconds to a coordinator, whose loops a test runs by hand."""

    def __init__(self, store: SqliteStore, clock: FakeClock) -> None:
        self.store, self.clock = store, clock
        self.cut: set[str] = set()
        self.names: list[str] = []
        self.working: set[str] = set()
        """Those that apply what they were told, and have not come to its end."""

    async def start(self, number: int) -> None:
        await self.restart()
        self.names = [f"web-{each}" for each in range(number)]
        for name in self.names:
            await self.coordinator.register(InstanceSpec(name=name, ip="192.0.2.1"), None)
        await self.beat()
        await self.pass_time(2 * TIME_TO_LIVE, look_every=INTERVAL)

    async def restart(self) -> None:
        """Start a coordinator, or another one in its place."""
        self.coordinator = Coordinator(self.store, self.clock, SETTINGS)
        await self.store.follow(self.coordinator.instance_cache.apply)
        await self.coordinator.watch.recall()
        await self.coordinator._outage_detection.arrive()

    async def deploy(self, **fields: object) -> Deployment:
        """Deploy 2 to all."""
        policy = msgspec.convert({"update_timeout": 60.0, **fields}, Policy)
        command = DeployCommand(
            to=State("2"), labels={}, selector_text=None, selector=Selector(), policy=policy, actor="operator"
        )
        return (await self.coordinator.trigger(command, None)).deployment

    async def beat(self) -> None:
        """Let all that are not cut off report that they are where they should be."""
        await asyncio.gather(*(self._report(name) for name in self.names if name not in self.cut))

    async def _report(self, name: str) -> None:
        summary = self.coordinator.instance_cache.get(name)
        assert summary
        working = name in self.working
        wanted = summary.desired.code_version if summary.desired and not working else "1"
        status = Status.DEGRADED if working else Status.HEALTHY
        said = Heartbeat(status=status, code_version=wanted, observed=summary.generation)
        await self.coordinator.heartbeat(name, said)

    async def fail(self, name: str) -> None:
        summary = self.coordinator.instance_cache.get(name)
        assert summary
        await self.coordinator.heartbeat(name, Heartbeat(status=Status.FAILED, observed=summary.generation))

    async def pass_time(self, seconds: int, *, look_every: int = 1) -> None:
        """Let time pass, with all that happens in it by itself; where little does, it may be looked at less often."""
        for second in range(0, seconds, look_every):
            self.clock.advance(look_every)
            if second % INTERVAL == 0:
                await self.beat()
            await self.coordinator.watch.look(self.coordinator.heartbeats)
            with suppress(NotFoundError):
                await self.coordinator.progress()

    async def newest(self, kind: Kind = Kind.DEPLOY) -> Deployment:
        found = await self.store.read(lambda tx: tx.deployments.newest(kind))
        assert found
        return found

    async def events(self) -> list[str]:
        """Return what has been written down of outages."""
        page = await self.store.read(lambda tx: tx.events.page(None, None, 10_000))
        return [event.kind for event in page if "outage" in event.kind]

    def cut_off(self, names: Iterable[str]) -> None:
        self.cut |= set(names)


@pytest.fixture
async def network(tmp_path: Path, clock: FakeClock) -> AsyncIterator[Network]:
    store = sqlite_store(tmp_path / "dides.db", clock)
    yield Network(store, clock)
    await store.close()


BEGAN, ENDED = "deployment.outage_began", "deployment.outage_ended"


@pytest.mark.parametrize(
    ("number", "window", "update_timeout"), [(10, 2, 60.0), (10, 2, 5.0), (3, 1, 60.0), (3, 1, 20.0), (30, 10, 31.0)]
)
async def test_a_network_that_is_cut_for_all_stops_nothing(
    network: Network, number: int, window: int, update_timeout: float
) -> None:
    await network.start(number)
    network.working = set(network.names)
    await network.deploy(batch_size=window, update_timeout=update_timeout)
    await network.pass_time(3)
    network.cut_off(network.names)
    await network.pass_time(TIME_TO_LIVE + 5)
    deployment = await network.newest()
    assert (deployment.status, held_by(deployment), deployment.counts.failed) == (RUNNING, "outage", 0)
    await network.pass_time(120)
    deployment = await network.newest()
    assert (deployment.status, deployment.counts.updating, deployment.counts.failed) == (RUNNING, window, 0)
    network.cut.clear()
    network.working.clear()
    await network.pass_time(20 * number, look_every=INTERVAL)
    assert (await network.newest()).status is COMPLETED
    assert await network.events() == [BEGAN, ENDED]


async def test_one_that_falls_silent_alone_is_lost_as_ever(network: Network) -> None:
    await network.start(10)
    network.working = set(network.names)
    await network.deploy(batch_size=2, failure_threshold=2)
    updating = [
        name for name in network.names if (summary := network.coordinator.instance_cache.get(name)) and summary.awaited
    ]
    network.cut_off(updating[:1])
    await network.pass_time(100)
    assert (await network.newest()).counts.failed >= 1
    assert await network.events() == []


async def test_a_version_that_silences_whoever_has_it_is_no_outage(network: Network) -> None:
    """Those that are being updated, and those that have just succeeded, say nothing of the network."""
    await network.start(10)
    await network.deploy(batch_size=6, failure_threshold=2, update_timeout=100.0)
    assigned = [
        name for name in network.names if (summary := network.coordinator.instance_cache.get(name)) and summary.awaited
    ]
    assert len(assigned) == 6
    network.cut_off(assigned)
    await network.pass_time(150)
    assert (await network.newest()).status is FAILED
    assert await network.events() == []


async def test_the_dead_do_not_count(network: Network) -> None:
    """Of twelve, five are dead; of the seven others one is updating and four of the six fall silent: too few."""
    await network.start(12)
    network.cut_off(network.names[7:])
    await network.pass_time(4 * TIME_TO_LIVE)
    network.working = set(network.names)
    await network.deploy(batch_size=1, order="name", update_timeout=600.0)
    network.cut_off(network.names[3:7])
    await network.pass_time(TIME_TO_LIVE + 10)
    assert await network.events() == []
    network.cut_off(network.names[1:3])
    await network.pass_time(TIME_TO_LIVE + 10)
    assert await network.events() == [BEGAN]


async def test_a_reported_failure_counts_and_trips(network: Network) -> None:
    await network.start(10)
    network.working = set(network.names)
    await network.deploy(batch_size=1, order="name")
    network.cut_off(network.names[1:])
    await network.pass_time(TIME_TO_LIVE + 10)
    assert held_by(await network.newest()) == "outage"
    await network.fail("web-0")
    await network.pass_time(1)
    assert (await network.newest()).status is FAILED
    rollback = await network.newest(Kind.ROLLBACK)
    assert (rollback.counts.updating, held_by(rollback)) == (1, None), "it goes on with whoever answers"
    network.working.clear()
    await network.pass_time(TIME_TO_LIVE)
    assert (await network.newest(Kind.ROLLBACK)).status is COMPLETED


async def test_an_operator_ends_it_and_another_one_begins_only_after_half_was_heard_of(network: Network) -> None:
    await network.start(10)
    network.working = set(network.names)
    await network.deploy(batch_size=1, failure_threshold=10)
    await network.pass_time(10)
    network.cut_off(network.names)
    await network.pass_time(200)
    assert held_by(await network.newest()) == "outage"
    assert (await network.coordinator.resume("operator")).outage is not None
    await network.pass_time(20)
    assert (await network.newest()).counts.failed == 0, "its update_timeout had 50 s left"
    await network.pass_time(60)
    assert (await network.newest()).status is FAILED
    assert await network.events() == [BEGAN, ENDED]


async def test_it_is_over_after_its_limit(network: Network) -> None:
    await network.start(10)
    network.working = set(network.names)
    await network.deploy(batch_size=1)
    network.cut_off(network.names)
    await network.pass_time(60)
    await network.pass_time(530, look_every=INTERVAL)
    assert held_by(await network.newest()) == "outage"
    await network.pass_time(100)
    assert (await network.newest()).status is FAILED


async def test_a_restart_does_not_end_it(network: Network) -> None:
    await network.start(10)
    network.working = set(network.names)
    await network.deploy(batch_size=2)
    network.cut_off(network.names)
    await network.pass_time(60)
    network.clock.advance(120)
    await network.restart()
    await network.pass_time(120)
    deployment = await network.newest()
    assert (deployment.status, held_by(deployment), deployment.counts.failed) == (RUNNING, "outage", 0)


async def test_a_pause_in_it_and_the_time_before_it_count_once(network: Network) -> None:
    await network.start(10)
    network.working = set(network.names)
    await network.deploy(batch_size=1)
    await network.pass_time(10)
    network.cut_off(network.names)
    await network.pass_time(60)
    await network.coordinator.pause("operator")
    network.cut.clear()
    await network.pass_time(60)
    assert await network.events() == [BEGAN, ENDED]
    await network.coordinator.resume("operator")
    await network.pass_time(40)
    assert (await network.newest()).counts.failed == 0
    await network.pass_time(20)
    assert (await network.newest()).counts.failed == 1


async def test_whoever_reports_seldom_by_nature_is_timed_out_as_ever(network: Network) -> None:
    await network.start(10)
    await network.deploy(batch_size=1, update_timeout=5.0)
    network.cut_off(network.names)
    network.clock.advance(3600)
    await network.coordinator.watch.look(network.coordinator.heartbeats)
    assert network.coordinator._outage_detection.suspected_until < network.clock.now()
