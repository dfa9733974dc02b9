"""The coordinator: the services, wired together, and the loops that run while it is up."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import TypeVar

import structlog

from dides.coordinator.credentials import hash_of, new_credential
from dides.coordinator.loops import retention
from dides.coordinator.loops.event_tail import Tail
from dides.coordinator.loops.heartbeat_queue import Heartbeats
from dides.coordinator.loops.monitor import LONGEST_BEHIND, Watch
from dides.coordinator.loops.outage import OutageDetection
from dides.coordinator.loops.reconciler import Reconciler
from dides.coordinator.loops.standstill import Standstill
from dides.coordinator.memory.blocking_queries import Queries
from dides.coordinator.memory.instance_cache import InstanceCache
from dides.coordinator.memory.last_seen import LastSeen
from dides.coordinator.memory.metrics import Rollouts
from dides.coordinator.memory.pacing import Pacing
from dides.coordinator.memory.signals import Signals
from dides.coordinator.memory.waiters import Waiters
from dides.coordinator.settings import Settings
from dides.coordinator.transactions import brake, commands, forecast, registration
from dides.coordinator.transactions.brake import Converging
from dides.coordinator.transactions.commands import DeployCommand, Key, Triggered
from dides.coordinator.transactions.flapping import Flapping
from dides.coordinator.transactions.ingest import Incoming
from dides.coordinator.transactions.preconditions import NOTHING_IN_FLIGHT
from dides.coordinator.transactions.registration import Joined, Newcomer
from dides.coordinator.transactions.step import Stepped
from dides.engine.forecast import Forecast
from dides.model.deployment import Deployment
from dides.model.errors import NotFoundError, RefusedError, UnavailableError
from dides.model.instance import Instance, InstanceSummary
from dides.protocol.messages import Heartbeat, InstanceSpec
from dides.runtime.clock import Clock
from dides.store.interface import Store, Transaction
from dides.store.writer_metrics import WriterStatistics

log = structlog.get_logger()
T = TypeVar("T")
FORGET_SECONDS, FORGET_PAUSE = 3600.0, 0.2
"""Seconds until it is looked again for what is old, and between two pieces of it."""
DAY_SECONDS, LOOKS = 86_400.0, 4
"""What is kept for less than some hours, as in simulations, is looked at so many times in that."""
RESTART_SECONDS = 1.0


class Coordinator:
    """Everything that the API asks for. Methods raise the errors of dides.model.errors."""

    def __init__(self, store: Store, clock: Clock, settings: Settings) -> None:
        """`clock` tells the store's time: `store.clock`, or one that a test moves."""
        self.settings = settings
        self._store = store
        self._clock = clock
        self.now = clock.now
        self.monotonic = clock.monotonic
        self.waiters = Waiters()
        self.instance_cache = InstanceCache(self.waiters)
        self.queries = Queries(self.instance_cache, self.waiters, clock, self.check_current)
        self.standstill = Standstill()
        self._last_seen = LastSeen()
        self._signals = Signals()
        pacing = Pacing(settings)
        self._outage_detection = OutageDetection(store, clock, settings, lambda: pacing.allowed_ms)
        self._flapping = Flapping(store, clock)
        self.heartbeats = Heartbeats(
            store, self.instance_cache, self._signals, self._last_seen, self._outage_detection, self._flapping
        )
        self.instance_cache.on_replaced = self.heartbeats.resubmit
        self.instance_cache.on_gone = self.heartbeats.forget
        self.standstill.on_noticed.append(self.heartbeats.refuse_waiting)
        self.watch = Watch(
            store,
            clock,
            settings,
            self.instance_cache,
            self._last_seen,
            self._outage_detection,
            pacing,
            self.standstill,
        )
        self.rollouts = Rollouts()
        self.tail = Tail(store)
        self._reconciler = Reconciler(
            store, clock, self._signals, self._outage_detection, self.rollouts, settings.reconcile_interval
        )

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Make up for what came before, then run the loops for as long as the block lasts. UnavailableError."""
        await self._store.follow(self.instance_cache.apply)
        await self.watch.recall()
        await self._outage_detection.arrive()  # Last: nobody is heard of before it.
        loops = [self._look_after, self._forget, self._flapping.run, self.tail.run]
        if self.settings.reconcile_interval > 0:
            loops.append(self._reconciler.run)
        tasks = [asyncio.create_task(_keep_running(loop)) for loop in loops]
        try:
            yield
        finally:
            self.release()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            with contextlib.suppress(RefusedError):
                await self.watch.flush()

    def release(self) -> None:
        """Answer every held query and end every stream now, and hold none from now on."""
        self.waiters.close()
        self.tail.close()

    @property
    def ready(self) -> bool:
        """True unless the store could not be written a moment ago, or others' writing may not have come here."""
        return self.watch.trouble is None and self.is_current()

    @property
    def behind(self) -> float:
        """How many seconds old the newest news is of what other coordinators have written."""
        return self._store.behind

    @property
    def writers(self) -> Sequence[WriterStatistics]:
        """What each thread that writes to the store has done."""
        return self._store.writers

    def age_of(self, deployment: Deployment) -> float:
        """Return how many seconds ago a deployment was triggered, by the clock that it was triggered by."""
        return (self._clock.now() - deployment.created_at) / 1000

    async def check_ready(self) -> None:
        """Raise UnavailableError when the store cannot be read, or could not be written a moment ago."""
        if self.watch.trouble:
            raise self.watch.trouble
        self.check_current()
        await self._store.read(lambda tx: tx.deployments.in_flight())

    def is_current(self) -> bool:
        """Tell whether what others have written has come here, and what is heard here goes there, but for the last."""
        return self.behind <= LONGEST_BEHIND and self.watch.passes_on

    def check_current(self) -> None:
        """Raise UnavailableError while `is_current` does not hold: nothing is answered from memory then."""
        if self.behind > LONGEST_BEHIND:
            raise UnavailableError("the database has not been heard of for too long")
        if not self.watch.passes_on:
            raise UnavailableError("the database could not be written for too long")

    async def read(self, work: Callable[[Transaction], T]) -> T:
        """Run a unit of work that only reads."""
        return await self._store.read(work)

    async def register(
        self, spec: InstanceSpec, presented: str | None, *, has_token: bool = True
    ) -> tuple[Joined, str]:
        """Register an instance; return it with its credential, which is stored only as a hash.

        That is the one which it presented, if it has proved to be itself, and else a new one.
        """
        credential = new_credential()
        newcomer = Newcomer(
            name=spec.name,
            ip=spec.ip,
            labels=spec.labels,
            presented=hash_of(presented) if presented else None,
            credential=hash_of(credential),
            has_token=has_token,
        )
        joined = await self._write(lambda tx: registration.register(tx, newcomer))
        if joined.step_due:
            self._signals.step_due()
        return joined, presented if presented and joined.itself else credential

    def accept_unchanged(self, summary: InstanceSummary, heartbeat: Heartbeat) -> bool:
        """Take a heartbeat that changes nothing, without waiting; return whether it was one. UnavailableError."""
        self.check_current()
        return self.heartbeats.accept_unchanged(summary, heartbeat, self._clock.now())

    async def heartbeat(self, name: str, heartbeat: Heartbeat) -> InstanceSummary:
        """Take a heartbeat in. NotFoundError, UnavailableError, BusyError."""
        summary = self.instance_cache.get(name)
        if summary is None:
            # It may have registered at another coordinator a moment ago.
            return await self.heartbeats.ingest(Incoming(name, heartbeat, self._clock.now()))
        return summary if self.accept_unchanged(summary, heartbeat) else await self.ingest(summary, heartbeat)

    def ingest(self, summary: InstanceSummary, heartbeat: Heartbeat) -> "asyncio.Future[InstanceSummary]":
        """Store a heartbeat, whether or not it changes anything; see Heartbeats.queue. BusyError."""
        incoming = Incoming(summary.name, heartbeat, self._clock.now(), instance_id=summary.id)
        return self.heartbeats.queue(incoming, awaited=summary.awaited)

    async def relabel(self, name: str, labels: dict[str, str], actor: str) -> Instance:
        """Replace an instance's labels."""
        return await self._write(lambda tx: registration.relabel(tx, name, labels, actor))

    async def decommission(self, name: str, actor: str, *, force: bool) -> None:
        """Remove an instance."""
        step_due = await self._write(lambda tx: registration.decommission(tx, name, actor, force=force))
        if step_due:
            self._signals.step_due()

    def interval_for(self, instance: InstanceSummary | Instance) -> float:
        """Return in how many seconds an instance is to report next."""
        return self.watch.pacing.interval_for(instance)

    def last_heard(self, instance: Instance) -> int | None:
        """Return when an instance was heard of last, in ms since 1970-01-01 UTC; in the store that may be older."""
        return max(instance.last_heartbeat_at or 0, self._last_seen.last(instance.id)) or None

    async def instance(self, name: str) -> Instance:
        """Return one instance."""
        return await self._store.read(lambda tx: registration.existing(tx, name))

    async def trigger(self, command: DeployCommand, key: Key | None) -> Triggered:
        """Trigger a deployment."""
        triggered = await self._decide(lambda tx, quiet: commands.trigger(tx, command, key, quiet))
        if triggered.stepped:
            self._after(triggered.stepped)
        return triggered

    async def forecast(self, command: DeployCommand) -> Forecast:
        """Say what a deployment would do, and change nothing."""
        return await self._store.read(lambda tx: forecast.forecast_of(tx, command))

    # With `expected_id`, what follows acts on that deployment, or raises ConflictError when it is no longer the one.

    async def pause(self, actor: str, expected_id: int | None = None) -> Deployment:
        """Pause the deployment in flight."""
        return self._seen(await self._decide(lambda tx, _: commands.pause(tx, actor, expected_id)))

    async def resume(self, actor: str, expected_id: int | None = None) -> Deployment:
        """Resume the deployment in flight."""
        deployment = await self._decide(lambda tx, _: commands.resume(tx, actor, expected_id))
        self._signals.step_due()
        return self._seen(deployment)

    async def abort(self, actor: str, *, rollback: bool, expected_id: int | None = None) -> Deployment:
        """Abort the deployment in flight."""
        return self._after(
            await self._decide(
                lambda tx, quiet: commands.abort(tx, actor, quiet, rollback=rollback, expected_id=expected_id)
            )
        )

    async def promote(self, actor: str, expected_id: int | None = None) -> Deployment:
        """Open the next wave of the deployment in flight."""
        return self._after(
            await self._decide(lambda tx, quiet: commands.promote(tx, actor, quiet, expected_id=expected_id))
        )

    async def roll_back(self, actor: str, deployment_id: int | None = None) -> Deployment:
        """Undo the deployment that is named, else the one in flight, else the newest; answers with the rollback."""
        return self._after(
            await self._decide(lambda tx, quiet: commands.roll_back(tx, actor, quiet, deployment_id=deployment_id))
        )

    async def resume_convergence(self, actor: str, source_id: int | None = None) -> Converging:
        """Let instances inherit a deployment's state again after that had stopped; see `braking.resume`."""
        return await self._store.write(lambda tx: brake.resume(tx, actor, source_id))

    async def progress(self, expected_id: int | None = None) -> Deployment:
        """Take one step by hand; NotFoundError when nothing is in flight."""
        stepped = await self._reconciler.step(expected_id)
        if stepped is None:
            raise NotFoundError(NOTHING_IN_FLIGHT)
        return stepped.deployment

    async def _decide(self, work: Callable[[Transaction, int], T]) -> T:
        """Run a unit of work that decides about a rollout, after what an outage has changed is made up for.

        It is given the moment (ms) before which no timeout fires. StoodStillError.
        """
        return await self._write(lambda tx: work(tx, self._outage_detection.quiet_until(tx)))

    async def _write(self, work: Callable[[Transaction], T]) -> T:
        """Run a unit of work that somebody waits for.

        StoodStillError when this process has stood still since then: they may have given it up, and asked elsewhere.
        """
        asked = self.standstill.look()

        def checked(tx: Transaction) -> T:
            self.standstill.check(asked)
            return work(tx)

        return await self._store.write(checked)

    def _after(self, stepped: Stepped) -> Deployment:
        """Pass on what a unit of work did, now that it is durable."""
        self._signals.step_due()
        self.rollouts.note(stepped)
        return stepped.deployment

    def _seen(self, deployment: Deployment) -> Deployment:
        """Note what is in flight."""
        self.rollouts.in_flight = deployment
        return deployment

    async def _look_after(self) -> None:
        await self.watch.run(self.heartbeats)

    async def _forget(self) -> None:
        seconds = max(1.0, min(FORGET_SECONDS, self.settings.keep_deployments_days * DAY_SECONDS / LOOKS))
        while True:
            more = await self._store.write(lambda tx: retention.forget(tx, self.settings))
            await asyncio.sleep(FORGET_PAUSE if more else seconds)


async def _keep_running(loop: Callable[[], Awaitable[None]]) -> None:
    """Run a loop for as long as the coordinator is up: an error in it is logged, and costs it a second."""
    while True:
        try:
            await loop()
        except RefusedError as error:
            log.warning("a background loop was interrupted", loop=loop.__name__, reason=error.detail)
        except Exception:
            log.exception("a background loop failed", loop=loop.__name__)
        await asyncio.sleep(RESTART_SECONDS)
