"""A simulated world: real coordinators on a real database, and around them a network, machines and operators made up.

It is played to its horizon with everything that gets in the way; then it is healed, and has to come to rest.
"""

import asyncio
import shutil
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path

import msgspec

from simulator.base.clock import VirtualClock
from simulator.base.database import make_directory
from simulator.base.disk import Disk
from simulator.base.guarantees import NOTHING_BREAKS
from simulator.base.loop import OWNER, VirtualLoop
from simulator.base.scenario import MachineSpec, Scenario
from simulator.base.trace import Trace
from simulator.checker.acknowledged import Promises
from simulator.checker.checker import Checker, Violation
from simulator.checker.history import Memory
from simulator.checker.log_capture import errors_only
from simulator.checker.uptime import Uptime
from simulator.world import liveness
from simulator.world.agents import AGENTS
from simulator.world.callers import Caller
from simulator.world.fault_injector import Disruptor
from simulator.world.machines import Machine
from simulator.world.network import Network
from simulator.world.operators import Operators
from simulator.world.processes import CoordinatorProcess
from simulator.world.requests import Doors

LOOK_SECONDS = 2.0
SETTLE_SECONDS = 600.0


class Outcome(msgspec.Struct, frozen=True):
    """What became of a world."""

    violation: Violation | None
    trace: list[str]
    """All that happened, a line each."""
    commits: int
    seconds: float
    """How long it took, in its own time."""
    endings: dict[str, int]
    """How its deployments ended: how many of each kind and status."""


