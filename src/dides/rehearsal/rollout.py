"""A fleet and a deployment in memory: the engine's plans applied to dictionaries, without store or coordinator.

It stands in for coordinator and store where a rollout is tried thousands of times (rehearsal) or in every possible
order (the model check). What is decided is decided by the engine; here is only what store and coordinator would do.
"""

from collections.abc import Iterable, Mapping

from msgspec.structs import replace

from dides.engine import apply
from dides.engine.admission import in_turn
from dides.engine.availability import change_at_report
from dides.engine.counters import tally
from dides.engine.ending import UNREACHABLE, ended
from dides.engine.lapse import is_watched, tally_lapse
from dides.engine.ordering import in_order
from dides.engine.reconcile import reconcile
from dides.engine.rollback import last_good_after, undo
from dides.engine.stop import NOT_STARTED, stop
from dides.engine.timers import moved, moved_hold, moved_target
from dides.engine.verdict import heard_at, matters, note, silenced, verdicts
from dides.engine.waves import promoted, why_not_promoted
from dides.engine.window import may_examine, may_examine_of_each, may_examine_unhealthy
from dides.model.deployment import Deployment, DeploymentStatus, Target, TargetState
from dides.model.instance import Instance, Report
from dides.model.plan import Assignment, Candidate, Ending, Plan, Settled, Snapshot, Touched
from dides.model.policy import Policy
from dides.model.state import State, Status, known
from dides.rehearsal.fleet_state import Books
from dides.rehearsal.new_deployments import matched_of, new_deployment, new_rollback, new_targets, targets_of_rollback


