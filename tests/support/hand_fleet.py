"""A fleet without machines: the coordinator's units of work over a real store, and a check of the counts after each."""

from collections.abc import Callable, Mapping
from typing import TypeVar

import msgspec
from msgspec import UNSET, UnsetType

from dides.coordinator.loops.outage import ALIVE_AT, AliveRecord, record_alive
from dides.coordinator.loops.silence import Declared, declare_unreachable
from dides.coordinator.settings import Settings
from dides.coordinator.transactions import commands, registration
from dides.coordinator.transactions.commands import DeployCommand, Key, Triggered
from dides.coordinator.transactions.ingest import Incoming, Ingested, Memory, ingest_batch
from dides.coordinator.transactions.preconditions import in_flight
from dides.coordinator.transactions.registration import Joined, Newcomer
from dides.coordinator.transactions.step import Stepped, step
from dides.model.deployment import Deployment, Target
from dides.model.instance import Instance
from dides.model.policy import Policy
from dides.model.selector import parse_selector
from dides.model.state import State, Status
from dides.protocol.messages import Heartbeat
from dides.store.interface import Store, Transaction
from dides.store.records import Event
from support.clocks import FakeClock
from support.totals import assert_totals_true

T = TypeVar("T")
PROD = {"env": "prod"}
V1, V2, V3 = State("1"), State("2"), State("3")
SETTINGS = Settings()


def assert_counts_true(tx: Transaction, newest: int = 10_000) -> None:
    """Check what must hold after every unit of work: true counts, no window exceeded, one in flight at most."""
    every = tx.deployments.page(None, None, newest)
    for deployment in every:
        targets = tx.targets.page(deployment.id, None, 0, 1_000_000)
        assert_totals_true(deployment, targets)
        assert deployment.counts.updating <= deployment.window
        assert deployment.wave.open == len(deployment.waves) or (
            deployment.counts.started <= deployment.waves[deployment.wave.open - 1]
        )
        assert deployment.in_flight or deployment.counts.pending == deployment.counts.updating == 0
    assert sum(each.in_flight for each in every) <= 1


def at_desired(instance: Instance, status: Status, message: str = "") -> Heartbeat:
    """Return what an agent reports that has applied its desired state."""
    desired = instance.desired or instance.current
    return Heartbeat(
        status=status,
        code_version=UNSET if desired.code_version is None else desired.code_version,
        configuration_version=UNSET if desired.configuration_version is None else desired.configuration_version,
        observed=instance.generation,
        message=message,
    )


