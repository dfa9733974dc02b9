"""Checks every property after every transaction, and every promise when it is given and after every crash."""

import inspect
from collections.abc import Callable, Iterator

import msgspec

from dides.model.errors import RefusedError
from simulator.base.clock import VirtualClock
from simulator.base.disk import Commit, Disk
from simulator.base.guarantees import REFUSALS_ARE_TRUE, UNCHANGED_ONES_ARE_TRUE, Guarantee
from simulator.base.trace import Trace
from simulator.base.units_of_work import ROLL_BACK
from simulator.checker.acknowledged import Promises
from simulator.checker.history import Memory
from simulator.checker.properties.catalogue import SAFETY
from simulator.checker.refusals import false_refusals
from simulator.checker.snapshots import Change, Reader, View

RELEVANT = frozenset({"instances", "deployments", "targets", "convergences"})


class Violation(msgspec.Struct, frozen=True):
    """A property that did not hold."""

    name: str
    sentence: str
    """What it promises."""
    detail: str
    """What was the case instead."""


class Checker:
    """Follows the database. `violated` is called with whatever does not hold."""

    def __init__(self, disk: Disk, clock: VirtualClock, memory: Memory, promises: Promises, trace: Trace) -> None:
        self.violated: Callable[[Violation], None] = lambda _: None
        self.commits = 0
        self._disk = disk
        self._clock = clock
        self._memory = memory
        self._promises = promises
        self._trace = trace
        self._reader = Reader()
        disk.observe = self.observe
        disk.refused = self.check_refusal
        disk.problem = self.report_problem
        promises.problem = self.report_problem
        promises.check = self.check_promises
        promises.doubts.view = lambda: self._reader.view

    @property
    def view(self) -> View:
        """The tables as they are."""
        return self._reader.view

    def observe(self, commit: Commit) -> None:
        """Check a transaction that was committed."""
        self.commits += 1
        if not commit.tables & RELEVANT:
            return
        change = self._reader.follow(commit, self._disk.raw, self._clock.now())
        doubts = self._promises.doubts
        self._memory.prepare(change, self._promises.waiting, doubts.stored_by(change))
        for detail in doubts.late(change.now):
            self.report_problem(UNCHANGED_ONES_ARE_TRUE, detail)
        for line in _narrate(change):
            self._trace.note(commit.by, f"{commit.unit}: {line}")
        for each in SAFETY:
            for detail in each(change, self._memory):
                self.violated(Violation(each.__name__, inspect.getdoc(each) or "", detail))
        self._memory.conclude(change)

    def check_promises(self) -> None:
        """Check that everything that was acknowledged is stored."""
        for detail in self._promises.broken(self._disk.raw):
            self.violated(Violation("promises_are_kept", "What was answered with success is durable.", detail))

    def check_refusal(self, unit: str, error: RefusedError) -> None:
        """Check why a rollback was refused."""
        if unit == ROLL_BACK:
            for detail in false_refusals(self._reader.view, error.detail):
                self.report_problem(REFUSALS_ARE_TRUE, detail)

    def report_problem(self, guarantee: Guarantee, detail: str) -> None:
        """Take up something that must never happen, whatever the tables say."""
        self.violated(Violation(guarantee.name, guarantee.sentence, detail))


def _narrate(change: Change) -> Iterator[str]:
    """Yield what a change comes to, for the trace."""
    yield from _narrate_deployments(change)
    for before, target in change.targets:
        if target and (before is None or (before.state, before.attempt) != (target.state, target.attempt)):
            was = before.state if before else "new"
            yield f"target {target.instance} in {target.deployment_id}: {was} -> {target.state} {target.reason}"
    for _, instance in change.assignments:
        yield f"{instance.name} is told {instance.desired} under generation {instance.generation}"
    for earlier, now in change.instances:
        if earlier and now and earlier.reachable != now.reachable:
            yield f"{now.name} is {'reachable' if now.reachable else 'unreachable'}"
        if earlier and not now:
            yield f"{earlier.name} is gone"


def _narrate_deployments(change: Change) -> Iterator[str]:
    for before, row in change.deployments:
        if row and (before is None or before.status != row.status):
            yield f"deployment {row.id} ({row.kind} {row.to[0]}/{row.to[1]}) is {row.status} {row.reason}"
        elif row and before and row.wave_open != before.wave_open:
            yield f"deployment {row.id} opens wave {row.wave_open}"
