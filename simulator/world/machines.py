"""A simulated machine: what runs on it, what is on its disk, and the agent that starts and dies on it."""

from collections.abc import Callable, Coroutine
from typing import Any

import msgspec

from dides.agent.persisted import Memory, Standing
from dides.agent.report import HEALTHY, Verdict
from dides.model.state import State, Status
from simulator.base.loop import Owner, VirtualLoop
from simulator.base.random_streams import draws_of
from simulator.base.scenario import Character, MachineSpec
from simulator.base.trace import Trace

FLAP_SECONDS = 4.0
REBOOT_SECONDS = 1.0
HALF = State("half", "half")
"""What runs on a machine on which an apply began and has not succeeded."""


class Machine:
    """One machine. `number` tells those apart that have the same name, one after the other."""

    def __init__(self, spec: MachineSpec, number: int, seed: int, loop: VirtualLoop, trace: Trace) -> None:
        self.spec = spec
        self.label = spec.name if number == 0 else f"{spec.name}#{number}"
        self.runs = State(*spec.runs)
        """What really runs on it."""
        self.disk = Memory(name=spec.name, standing=Standing(applied=self.runs))
        """What survives a crash of the agent."""
        self.gone = False
        """It will never say anything again."""
        self.agent: Callable[[], Coroutine[Any, Any, None]] | None = None
        """Makes what runs on it; set by whoever builds the world."""
        self.cut_off_for: float | None = None
        """The next apply is cut off by a crash of the agent, which starts again so many seconds later."""
        self.starts = 0
        """How often its agent was started."""
        self.identity = (seed, "machine", self.label)
        self.loop = loop
        self._trace = trace
        self._owner = Owner(self.label)
        self._applies = 0
        self._applied_at = 0.0
        self._left: set[State] = set()
        """What it has fallen back from."""

    @property
    def alive(self) -> bool:
        """True while its agent runs."""
        return bool(self._owner.tasks)

    @property
    def works(self) -> bool:
        """True for one that does, and says, what it should, once nothing disturbs it any more."""
        return not self.gone and self.spec.character in (Character.HONEST, Character.FIRST_DOCUMENT)

    def start(self) -> None:
        """Start the agent, unless it runs or is gone for good."""
        if self.alive or self.gone or self.agent is None:
            return
        self.note("the agent starts")
        self._owner = Owner(self.label)
        self.starts += 1
        self._owner.spawn(self.loop, self.agent())

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Let the agent do something beside."""
        self._owner.spawn(self.loop, work)

    def crash(self) -> None:
        """Kill the agent: what is in its memory is lost."""
        if self.alive:
            self.note("the agent is killed")
            self._owner.kill(self.loop)

    def die(self, why: str) -> None:
        """Never say anything again."""
        self.note(f"is gone for good: {why}")
        self.gone = True
        self._owner.kill(self.loop)

    def wipe(self, *, keeps_credential: bool) -> None:
        """Lose what is on the disk, and with it the agent; it starts as on a new machine."""
        if self.gone:
            return
        self.note("is re-imaged")
        self._owner.kill(self.loop)
        self.runs = State()
        self.disk = Memory(name=self.spec.name, credential=self.disk.credential if keeps_credential else None)

    def save(self, **changes: object) -> None:
        """Write something down; it is durable at once."""
        self.disk = msgspec.structs.replace(self.disk, **changes)

    def now(self) -> float:
        """Return the seconds on its own clock, which may go fast or slow."""
        return self.loop.time() * self.spec.rate

    def apply_seconds(self) -> float:
        """Return how long the next apply takes, on the world's clock."""
        self._applies += 1
        seed, *rest = self.identity
        return self.spec.apply_seconds * (0.6 + 0.8 * draws_of(seed, *rest, "apply", self._applies)[0])

    def begin_apply(self) -> None:
        """Leave what runs now behind."""
        self.runs = HALF
        if self.cut_off_for is not None:
            self.loop.call_later(self.spec.apply_seconds / 3, self.crash)
            self.loop.call_later(self.spec.apply_seconds / 3 + self.cut_off_for, self.start)
            self.cut_off_for = None

    def finish_apply(self, target: State) -> str | None:
        """Bring the machine to a state; return why that fails, or None."""
        if self._has(target, self.spec.fails_at):
            return "the apply exited with 1"
        before = self.disk.standing.applied
        self.runs, self._applied_at = target, self.loop.time()
        if self._has(target, self.spec.falls_back_from) and target not in self._left:
            self.loop.call_later(self.spec.falls_back_after, self._fall_back, target, before)
        return None

    def check(self) -> Verdict:
        """Return what a check says now."""
        if self.spec.character is Character.FLAPPING:
            return self._flap()
        late = self.loop.time() - self._applied_at >= self.spec.sickens_after
        if late and self._has(self.runs, self.spec.sickens_at):
            return Verdict(Status.FAILED, "the check exited with 2")
        if self._has(self.runs, self.spec.limps_at):
            return Verdict(Status.DEGRADED, "the check exited with 1")
        return HEALTHY

    def survives(self, told: State | None) -> bool:
        """Tell whether it lives on after it has been told a state."""
        return told is None or not self._has(told, self.spec.dies_at)

    def can_reach(self, state: State) -> bool:
        """Tell whether it can be brought to a state at all."""
        return not self._has(state, (*self.spec.fails_at, *self.spec.dies_at))

    def note(self, what: str) -> None:
        """Add to the trace."""
        self._trace.note(self.label, what)

    def _fall_back(self, left: State, before: State) -> None:
        """Reboot into what ran before, unless anything else runs by now."""
        if self.gone or self.runs != left or self.disk.standing.dirty:
            return
        self._left.add(left)
        self.note(f"falls back to {before.code_version}/{before.configuration_version}")
        self.crash()
        self.runs = before
        self.save(standing=msgspec.structs.replace(self.disk.standing, applied=before))
        self.loop.call_later(REBOOT_SECONDS, self.start)

    def _flap(self) -> Verdict:
        seed, *rest = self.identity
        draw = draws_of(seed, *rest, "flap", int(self.loop.time() / FLAP_SECONDS))[0]
        if draw < 0.6:
            return HEALTHY
        return Verdict(Status.DEGRADED if draw < 0.85 else Status.FAILED, "flapping")

    @staticmethod
    def _has(state: State, versions: tuple[str, ...]) -> bool:
        return state.code_version in versions or state.configuration_version in versions