class Fleet:
    """Instances, an operator and a coordinator, moved by hand."""

    def __init__(self, store: Store, clock: FakeClock, checked: int = 10_000) -> None:
        """`checked` is how many deployments, newest first, are checked after each operation."""
        self.store = store
        self.clock = clock
        self.checked = checked
        self.quiet_until = 0
        self.heard: dict[str, int] = {}
        """When the last heartbeat of an instance came, by name: what a coordinator keeps in its memory."""
        self.assigned: set[str] = set()
        """The instances that the last operation told something."""
        self._seen: dict[int, int] = {}
        self._memory = Memory(round(SETTINGS.time_to_live * 1000), lambda number: self._seen.get(number, 0))

    async def run(self, work: Callable[[Transaction], T]) -> T:
        """Run one unit of work, and check the counts that it leaves."""

        def checked(tx: Transaction) -> T:
            result = work(tx)
            assert_counts_true(tx, self.checked)
            return result

        return await self.store.write(checked)

    async def register(
        self, *names: str, labels: Mapping[str, str] = PROD, proof: str | None = None, ip: str = "192.0.2.1"
    ) -> Joined:
        """Register instances, each under the credential `{name} at {now}`; `proof` is the one presented."""
        newcomers = [
            Newcomer(
                name=name,
                ip=ip,
                labels=labels,
                presented=proof.encode() if proof else None,
                credential=self.credential(name).encode(),
            )
            for name in names
        ]
        return (await self.run(lambda tx: [registration.register(tx, each) for each in newcomers]))[-1]

    def credential(self, name: str) -> str:
        """Return the credential of an instance that registers now."""
        return f"{name} at {self.clock.now()}"

    async def running(self, *names: str, state: State = V1, labels: Mapping[str, str] = PROD) -> None:
        """Register instances that report HEALTHY at a state."""
        await self.register(*names, labels=labels)
        report = Heartbeat(
            status=Status.HEALTHY, code_version=state.code_version, configuration_version=state.configuration_version
        )
        await self.ingest_batch(*((name, report) for name in names))

    async def report(
        self,
        name: str,
        status: Status | UnsetType = UNSET,
        current: State | None = None,
        *,
        observed: int | UnsetType = UNSET,
        message: str | UnsetType = UNSET,
    ) -> Ingested:
        """Take in one heartbeat; without anything it says "alive"."""
        heartbeat = Heartbeat(
            status=status,
            code_version=current.code_version if current else UNSET,
            configuration_version=current.configuration_version if current else UNSET,
            observed=observed,
            message=message,
        )
        return await self.ingest_batch((name, heartbeat))

    async def ingest_batch(self, *heartbeats: tuple[str, Heartbeat]) -> Ingested:
        """Take in heartbeats together."""
        batch = [Incoming(name, heartbeat, self.clock.now()) for name, heartbeat in heartbeats]
        self.heard.update((each.name, each.at_ms) for each in batch)
        taken = await self.run(lambda tx: ingest_batch(tx, batch, self._memory))
        self._seen |= {taken.instances[name].id: newest.at_ms for name, newest in taken.newest.items()}
        self.assigned = taken.assigned
        return taken

    async def arrive(self, *names: str) -> None:
        """Each reports HEALTHY at its desired state, as an agent does that has applied it."""
        known = await self.store.read(lambda tx: tx.inventory.many(names))
        await self.ingest_batch(*((name, at_desired(known[name], Status.HEALTHY)) for name in names if name in known))

    async def fail(self, name: str, message: str = "it broke") -> None:
        """It reports FAILED at its desired state, as an agent does whose check says so."""
        await self.ingest_batch((name, at_desired(await self.instance(name), Status.FAILED, message)))

    async def silence(self, *names: str) -> None:
        """Declare instances unreachable, whatever the time."""
        await self.silent_since(self.clock.now(), *names)

    async def silent_since(self, moment: int, *names: str) -> Declared:
        """Declare instances unreachable that were not seen after a moment."""
        seen = {name: self.heard.get(name, 0) for name in names}
        declared = await self.run(lambda tx: declare_unreachable(tx, seen, moment))
        self.assigned = declared.assigned
        return declared

    async def trigger(
        self,
        to: State = V2,
        *,
        labels: Mapping[str, str] = PROD,
        selector: str | None = None,
        key: Key | None = None,
        actor: str = "anna",
        **policy: object,
    ) -> Deployment:
        """Trigger a deployment and return it after its first step."""
        return (await self.triggered(to, labels=labels, selector=selector, key=key, actor=actor, **policy)).deployment

    async def triggered(
        self,
        to: State = V2,
        *,
        labels: Mapping[str, str] = PROD,
        selector: str | None = None,
        key: Key | None = None,
        actor: str = "anna",
        **policy: object,
    ) -> Triggered:
        """Trigger a deployment."""
        command = DeployCommand(
            to=to,
            labels=labels,
            selector_text=selector,
            selector=parse_selector(selector or "").and_labels(labels),
            policy=msgspec.structs.replace(Policy(), **policy),
            actor=actor,
        )
        triggered = await self.run(lambda tx: commands.trigger(tx, command, key, self.quiet_until))
        self.assigned = triggered.stepped.assigned if triggered.stepped else set()
        return triggered

    async def step(self) -> Deployment:
        """Take one step and return the deployment that it began with."""
        stepped = await self.run(lambda tx: step(tx, self.quiet_until))
        return self._stepped(stepped)

    async def stepped(self) -> Stepped:
        """Take one step and return what it did."""
        stepped = await self.run(lambda tx: step(tx, self.quiet_until))
        assert stepped is not None
        self.assigned = stepped.assigned
        return stepped

    async def steps(self) -> Deployment:
        """Take steps as long as they ask for more."""
        while True:
            stepped = await self.run(lambda tx: step(tx, self.quiet_until))
            deployment = self._stepped(stepped)
            if stepped and not stepped.run_again:
                return deployment

    async def pause(self, expected_id: int | None = None) -> Deployment:
        """Pause the deployment in flight."""
        return await self.run(lambda tx: commands.pause(tx, "anna", expected_id))

    async def resume(self, expected_id: int | None = None) -> Deployment:
        """Resume the deployment in flight."""
        return await self.run(lambda tx: commands.resume(tx, "anna", expected_id))

    async def promote(self, expected_id: int | None = None) -> Deployment:
        """Open the next wave."""
        return self._stepped(
            await self.run(lambda tx: commands.promote(tx, "anna", self.quiet_until, expected_id=expected_id))
        )

    async def abort(self, *, rollback: bool = False, expected_id: int | None = None) -> Deployment:
        """Abort the deployment in flight."""
        return self._stepped(
            await self.run(
                lambda tx: commands.abort(tx, "anna", self.quiet_until, rollback=rollback, expected_id=expected_id)
            )
        )

    async def roll_back(self, deployment_id: int | None = None) -> Deployment:
        """Roll back by hand and return the rollback."""
        return self._stepped(
            await self.run(lambda tx: commands.roll_back(tx, "anna", self.quiet_until, deployment_id=deployment_id))
        )

    async def decommission(self, name: str, *, force: bool = False) -> bool:
        """Remove an instance; return whether that makes a step due."""
        return await self.run(lambda tx: registration.decommission(tx, name, "anna", force=force))

    async def restart(self, *, after: float) -> None:
        """Stop the coordinator and start it again after so many seconds."""
        alive = AliveRecord(gap=5_000, time_to_live=round(SETTINGS.time_to_live * 1000))
        await self.run(lambda tx: tx.keys.write_down(ALIVE_AT, tx.now))
        self.clock.advance(after)
        self.quiet_until = await self.run(lambda tx: record_alive(tx, alive))

    async def instance(self, name: str) -> Instance:
        """Return an instance that exists."""
        return await self.store.read(lambda tx: registration.existing(tx, name))

    async def deployment(self, deployment_id: int) -> Deployment:
        """Return a deployment that exists."""
        found = await self.store.read(lambda tx: tx.deployments.get(deployment_id))
        assert found is not None
        return found

    async def in_flight(self) -> Deployment:
        """Return the deployment in flight."""
        return await self.store.read(in_flight)

    async def target(self, deployment: Deployment, name: str) -> Target:
        """Return the newest target of this name."""
        return [each for each in await self.targets(deployment) if each.instance == name][-1]

    async def targets(self, deployment: Deployment) -> list[Target]:
        """Return the targets of a deployment in order."""
        return await self.store.read(lambda tx: tx.targets.page(deployment.id, None, 0, 1_000_000))

    async def states(self, deployment: Deployment) -> dict[str, str]:
        """Return what has become of each target: its state, and its reason after a colon when there is one."""
        return {
            each.instance: f"{each.state.value}: {each.reason}" if each.reason else each.state.value
            for each in await self.targets(deployment)
        }

    async def in_state(self, deployment: Deployment, state: str = "updating") -> list[str]:
        """Return the names of the targets in a state, in order."""
        return [name for name, its in (await self.states(deployment)).items() if its.partition(":")[0] == state]

    async def events(self, kind: str) -> list[Event]:
        """Return the events of a kind, oldest first."""
        every = await self.store.read(lambda tx: tx.events.page(None, None, 1_000_000))
        return [each for each in every if each.kind == kind]

    def _stepped(self, stepped: Stepped | None) -> Deployment:
        assert stepped is not None
        self.assigned = stepped.assigned
        return stepped.deployment
