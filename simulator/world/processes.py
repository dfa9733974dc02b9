"""Coordinators as processes: the real coordinator with its real loops, started, stopped, killed and frozen."""

import asyncio
import contextlib
from collections.abc import Callable
from contextvars import Context

from dides.coordinator.coordinator import Coordinator
from dides.coordinator.settings import Settings
from dides.model.errors import UnavailableError
from simulator.base.clock import VirtualClock
from simulator.base.disk import Disk
from simulator.base.loop import Owner, VirtualLoop
from simulator.base.scenario import Scenario
from simulator.base.trace import Trace
from simulator.world.store import SimulatedStore

DAYS, DAY_SECONDS = 365.0, 86_400.0
"""For how long deployments are kept unless a scenario says otherwise."""
RESTART_SECONDS = 2.0
"""How long the service manager waits before it starts a coordinator again that could not start."""


class CoordinatorProcess:
    """One coordinator, through all its starts.

    `on_change` is called whenever it begins or ceases to watch, with True when it has just started.
    """

    def __init__(self, name: str, scenario: Scenario, disk: Disk, trace: Trace) -> None:
        self.name = name
        self.owner = Owner(name)
        self.coordinator: Coordinator | None = None
        """None while it does not serve."""
        self.store: SimulatedStore | None = None
        self.on_change: Callable[[bool], None] = lambda _: None
        self._loop = _loop()
        self._clock = VirtualClock(self._loop)
        self._scenario = scenario
        self._disk = disk
        self._settings = Settings(
            heartbeat_interval=scenario.heartbeat_interval,
            time_to_live=scenario.time_to_live,
            reconcile_interval=scenario.reconcile_interval,
            keep_deployments_days=DAYS if (keep := scenario.keep_deployments) is None else keep / DAY_SECONDS,
        )
        self._trace = trace
        self._starts = 0
        self._leaving = asyncio.Event()
        self._wanted = False
        self._main: asyncio.Task[None] | None = None

    @property
    def up(self) -> bool:
        """True while it serves, even if it is frozen."""
        return self.coordinator is not None

    @property
    def watching(self) -> bool:
        """True while it serves and is not frozen."""
        return self.up and not self.owner.stopped

    def start(self) -> None:
        """Start it, unless it runs, or as soon as it has ended; it serves once it has recovered."""
        self._wanted = True
        if self._main is not None and not self._main.done():
            return
        self._starts += 1
        self.owner = Owner(f"{self.name}.{self._starts}")
        self._leaving = asyncio.Event()
        self._trace.note(self.name, "starts")
        self._main = self.owner.spawn(self._loop, self._run())
        self._main.add_done_callback(self._ended, context=Context())

    def freeze(self) -> None:
        """Let it stand still."""
        if not self.owner.stopped:
            self._trace.note(self.name, "is frozen")
            self.owner.stop()
            self.on_change(False)

    def thaw(self) -> None:
        """Let it go on."""
        if self.owner.stopped:
            self._trace.note(self.name, "goes on")
            self.owner.go_on(self._loop)
            self.on_change(False)

    def leave(self) -> None:
        """End it in an orderly way, as SIGTERM does."""
        self._trace.note(self.name, "is asked to stop")
        self._wanted = False
        self._leaving.set()

    def kill(self) -> None:
        """End it at once: what it has not written is lost."""
        self._trace.note(self.name, "is killed")
        self._wanted = False
        self.coordinator = None
        if self.store:
            self.store.dead = True
        self.owner.kill(self._loop)
        self.owner = Owner(self.name)
        self.on_change(False)

    def _ended(self, main: asyncio.Task[None]) -> None:
        if self._wanted and main is self._main:
            self.start()

    async def _run(self) -> None:
        owner = self.owner
        while True:
            with contextlib.suppress(UnavailableError):
                await self._serve(owner)
                return
            await asyncio.sleep(RESTART_SECONDS)

    async def _serve(self, owner: Owner) -> None:
        scenario = self._scenario
        shared = len(scenario.coordinators) > 1
        store = SimulatedStore(
            self._disk, self._clock, owner.name, scenario.seed, in_order=scenario.in_order, shared=shared
        )
        self.store = store
        coordinator = Coordinator(store, store.clock, self._settings)
        try:
            async with coordinator.running():
                self.coordinator = coordinator
                self._trace.note(self.name, "serves")
                self.on_change(True)
                await self._leaving.wait()
                self._trace.note(self.name, "stops")
        finally:
            await store.close()
            if self.owner is owner:
                self.coordinator = None
                self.on_change(False)


def _loop() -> VirtualLoop:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop), "simulations run on a virtual loop"
    return loop
