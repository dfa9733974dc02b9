"""A rollout in memory: targets and instances in dictionaries, and the plans of the engine applied to them.

A small stand-in for coordinator and store, so that whole rollouts can be tried against the engine alone. An instance
and its target share a number.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from dides.engine.reconcile import reconcile
from dides.engine.rollback import undo
from dides.engine.stop import stop
from dides.engine.verdict import NO_TIMEOUTS, judge, note
from dides.engine.window import may_examine
from dides.model.deployment import Deployment, Target, TargetState
from dides.model.instance import Instance, Report
from dides.model.plan import Assignment, Candidate, Ending, Plan, Touched
from dides.model.state import NOTHING, State, Status, known
from support.builders import NOW, counts, pending, rollback, snapshot

COPIED = ("state", "before", "last_good", "earlier", "failure_is_news", "deadline_at")


class Rollout:
    """The deployment in flight (or the last one), its targets and all instances."""

    def __init__(self, its_deployment: Deployment, instances: Mapping[int, Instance]) -> None:
        self.now, self.quiet_until = NOW, 0
        self.instances = dict(instances)
        self.targets = {number: pending(number) for number in instances}
        self.deployment = msgspec.structs.replace(its_deployment, counts=counts(pending=len(instances)))
        self.marked = set[int]()
        self.had: dict[int, State | None] = {}
        """What each instance had when a deployment first touched it: where a rollback is to return it."""

    def of(self, state: TargetState) -> list[Target]:
        found = sorted((each for each in self.targets.values() if each.state is state), key=lambda each: each.position)
        return [msgspec.structs.replace(each, reachable=self.instances[each.id].reachable) for each in found]

    def hear(self, number: int, report: Report) -> None:
        """Take a heartbeat in."""
        self._set_instance(number, status=report.status, current=report.current, reachable=True)
        target = self.targets.get(number)
        if target and target.state in (TargetState.UPDATING, TargetState.SUCCEEDED):
            self.targets[number] = note(target, report)
            self.marked |= {number} if judge(self.targets[number], NO_TIMEOUTS) else set()
        if target and target.deferred:
            self._set_target(number, deferred=False)
            self._set_deployment(counts=self._counts(deferred=self.deployment.counts.deferred - 1))

    def lose(self, number: int) -> None:
        """Declare an instance unreachable."""
        self._set_instance(number, reachable=False, status=Status.UNKNOWN)

    def step(self) -> Plan:
        overdue = tuple(each for each in self.of(TargetState.UPDATING) if (each.deadline_at or 0) <= self.now)
        line = [each for each in self.of(TargetState.PENDING) if not each.deferred]
        shown = line[: may_examine(self.deployment, len(self.marked) + len(overdue))]
        plan = reconcile(
            snapshot(
                self.deployment,
                [Candidate(each, self.instances[each.id]) for each in shown],
                now=self.now,
                quiet_until=self.quiet_until,
                reported=tuple(self.targets[number] for number in sorted(self.marked)),
                overdue=overdue,
            )
        )
        self.marked.clear()
        self._apply(plan)
        return plan

    def abort(self, *, and_roll_back: bool) -> None:
        status = self.deployment.status.ABORTED
        self._end(Ending(status=status, reason="aborted", stop=True, rollback=and_roll_back))

    def _apply(self, plan: Plan) -> None:
        for settled in plan.settled:
            self._set_target(settled.target.id, state=settled.state)
            if settled.state is TargetState.SUCCEEDED and settled.target.report:
                self._set_instance(settled.target.id, last_good=settled.target.report.current)
        for assigned in plan.assigned:
            self._assign(assigned)
        for put_off in plan.deferred:
            self._set_target(
                put_off.id, deferred=True, position=max(each.position for each in self.targets.values()) + 1
            )
        self._set_deployment(counts=plan.counts)
        if plan.skip_deferred:
            self._skip_pending(restore=plan.restore_deferred)
        if plan.ending:
            self._end(plan.ending)

    def _assign(self, assigned: Assignment) -> None:
        number = assigned.target.id
        self.had.setdefault(number, assigned.last_good or known(assigned.before) or assigned.earlier)
        self._tell(number, assigned.desired)
        generation = self.instances[number].generation
        told = {field: getattr(assigned, field) for field in COPIED}
        to = assigned.desired or NOTHING
        self._set_target(number, to=to, generation=generation, told_at=self.now, report=None, **told)

    def _end(self, ending: Ending) -> None:
        if ending.stop:
            stopped, unread = stop(self.of(TargetState.UPDATING))
            for each in stopped:
                self._set_target(each.target.id, state=each.state)
            for restored in unread:
                self._tell(restored.target.id, restored.desired)
            self._skip_pending()
            self._set_deployment(counts=self.deployment.counts.stopped())
        self._set_deployment(status=ending.status)
        if ending.rollback:
            self._begin_rollback()

    def _begin_rollback(self) -> None:
        undos = undo(
            Touched(each, self.instances[each.id]) for each in self.targets.values() if each.told_at is not None
        )
        order = [(each.touched.target.id, each.to or NOTHING) for each in undos]
        self.targets = {number: pending(number, position=place, to=to) for place, (number, to) in enumerate(order)}
        undone = self.deployment
        self.deployment = rollback(window=undone.window, policy=undone.policy, counts=counts(pending=len(order)))
        self.marked.clear()
        self.step()

    def _skip_pending(self, *, restore: bool = False) -> None:
        for each in self.of(TargetState.PENDING):
            self._set_target(each.id, state=TargetState.SKIPPED, deferred=False)
            if restore:
                self._tell(each.id, each.to)

    def _tell(self, number: int, desired: State | None) -> None:
        self._set_instance(number, desired=known(desired), generation=self.instances[number].generation + 1)

    def _counts(self, **changes: int) -> Any:
        return msgspec.structs.replace(self.deployment.counts, **changes)

    def _set_instance(self, number: int, **fields: Any) -> None:
        self.instances[number] = msgspec.structs.replace(self.instances[number], **fields)

    def _set_target(self, number: int, **fields: Any) -> None:
        self.targets[number] = msgspec.structs.replace(self.targets[number], **fields)

    def _set_deployment(self, **fields: Any) -> None:
        self.deployment = msgspec.structs.replace(self.deployment, **fields)
