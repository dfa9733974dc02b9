"""Brings disruptions about, and ends them."""

import asyncio
from collections.abc import Callable, Iterable, Mapping

import msgspec

from simulator.base.disk import Disk, Fuse
from simulator.base.scenario import (
    Act,
    AnyDisruption,
    BreakFeed,
    CloneMachine,
    CrashCoordinator,
    CrashMachine,
    Decommission,
    FreezeCoordinator,
    KillCoordinator,
    LoseOutcomes,
    MachineSpec,
    Part,
    ReimageMachine,
    Relabel,
    ReplaceMachine,
    StopCoordinator,
    StoreAway,
    Storm,
    Weather,
)
from simulator.world.machines import Machine
from simulator.world.network import Network, Partition
from simulator.world.operators import Operators
from simulator.world.processes import CoordinatorProcess
from simulator.world.store import SimulatedStore


class Disruptor:
    """Does what a scenario says to a world, and heals it."""

    def __init__(
        self,
        processes: Mapping[str, CoordinatorProcess],
        disk: Disk,
        network: Network,
        operators: Operators,
        lost: Callable[[str], None],
    ) -> None:
        """`lost` is called with the name of a coordinator whose memory was lost."""
        self.machine_named: Callable[[str], Machine | None] = lambda _: None
        self.add_machine: Callable[[MachineSpec, float], None] = lambda _spec, _delay: None
        self.store_is_back: Callable[[], None] = lambda: None
        self.clone: Callable[[Machine], None] = lambda _: None
        self._processes = processes
        self._disk = disk
        self._network = network
        self._operators = operators
        self._lost = lost
        self._usual = network.weather
        self._down_for = 1.0
        self._loop = asyncio.get_running_loop()
        self._tasks: list[asyncio.Task[None]] = []
        disk.killed = self._killed

    def disrupt(self, disruption: AnyDisruption) -> None:
        """Let a disruption begin."""
        match disruption:
            case CrashCoordinator() | KillCoordinator() | StopCoordinator() | FreezeCoordinator() | StoreAway():
                self._disrupt_coordinator(disruption)
            case LoseOutcomes() | BreakFeed():
                self._disrupt_store(disruption)
            case Part() | Storm():
                self._disrupt_network(disruption)
            case CrashMachine() | ReplaceMachine() | ReimageMachine() | CloneMachine():
                self._disrupt_machine(disruption)
            case Act():
                self._start(self._operators.act(disruption))
            case Decommission():
                self._start(self._operators.decommission(disruption))
            case Relabel():
                self._start(self._operators.relabel(disruption))

    def heal(self, machines: Iterable[Machine]) -> None:
        """End all disruptions; who is not gone for good goes on."""
        self._disk.fuse = None
        self._network.partitions.clear()
        self._network.weather = Weather()
        for process in self._processes.values():
            process.thaw()
            process.start()
            if process.store:
                process.store.heal()
        for machine in machines:
            machine.start()

    def _disrupt_coordinator(
        self, disruption: CrashCoordinator | KillCoordinator | StopCoordinator | FreezeCoordinator | StoreAway
    ) -> None:
        process, seconds = self._processes[disruption.coordinator], disruption.seconds
        match disruption:
            case CrashCoordinator():
                self._down_for = seconds
                self._disk.fuse = Fuse(process.name, disruption.statements, disruption.moment, disruption.part)
            case KillCoordinator():
                self._kill(process)
                self._loop.call_later(seconds, process.start)
            case StopCoordinator():
                process.leave()
                self._loop.call_later(seconds, process.start)
            case FreezeCoordinator():
                process.freeze()
                self._loop.call_later(seconds, process.thaw)
            case StoreAway() if store := process.store:
                store.away = True
                self._loop.call_later(seconds, self._bring_back, store)

    def _bring_back(self, store: SimulatedStore) -> None:
        store.away = False
        self.store_is_back()

    def _disrupt_store(self, disruption: LoseOutcomes | BreakFeed) -> None:
        store = self._processes[disruption.coordinator].store
        if store is None:
            return
        match disruption:
            case LoseOutcomes():
                store.lose_outcomes(disruption.commits, disruption.seconds)
            case BreakFeed():
                store.break_feed(everything=disruption.everything)
                self._loop.call_later(disruption.seconds, store.mend_feed)

    def _disrupt_network(self, disruption: Part | Storm) -> None:
        if isinstance(disruption, Storm):
            self._network.weather = disruption.weather
            self._loop.call_later(disruption.seconds, lambda: setattr(self._network, "weather", self._usual))
            return
        machines, coordinators = frozenset(disruption.machines), frozenset(disruption.coordinators)
        parted = [Partition(machines, coordinators)] if disruption.requests else []
        parted += [Partition(coordinators, machines)] if disruption.answers else []
        self._network.partitions += parted
        self._loop.call_later(disruption.seconds, self._join, parted)

    def _disrupt_machine(self, disruption: CrashMachine | ReplaceMachine | ReimageMachine | CloneMachine) -> None:
        machine = self.machine_named(disruption.machine)
        if machine is None:
            return
        match disruption:
            case CrashMachine():
                self._crash_machine(machine, disruption)
            case CloneMachine():
                self.clone(machine)
            case ReimageMachine():
                machine.wipe(keeps_credential=disruption.keeps_credential)
                self._loop.call_later(disruption.seconds, machine.start)
            case ReplaceMachine():
                if not disruption.earlier_stays:
                    machine.die("it is replaced")
                spec = msgspec.structs.replace(machine.spec, runs=(None, None))
                self.add_machine(spec, 1.0)

    def _crash_machine(self, machine: Machine, disruption: CrashMachine) -> None:
        if disruption.seconds is None:
            machine.die("its agent never starts again")
        elif disruption.applying:
            machine.cut_off_for = disruption.seconds
        else:
            machine.crash()
            self._loop.call_later(disruption.seconds, machine.start)

    def _killed(self, name: str) -> None:
        """Take up that the disk has killed a process in the middle of a unit of work."""
        process = self._processes[name.partition(".")[0]]
        self._kill(process)
        self._loop.call_later(self._down_for, process.start)

    def _kill(self, process: CoordinatorProcess) -> None:
        owner = process.owner.name
        process.kill()
        self._lost(owner)

    def _join(self, parted: list[Partition]) -> None:
        self._network.partitions = [each for each in self._network.partitions if each not in parted]

    def _start(self, work: object) -> None:
        assert asyncio.iscoroutine(work)
        self._tasks.append(self._loop.create_task(work))
