"""The coordinator: the services, wired together, and the loops that run while it is up."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeVar

import structlog

from dides.clock import Clock
from dides.coordinator import deployments, housekeeping, inventory, liveness, planning
from dides.coordinator.credentials import hash_of, new_credential
from dides.coordinator.deployments import Key, Order, Triggered
from dides.coordinator.feed import Feed
from dides.coordinator.heartbeats import Heartbeats
from dides.coordinator.intake import Incoming
from dides.coordinator.inventory import Joined, Newcomer
from dides.coordinator.liveness import Liveness
from dides.coordinator.presence import Presence
from dides.coordinator.reconciler import Reconciler
from dides.coordinator.settings import Settings
from dides.coordinator.signals import Signals
from dides.coordinator.step import Stepped
from dides.engine.forecast import Forecast
from dides.model.deployment import Deployment
from dides.model.errors import NotFoundError, RefusedError, UnavailableError
from dides.model.instance import Instance
from dides.protocol.messages import Heartbeat, InstanceSpec
from dides.store.base import Store, Transaction

log = structlog.get_logger()
T = TypeVar("T")
NOTE_ALIVE_SECONDS = 2.0
FORGET_SECONDS = 3600.0
RESTART_SECONDS = 1.0


class Coordinator:
    """Everything that the API asks for. Methods raise the errors of dides.model.errors."""

    def __init__(self, store: Store, clock: Clock, settings: Settings) -> None:
        self.settings = settings
        self._store = store
        self._clock = clock
        self._feed = Feed()
        self._signals = Signals(self._feed)
        self._liveness = Liveness(clock, settings.time_to_live)
        self._heartbeats = Heartbeats(store, self._signals, self._liveness)
        self._trouble: UnavailableError | None = None
        self._presence = Presence(store, clock, settings, self._liveness)
        self._reconciler = Reconciler(store, clock, self._signals, self._presence, settings.reconcile_interval)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Recover from what came before, then run the loops for as long as the block lasts. UnavailableError."""
        await self._presence.check()
        loops = [self._presence.beat, self._watch, self._forget]
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

    def release(self) -> None:
        """Answer every held query now, and hold none from now on."""
        self._feed.close()

    async def check_ready(self) -> None:
        """Raise UnavailableError when the store cannot be read, or could not be written a moment ago."""
        if self._trouble:
            raise self._trouble
        await self._store.read(lambda tx: tx.deployments.in_flight())

    async def read(self, work: Callable[[Transaction], T]) -> T:
        """Run a unit of work that only reads."""
        return await self._store.read(work)

    async def register(self, spec: InstanceSpec, presented: str | None) -> tuple[Joined, str]:
        """Register an instance; return it with the credential that it is given, which is stored only as a hash."""
        credential = new_credential()
        newcomer = Newcomer(
            name=spec.name,
            ip=spec.ip,
            labels=spec.labels,
            presented=hash_of(presented) if presented else None,
            credential=hash_of(credential),
        )
        joined = await self._store.write(lambda tx: inventory.register(tx, newcomer))
        self._liveness.seen([spec.name])
        self._signals.told({spec.name, *joined.told})
        if joined.step_due:
            self._signals.step_due()
        return joined, credential

    async def heartbeat(self, name: str, heartbeat: Heartbeat) -> Instance:
        """Take a heartbeat in."""
        return await self._heartbeats.take(Incoming(name, heartbeat, self._clock.now()))

    async def relabel(self, name: str, labels: dict[str, str], actor: str) -> Instance:
        """Replace an instance's labels."""
        return await self._store.write(lambda tx: inventory.relabel(tx, name, labels, actor))

    async def decommission(self, name: str, actor: str, *, force: bool) -> None:
        """Remove an instance."""
        step_due = await self._store.write(lambda tx: inventory.decommission(tx, name, actor, force=force))
        self._liveness.forget(name)
        self._signals.told([name])
        if step_due:
            self._signals.step_due()

    async def wait_for_change(self, name: str, generation: int, wait: float) -> Instance:
        """Return the instance once its generation is above the given one, or after `wait` seconds, or at a stop."""
        until = self._clock.monotonic() + wait
        with self._feed.listen(name) as heard:
            while True:
                heard.clear()
                instance = await self.instance(name)
                left = until - self._clock.monotonic()
                if instance.generation > generation or left <= 0 or self._feed.closed:
                    return instance
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(left):
                        await heard.wait()

    async def instance(self, name: str) -> Instance:
        """Return one instance."""
        return await self._store.read(lambda tx: inventory.existing(tx, name))

    async def trigger(self, order: Order, key: Key | None) -> Triggered:
        """Trigger a deployment."""
        triggered = await self._decide(lambda tx, quiet: deployments.trigger(tx, order, key, quiet))
        if triggered.stepped:
            self._after(triggered.stepped)
        return triggered

    async def forecast(self, order: Order) -> Forecast:
        """Say what a deployment would do, and change nothing."""
        return await self._store.read(lambda tx: planning.forecast_of(tx, order))

    async def pause(self, actor: str) -> Deployment:
        """Pause the deployment in flight."""
        return await self._decide(lambda tx, _: deployments.pause(tx, actor))

    async def resume(self, actor: str) -> Deployment:
        """Resume the deployment in flight."""
        deployment = await self._decide(lambda tx, _: deployments.resume(tx, actor))
        self._signals.step_due()
        return deployment

    async def abort(self, actor: str, *, rollback: bool) -> Deployment:
        """Abort the deployment in flight."""
        return self._after(await self._decide(lambda tx, quiet: deployments.abort(tx, actor, quiet, rollback=rollback)))

    async def promote(self, actor: str) -> Deployment:
        """Open the next wave of the deployment in flight."""
        return self._after(await self._decide(lambda tx, quiet: deployments.promote(tx, actor, quiet)))

    async def roll_back(self, actor: str) -> Deployment:
        """Undo the deployment in flight, or the newest one; answers with the rollback."""
        return self._after(await self._decide(lambda tx, quiet: deployments.roll_back(tx, actor, quiet)))

    async def progress(self) -> Deployment:
        """Take one step by hand; NotFoundError when nothing is in flight."""
        stepped = await self._reconciler.step()
        if stepped is None:
            raise NotFoundError(deployments.NOTHING_IN_FLIGHT)
        return stepped.deployment

    async def _decide(self, work: Callable[[Transaction, int], T]) -> T:
        """Run a unit of work that decides about a rollout, once what an outage has changed is made up for.

        It is given the moment (ms) before which no timeout fires.
        """
        await self._presence.check()
        return await self._store.write(lambda tx: work(tx, self._presence.quiet_at(tx.now)))

    def _after(self, stepped: Stepped) -> Deployment:
        """Pass on what a unit of work did, now that it is durable."""
        self._signals.told(stepped.told)
        self._signals.step_due()
        return stepped.deployment

    async def _watch(self) -> None:
        """Look for silent instances, and note now and then that this coordinator lives; that also tries the store."""
        time_to_live = self.settings.time_to_live
        pause, between = min(1.0, time_to_live / 10), min(NOTE_ALIVE_SECONDS, time_to_live)
        noted = self._clock.monotonic()
        while True:
            await asyncio.sleep(pause)
            try:
                await self._presence.check()
                await self._declare_silent()
                if self._trouble or self._clock.monotonic() - noted >= between:
                    await self._presence.check()  # A gap that is not made up for yet must not be noted over.
                    await self._store.write(housekeeping.note_alive)
                    noted, self._trouble = self._clock.monotonic(), None
            except UnavailableError as error:
                self._trouble = error
                log.warning("the store is not available", reason=error.detail)

    async def _declare_silent(self) -> None:
        names = self._liveness.silent()
        since = self._clock.now() - self.settings.time_to_live_ms
        declared = await self._store.write(lambda tx: liveness.declare_unreachable(tx, names, since))
        # Whoever was heard of while this was written is no longer among the silent, and is watched on.
        for name in set(names) & set(self._liveness.silent()) - declared.alive:
            self._liveness.forget(name)
        self._signals.told(declared.told)

    async def _forget(self) -> None:
        while True:
            await self._store.write(lambda tx: housekeeping.forget(tx, self.settings))
            await asyncio.sleep(FORGET_SECONDS)


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