class World:
    """Everything in one place. Make and play it on a virtual loop."""

    def __init__(self, scenario: Scenario, directory: Path) -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop), "simulations run on a virtual loop"
        self.scenario = scenario
        self.loop = loop
        self.clock = VirtualClock(loop)
        self.trace = Trace(loop.time)
        self.broken = asyncio.Event()
        self.violation: Violation | None = None
        self.disk = Disk(directory, self.clock)
        self.uptime = Uptime()
        self.promises = Promises(self.clock.now, self.disk.next_moment, _running_coordinator)
        self.memory = Memory(
            round(scenario.time_to_live * 1000),
            self.uptime,
            self.promises.promoting,
            self.promises.lives,
            self.promises.lateness,
            self.promises.releasing,
        )
        self.checker = Checker(self.disk, self.clock, self.memory, self.promises, self.trace)
        self.checker.violated = self._break
        self.processes = {name: self._process(name) for name in scenario.coordinators}
        self.network = Network(scenario.seed, loop, self.processes, scenario.weather, self.trace)
        self.doors = Doors(self.promises)
        self.operators = Operators(self.network, self.doors, scenario.coordinators)
        self.operators.stopped = self._stopped_sources
        self.promises.doubts.heard_since = self._heard_since
        self.promises.behind = self._behind
        self.machines: list[Machine] = []
        self.disruptor = Disruptor(self.processes, self.disk, self.network, self.operators, self._disk_killed())
        self.disruptor.machine_named = self._newest
        self.disruptor.add_machine = self.add_machine
        self.disruptor.clone = self._clone
        self.disruptor.store_is_back = lambda: setattr(self.uptime, "store_back_at", self.clock.now())
        self.report_error = partial(self.checker.report_problem, NOTHING_BREAKS)
        loop.set_exception_handler(lambda _, context: self.report_error(_describe(context)))

    async def play(self) -> Outcome:
        """Play the scenario, heal the world, and see it come to rest."""
        for process in self.processes.values():
            process.start()
        for spec in self.scenario.machines:
            self.add_machine(spec, spec.arrives_at)
        self._schedule()
        await self._wait_until(lambda: (), self.scenario.horizon)
        if not self.violation:
            await self._come_to_rest()
        return self._outcome()

    def _clone(self, original: Machine) -> None:
        self.memory.clones.add(original.spec.name)
        self.add_machine(original.spec, 0.0)
        self.machines[-1].runs, self.machines[-1].disk = original.runs, original.disk

    def add_machine(self, spec: MachineSpec, delay: float) -> None:
        """Add a machine, whose agent starts after so many seconds; another one may have its name."""
        number = sum(each.spec.name == spec.name for each in self.machines)
        machine = Machine(spec, number, self.scenario.seed, self.loop, self.trace)
        interval, kind = self.scenario.heartbeat_interval, AGENTS[spec.character]
        machine.agent = lambda: kind(
            Caller(machine, self.network, self.doors, self.scenario.coordinators), interval
        ).run()
        self.machines.append(machine)
        self.loop.call_later(delay, machine.start)

    def close(self) -> None:
        """End the coordinators, and let go of the database."""
        for process in self.processes.values():
            process.kill()
        self.disk.close()

    def _schedule(self) -> None:
        horizon = self.scenario.horizon
        for number, order in enumerate(self.scenario.orders):
            self.loop.create_task(self.operators.pursue(order, number, horizon))
        for disruption in self.scenario.disruptions:
            self.loop.call_later(disruption.at, self.disruptor.disrupt, disruption)
        self.loop.create_task(self.operators.play(20.0))
        if self.scenario.reconcile_interval == 0:
            self.loop.create_task(self.operators.step_by_hand())

    async def _come_to_rest(self) -> None:
        self.trace.note("world", "is healed")
        self.disruptor.heal(self.machines)
        self.loop.create_task(self.operators.play(3.0))
        bound = liveness.longest_rollouts(self.checker.view, self.memory)
        await self._wait_until(lambda: liveness.unfinished(self.checker.view), bound, liveness.unfinished.__doc__)
        self.trace.note("world", "has no deployment in flight")
        await self._wait_until(self._unsettled, SETTLE_SECONDS, liveness.unsettled.__doc__)
        self.checker.check_promises()

    def _stopped_sources(self) -> list[int]:
        return self.checker.view.stopped()

    def _behind(self, owner: str) -> float:
        store = self.processes[owner.partition(".")[0]].store
        return store.behind if store and owner == store.owner else 0.0

    def _heard_since(self, owner: str) -> int:
        store = self.processes[owner.partition(".")[0]].store
        return 0 if store is None else self.clock.now() - round(1000 * min(1e6, self.loop.time() - store.heard_since))

    def _unsettled(self) -> Iterator[str]:
        yield from liveness.unfinished(self.checker.view)
        yield from liveness.unsettled(self.checker.view, self.memory, self.machines, self.disk)

    async def _wait_until(self, left: Callable[[], Iterable[str]], seconds: float, sentence: str | None = None) -> None:
        """Wait until nothing is left, for so many seconds at the most; without a sentence, for all of them."""
        until = self.loop.time() + seconds
        while not self.violation and self.loop.time() < until and (sentence is None or next(iter(left()), None)):
            wait = min(LOOK_SECONDS if sentence else seconds, until - self.loop.time())
            waiting = self.loop.call_later(wait, self.broken.set)
            await self.broken.wait()
            waiting.cancel()
            self.broken.clear()
        if sentence and not self.violation and (detail := next(iter(left()), None)):
            self._break(Violation("comes_to_rest", sentence, f"after {seconds:g} s {detail}"))

    def _process(self, name: str) -> CoordinatorProcess:
        process = CoordinatorProcess(name, self.scenario, self.disk, self.trace)
        process.on_change = self._play
        return process

    def _play(self, restarted: bool) -> None:
        watching = any(each.watching for each in self.processes.values())
        # Where there are others, nobody can tell a start from a short absence of them all.
        noticed = restarted and len(self.processes) == 1
        self.uptime.change(self.clock.now(), watching=watching, restarted=noticed)

    def _disk_killed(self) -> Callable[[str], None]:
        def killed(name: str) -> None:
            self.promises.lost(name)
            self.checker.check_promises()

        return killed

    def _newest(self, name: str) -> Machine | None:
        return next((each for each in reversed(self.machines) if each.spec.name == name), None)

    def _break(self, violation: Violation) -> None:
        if self.violation is None:
            self.violation = violation
            self.trace.note("checker", f"{violation.name}: {violation.detail}")
            self.broken.set()

    def _outcome(self) -> Outcome:
        ends: dict[str, int] = {}
        for row in self.checker.view.deployments.values():
            ends[f"{row.kind} {row.status}"] = ends.get(f"{row.kind} {row.status}", 0) + 1
        return Outcome(self.violation, self.trace.lines(), self.checker.commits, self.loop.time(), ends)


async def play(scenario: Scenario) -> Outcome:
    """Make a world, play it, and leave nothing behind. Run it with simulator.base.loop.run_virtually."""
    directory = make_directory()
    try:
        world = World(scenario, directory)
        try:
            with errors_only(world.report_error):
                return await world.play()
        finally:
            world.close()
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _running_coordinator() -> str:
    owner = OWNER.get()
    return owner.name if owner else ""


def _describe(context: dict[str, object]) -> str:
    return f"{context.get('message')}: {context.get('exception')!r} {context.get('future')}"