class Ledger(Books):
    """The instances, the newest deployment and its targets. Moments are milliseconds; whoever uses it sets `now`."""

    def __init__(self, instances: Iterable[Instance], now: int = 0) -> None:
        super().__init__(instances)
        self.now = now
        self.quiet_until = 0
        self.deployment: Deployment | None = None
        self.undone: Deployment | None = None
        """What the deployment undoes, as it ended, when that is a rollback."""

    @property
    def its_deployment(self) -> Deployment:
        """The newest deployment; there must have been one."""
        assert self.deployment is not None, "nothing was triggered"
        return self.deployment

    def trigger(
        self, to: State, policy: Policy, spread: Mapping[int, str] | None = None, deployment_id: int = 1
    ) -> Plan:
        """Begin a deployment to every instance, and take its first step; what was before is forgotten.

        `spread` has the instances' values of the label that the policy may spread by. InvalidError when there are too
        many of them.
        """
        values = spread or {} if policy.spread_by is not None else {}
        matched = [matched_of(instance, values.get(instance.id, "")) for instance in self.instances.values()]
        self.deployment, self.undone = new_deployment(deployment_id, to, policy, matched, self.now), None
        self._line_up(new_targets(in_order(matched, policy, deployment_id), to))
        return self.step()

    def ingest(self, number: int, report: Report) -> bool:
        """Take a heartbeat in; return whether a step is due."""
        before = self.instances[number]
        self.instances[number] = _reported(before, report)
        self._follow_health(number, before.status)
        target = self.targets.get(number)
        if self.deployment is None or target is None or not self.deployment.in_flight:
            return False
        returned = number in self.put_off
        if returned:
            self._return(number)
        is_marked = self._note(target, report)
        has_room = self._availability(number, before.status)
        return returned or is_marked or has_room

    def declare_unreachable(self, number: int) -> None:
        """Declare an instance unreachable: it has been silent for its time to live."""
        instance = self.instances[number]
        self.instances[number] = replace(instance, reachable=False, status=Status.UNKNOWN)
        self._follow_health(number, instance.status)
        self._availability(number, instance.status)
        target = self.targets.get(number)
        if target is None or self.deployment is None or not self.deployment.in_flight:
            return
        if target.state is TargetState.UPDATING or is_watched(target):
            since = instance.last_heartbeat_at or self.now
            self._change(target, silenced(target, self.now, self.deployment, since))

    def step(self) -> Plan:
        """Take one step of the deployment in flight, and apply its plan."""
        plan = reconcile(self._snapshot())
        self.marked.clear()
        self._apply(plan)
        return plan

    def pause(self) -> None:
        """Pause the deployment in flight."""
        self.deployment = replace(self.its_deployment, status=DeploymentStatus.PAUSED, paused_at=self.now)

    def resume(self) -> None:
        """Resume it: its timers have stood still."""
        deployment = self.its_deployment
        by_ms = 0 if deployment.paused_at is None else self.now - deployment.paused_at
        for number in self._timers.waiting():
            self._set(moved_target(self.targets[number], by_ms))
        timers = moved(deployment.timers, by_ms)
        self.deployment = replace(
            deployment, status=DeploymentStatus.RUNNING, paused_at=None, resumed_at=self.now, timers=timers
        )

    def recover(self, away_ms: int, quiet_until: int) -> None:
        """Come back after `away_ms` without a coordinator: they count as a pause, and no timer ends before a moment."""
        self.quiet_until = quiet_until
        deployment = self.deployment
        if deployment is None or not deployment.in_flight:
            return
        for number in self._timers.waiting():
            target = moved_hold(self.targets[number], away_ms, quiet_until)
            running = deployment.status is DeploymentStatus.RUNNING
            self._set(moved_target(target, away_ms, quiet_until) if running else target)
        if deployment.status is DeploymentStatus.RUNNING:
            timers = moved(deployment.timers, away_ms, quiet_until)
            self.deployment = replace(deployment, timers=timers, resumed_at=self.now)

    def promote(self) -> Plan:
        """Judge what was reported, then open the next wave if the open one waits for that, and take a step."""
        plan = self.step()
        if not self.its_deployment.in_flight or why_not_promoted(self.its_deployment):
            return plan
        self.deployment = promoted(self.its_deployment, self.now)
        return self.step()

    def abort(self, *, rollback: bool = False) -> None:
        """Stop the deployment in flight, after the verdicts that were reported; undo it when asked to."""
        deployment = self.its_deployment
        given = verdicts(deployment, self._shown(self.marked), heard_at(self.now))
        self.marked.clear()
        self._settle(given.settled)
        self.deployment = tally(deployment, given.settled)
        self._end(Ending(status=DeploymentStatus.ABORTED, reason="aborted", stop=True, rollback=rollback))

    def _snapshot(self) -> Snapshot:
        deployment = self.its_deployment
        reported = self._shown(self.marked)
        due = self._shown(self._timers.due(self.now))
        verdicts_due = len(reported) + len(due)
        return Snapshot(
            now=self.now,
            quiet_until=self.quiet_until,
            deployment=deployment,
            reported=reported,
            due=due,
            candidates=self._next_candidates(deployment, verdicts_due),
            next_deadline=self._timers.next_moment(),
        )

    def _next_candidates(self, deployment: Deployment, verdicts_due: int) -> tuple[Candidate, ...]:
        first = self._first_in_line(
            may_examine(deployment, verdicts_due), may_examine_of_each(deployment, verdicts_due)
        )
        unhealthy = may_examine_unhealthy(deployment, verdicts_due)
        return in_turn(first, self._unhealthy(unhealthy)) if unhealthy else first

    def _apply(self, plan: Plan) -> None:
        self._settle(plan.settled)
        for waits in plan.postponed:
            self._set(apply.postponed(self.targets[waits.target.id], waits))
        for again in plan.reassigned:
            generation = self._set_desired(again.target.id, again.target.to, plan.deployment.id)
            self._set(apply.reassigned(self.targets[again.target.id], again, generation, self.now))
        for assignment in plan.assigned:
            self._assign(assignment)
        for target in plan.deferred:
            self._put_off(target.id)
        self.deployment = plan.deployment
        if plan.skip_deferred:
            self._skip_put_off(restore=plan.restore_deferred)
        if plan.ending:
            self._end(plan.ending)

    def _settle(self, settled: Iterable[Settled]) -> None:
        for verdict in settled:
            number = verdict.target.id
            self._set(apply.settled(self.targets[number], verdict, self.now))
            if verdict.state is TargetState.SUCCEEDED and verdict.target.report:
                self._set_last_good(number, verdict.target.to.over(verdict.target.report.current))
            elif verdict.target.state is TargetState.SUCCEEDED:
                self._set_last_good(number, verdict.target.last_good)

    def _assign(self, assignment: Assignment) -> None:
        number = assignment.target.id
        self._leave_line(self.targets[number])
        generation = self._set_desired(number, assignment.desired, self.its_deployment.id)
        self._set(apply.assigned(self.targets[number], assignment, generation, self.now))
        if assignment.state is TargetState.SKIPPED and assignment.desired is not None:
            self._set_last_good(number, assignment.before)

    def _return(self, number: int) -> None:
        """Let an instance that was put off take its turn again."""
        self._take_back(number)
        deployment = self.its_deployment
        counts = replace(deployment.counts, deferred=deployment.counts.deferred - 1)
        self.deployment = replace(deployment, counts=counts)

    def _note(self, target: Target, report: Report) -> bool:
        """Write down what a report says of a target; return whether it calls for a step."""
        if target.state is not TargetState.UPDATING and not is_watched(target):
            return False
        noted = note(target, report, self.its_deployment)
        if noted is target:
            return False
        self._change(target, noted)
        if not matters(target, noted, report.at):
            return False
        self.marked[target.id] = None
        return True

    def _change(self, before: Target, after: Target) -> None:
        """Write a target as a report, or silence, leaves it, and keep the totals of successes that have lapsed."""
        self._set(after)
        self.deployment = tally_lapse(self.its_deployment, before, after)

    def _availability(self, number: int, before: Status) -> bool:
        """Keep the count of unavailable instances when one's status was `before`; return whether room came free."""
        deployment, target = self.deployment, self.targets.get(number)
        if deployment is None or deployment.max_unavailable is None or target is None or not deployment.in_flight:
            return False
        change = change_at_report(target, before, self.instances[number].status)
        if change:
            counts = replace(deployment.counts, unavailable=deployment.counts.unavailable + change)
            self.deployment = replace(deployment, counts=counts)
        return change < 0

    def _end(self, ending: Ending) -> None:
        deployment = self.its_deployment
        if ending.stop:
            self._stop()
        self.deployment = ended(deployment, ending, self.now)
        if ending.rollback:
            self._begin_rollback(self.deployment)

    def _stop(self) -> None:
        stopped, unread = stop(self._shown(self.updating))
        self._settle(stopped)
        for restored in unread:
            self._set_desired(restored.target.id, restored.desired, self.its_deployment.id)
        for number in (*self._line, *self.put_off):
            self._set(apply.skipped(self.targets[number], NOT_STARTED, self.now))
        self._clear_line()
        self.put_off.clear()

    def _skip_put_off(self, *, restore: bool) -> None:
        for number in self.put_off:
            target = self.targets[number]
            self._set(apply.skipped(target, UNREACHABLE, self.now))
            if restore:
                self._set_desired(number, target.to, self.its_deployment.id)
                self._set_last_good(number, known(target.to) or self.instances[number].last_good)
        self.put_off.clear()

    def _begin_rollback(self, ended: Deployment) -> None:
        touched = [
            Touched(target, self.instances[target.id])
            for target in self.targets.values()
            if target.assigned_at is not None
        ]
        undos = undo(touched)
        self._line_up(targets_of_rollback(undos, self.instances))
        self.undone = replace(ended, rolled_back_by=ended.id + 1, withdrawn=True)
        self.deployment = new_rollback(ended, undos, self.now)
        self.step()


def _reported(instance: Instance, report: Report) -> Instance:
    return replace(
        instance,
        status=report.status,
        current=report.current,
        message=report.message,
        last_good=last_good_after(instance, report),
        last_heartbeat_at=report.at,
        reachable=True,
    )
