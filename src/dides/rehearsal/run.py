"""One run of a rehearsal: a rollout through the real engine, and its rollback, on a clock that jumps to the next event.

An instance that is told reports DEGRADED where that matters, as agents do while they apply; after a time that is drawn
it reports HEALTHY or FAILED. Heartbeats arrive at once, and a step follows if the ledger says that one is due. A lost
instance dies when it is told: nothing is heard of it again. Returning to the old version takes as long as an update,
and does not fail.
"""

import heapq
from collections.abc import Callable
from random import Random

import msgspec

from dides.engine.waves import why_not_promoted
from dides.model.deployment import DeploymentStatus, Kind, TargetState
from dides.model.instance import Report
from dides.model.plan import Plan
from dides.model.state import NOTHING, State, Status
from dides.rehearsal.durations import Durations
from dides.rehearsal.fleet import NEW
from dides.rehearsal.rollout import Ledger

Action = Callable[[int, int], None]
"""What happens at an event: it gets the number of the instance, and the event's own serial number."""
NOBODY = 0
"""Instances are numbered from 1."""


class Chances(msgspec.Struct, frozen=True, kw_only=True):
    """What is drawn for every update. Rates are from 0 to 1."""

    durations: Durations
    failure_rate: float = 0.0
    """How often an attempt ends FAILED; every further attempt is drawn anew."""
    lost_rate: float = 0.0
    """How often an instance dies when it is told; the others fail at `failure_rate`."""
    time_to_live_ms: int = 30_000


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one run."""

    status: DeploymentStatus
    reason: str
    rollout_ms: int
    """From the trigger to the end of the deployment."""
    rollback_ms: int | None
    """From there to the end of the rollback; None when there was none."""
    reached: int
    """How many instances ran the new version, or had been told to: those already there, and those told."""
    failed: int
    most_down: int
    """The most that were updating or not HEALTHY at once before the deployment ended."""
    most_down_in_rollback: int | None
    """The same from there on; those that a trip stopped in mid-update, and that are still at it, count."""
    not_returned: int | None
    """How many the rollback did not bring back: lost, or slower than `update_timeout`."""

    @property
    def completed(self) -> bool:
        """True when the rollout came to its end."""
        return self.status is DeploymentStatus.COMPLETED

    @property
    def total_ms(self) -> int:
        """From the trigger to the end of the last of it."""
        return self.rollout_ms + (self.rollback_ms or 0)


class Run:
    """Plays one rollout from its trigger to its end."""

    def __init__(self, ledger: Ledger, triggered: Plan, chances: Chances, random: Random) -> None:
        """Take over a ledger whose deployment was triggered just now, with the plan of its first step."""
        self._ledger = ledger
        self._triggered = triggered
        self._chances = chances
        self._random = random
        self._agenda: list[tuple[int, int, Action, int]] = []
        """Moment, serial number (the order of the events of one moment), action, instance."""
        self._serial = 0
        self._wake_at: int | None = None
        self._answers: dict[int, int] = {}
        """The serial number of the answer that is expected of an instance; it has dropped any earlier work."""
        self._dead: set[int] = set()
        self._down = {instance.id for instance in ledger.instances.values() if instance.status is not Status.HEALTHY}
        self._most_down = {Kind.DEPLOY: len(self._down)}
        self._assigned = 0

    def to_end(self) -> Outcome:
        """Play the rollout, and the rollback that may follow, and return what came of it."""
        self._follow(self._triggered)
        while self._ledger.its_deployment.in_flight:
            moment, serial, action, number = heapq.heappop(self._agenda)
            self._ledger.now = moment
            action(number, serial)
        self._agenda.clear()  # Its actions refer to this run: a circle that would keep the ledger alive.
        return self._outcome()

    def _outcome(self) -> Outcome:
        last = self._ledger.its_deployment
        deployment = self._ledger.undone or last
        ended_at = deployment.finished_at or 0
        rolled_back = last.kind is Kind.ROLLBACK
        return Outcome(
            status=deployment.status,
            reason=deployment.reason,
            rollout_ms=ended_at - deployment.created_at,
            rollback_ms=self._ledger.now - ended_at if rolled_back else None,
            reached=self._assigned + deployment.counts.already,
            failed=deployment.counts.failed,
            most_down=self._most_down[Kind.DEPLOY],
            most_down_in_rollback=self._most_down.get(Kind.ROLLBACK, len(self._down)) if rolled_back else None,
            not_returned=last.counts.total - last.counts.succeeded if rolled_back else None,
        )

    def _follow(self, plan: Plan) -> None:
        """Let a step's plan come true, and take the steps that follow from it at once."""
        next_plan: Plan | None = plan
        while next_plan is not None:
            self._take_note(next_plan)
            next_plan = self._plan_after(next_plan)

    def _take_note(self, plan: Plan) -> None:
        for settled in plan.settled:
            if settled.state is TargetState.SUCCEEDED:
                self._down.discard(settled.target.id)
        for reassigned in plan.reassigned:
            self._set_desired(reassigned.target.id)
        for assigned in plan.assigned:
            if assigned.state is TargetState.UPDATING:
                self._assigned += plan.deployment.kind is Kind.DEPLOY
                self._set_desired(assigned.target.id)
        self._most_down[plan.deployment.kind] = max(self._most_down.get(plan.deployment.kind, 0), len(self._down))

    def _plan_after(self, plan: Plan) -> Plan | None:
        """Return the plan of a step that follows at once; None when time goes by before the next one."""
        ledger, deployment = self._ledger, self._ledger.its_deployment
        if not deployment.in_flight:
            return None
        if deployment.id != plan.deployment.id:
            # It has begun to roll back; whom the rollback's first step has told is known to the ledger only.
            for number in ledger.updating:
                self._set_desired(number)
            return ledger.step()
        if deployment.policy.wave_pause_ms is None and why_not_promoted(deployment) is None:
            return ledger.promote()
        if plan.run_again:
            return ledger.step()
        self._wake_up_at(plan.next_deadline)
        return None

    def _at(self, moment: int, action: Action, number: int) -> int:
        self._serial += 1
        heapq.heappush(self._agenda, (moment, self._serial, action, number))
        return self._serial

    def _wake_up_at(self, moment: int | None) -> None:
        if moment is not None and (self._wake_at is None or moment < self._wake_at):
            self._wake_at = moment
            self._at(moment, self._wake, NOBODY)

    def _wake(self, _number: int, _serial: int) -> None:
        """Take the step that an earlier one asked for. It may not be needed any more; then it decides nothing."""
        if self._ledger.now == self._wake_at:
            self._wake_at = None
            self._follow(self._ledger.step())

    def _set_desired(self, number: int) -> None:
        """Let an instance that was told begin its update, and drop what it was at."""
        self._down.add(number)
        if number in self._dead:
            return
        chances, now = self._chances, self._ledger.now
        chance = self._random.random() if self._ledger.instances[number].desired == NEW else 1.0
        if chance < chances.lost_rate:
            self._dead.add(number)
            self._answers.pop(number, None)
            self._at(now + chances.time_to_live_ms, self._fall_silent, number)
            return
        fails = chance < chances.lost_rate + (1 - chances.lost_rate) * chances.failure_rate
        if self._ledger.its_deployment.max_unavailable is not None:
            # Nothing else asks how an instance is while it updates; left out, a run takes a tenth less.
            self._report(number, Status.DEGRADED, NOTHING)
        done_at = now + chances.durations.draw(self._random)
        self._answers[number] = self._at(done_at, self._report_failed if fails else self._report_healthy, number)

    def _report_healthy(self, number: int, serial: int) -> None:
        if self._answers.get(number) == serial:
            due = self._report(number, Status.HEALTHY, self._ledger.instances[number].desired or NOTHING)
            if self._ledger.targets[number].state is not TargetState.UPDATING:
                self._down.discard(number)  # It had been given up or stopped, and has come up all the same.
            if due:
                self._follow(self._ledger.step())

    def _report_failed(self, number: int, serial: int) -> None:
        if self._answers.get(number) == serial and self._report(number, Status.FAILED, NOTHING):
            self._follow(self._ledger.step())

    def _report(self, number: int, status: Status, current: State) -> bool:
        """Let an instance report, with the generation that it acts on; return whether a step is due."""
        generation = self._ledger.instances[number].generation
        return self._ledger.ingest(
            number, Report(at=self._ledger.now, status=status, current=current, observed=generation)
        )

    def _fall_silent(self, number: int, _serial: int) -> None:
        self._ledger.declare_unreachable(number)
