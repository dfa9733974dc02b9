"""One step of a rollout: a snapshot in, a plan out. Start reading here.

    verdicts    what the heartbeats and the moments that came say of targets       verdict.py
    retries     which failed attempts are repeated?                                retries.py
    trip        has anything stopped it?                                           trip.py, threshold.py
    waves       is the open wave over, and may the next one begin?                 waves.py
    window      how many more may be updating?                                     window.py, spread.py, availability.py
    admission   what happens to the pending targets whose turn has come            admission.py
    ending      is anything left?                                                  ending.py

tally.py keeps the totals. Beside the step: limits.py (what a policy's amounts come to), order.py (the fixed order of
targets), stop.py (what a trip or an abort does to the targets that were updating), rollback.py (where a rollback
returns each instance to), timers.py (what a pause moves), inheritance.py (what an instance gets that registers or
returns later), forecast.py (what all this would do to a fleet).
"""

import msgspec

from dides.engine.admission import Admission, admit
from dides.engine.counters import tally
from dides.engine.ending import conclude, nothing_left
from dides.engine.retries import reassigned
from dides.engine.trip import why_tripped
from dides.engine.verdict import Time, Verdicts, time_of, verdicts
from dides.engine.waves import advance, is_done
from dides.engine.window import MAX_UNAVAILABLE, SPREAD_BY, free_slots
from dides.model.deployment import Deployment, DeploymentStatus, Kind
from dides.model.plan import Ending, Plan, Snapshot


def reconcile(snapshot: Snapshot) -> Plan:
    """Decide one step. Pure: the same snapshot gives the same plan."""
    deployment = snapshot.deployment
    time = time_of(deployment, snapshot.now, snapshot.quiet_until)
    given = verdicts(deployment, (*snapshot.reported, *snapshot.due), time)
    deployment = tally(deployment, given.settled)
    if reason := why_tripped(deployment, time):
        return Plan(deployment=deployment, settled=given.settled, ending=_trip(deployment, reason))
    deployment = advance(deployment, snapshot.now, give_up=time.timeouts_run)
    admission = admit(deployment, snapshot.candidates, snapshot.now)
    deployment = _blocked(snapshot, _admitted(deployment, admission), admission)
    return _go_on(snapshot, deployment, time, given, admission)


def _trip(deployment: Deployment, reason: str) -> Ending:
    rollback = deployment.policy.auto_rollback and deployment.counts.touched > 0
    return Ending(status=DeploymentStatus.FAILED, reason=reason, stop=True, rollback=rollback)


def _go_on(snapshot: Snapshot, deployment: Deployment, time: Time, given: Verdicts, admission: Admission) -> Plan:
    plan = Plan(
        deployment=deployment,
        settled=(*given.settled, *admission.refused),
        postponed=given.postponed,
        reassigned=tuple(each for target in snapshot.due if (each := reassigned(deployment, target, snapshot.now))),
        assigned=tuple(admission.assigned),
        deferred=tuple(admission.deferred),
    )
    counts = deployment.counts
    # Unreachable targets are given up only while time counts: not in a pause, nor right after an outage.
    if nothing_left(deployment) and (counts.pending == 0 or time.timeouts_run):
        return _ended(plan, deployment)
    return msgspec.structs.replace(
        plan,
        run_again=_more_to_examine(snapshot, deployment, admission) or _is_done_now(snapshot, deployment),
        next_deadline=_next_deadline(snapshot, plan),
    )


def _ended(plan: Plan, deployment: Deployment) -> Plan:
    counts = deployment.counts
    return msgspec.structs.replace(
        plan,
        deployment=msgspec.structs.replace(deployment, counts=counts.stopped()),
        skip_deferred=counts.deferred > 0,
        restore_deferred=deployment.kind is Kind.ROLLBACK,
        ending=conclude(deployment),
    )


def _admitted(deployment: Deployment, admission: Admission) -> Deployment:
    """Return the deployment once the candidates have been dealt with."""
    deployment = tally(deployment, (*admission.assigned, *admission.refused))
    counts = deployment.counts
    already = sum(assignment.already for assignment in admission.assigned)
    return msgspec.structs.replace(
        deployment,
        counts=msgspec.structs.replace(
            counts, already=counts.already + already, deferred=counts.deferred + len(admission.deferred)
        ),
    )


def _blocked(snapshot: Snapshot, deployment: Deployment, admission: Admission) -> Deployment:
    """Return the deployment with what has kept this step from filling its free slots, and until when that may last."""
    if deployment.status is not DeploymentStatus.RUNNING:
        return deployment
    counts, by = deployment.counts, admission.blocked_by
    if deployment.share is not None and not snapshot.candidates and counts.pending > counts.deferred:
        # Only values that have room are looked at, so where slots are free and nobody is shown, none of those waits.
        by = SPREAD_BY if free_slots(deployment) else None
    until = None
    if by == MAX_UNAVAILABLE and counts.updating == 0:
        until = deployment.timers.blocked_until or snapshot.now + deployment.policy.update_timeout_ms
    timers = msgspec.structs.replace(deployment.timers, blocked_until=until)
    return msgspec.structs.replace(deployment, blocked_by=by, timers=timers)


def _more_to_examine(snapshot: Snapshot, deployment: Deployment, admission: Admission) -> bool:
    """Tell whether the step stopped at its bound, with slots still free, and the next one would see other targets."""
    counts = deployment.counts
    waiting = counts.pending > counts.deferred and free_slots(deployment) > 0 and not admission.ran_out
    moved_on = (
        bool(admission.assigned or admission.deferred or admission.refused)
        or deployment.wave.open != snapshot.deployment.wave.open
    )
    return waiting and moved_on


def _is_done_now(snapshot: Snapshot, deployment: Deployment) -> bool:
    """Tell whether this step has left nothing to start in the open wave, so that the next one judges the wave."""
    timeouts_run = time_of(deployment, snapshot.now, snapshot.quiet_until).timeouts_run
    timers = deployment.timers
    waits = (timers.soaked_at, timers.health_until, timers.waiting_since) != (None, None, None)
    return is_done(deployment) and timeouts_run and not waits


def _next_deadline(snapshot: Snapshot, plan: Plan) -> int | None:
    """Return the earliest moment at which a step has something to decide even if no heartbeat comes."""
    moments = [snapshot.next_deadline]
    # A pause stops a target's timeout, which is then due for long, but not the end of its `min_healthy_time`.
    shown = (*snapshot.due, *snapshot.reported)
    moments += [each for target in shown for each in target.moments if each > snapshot.now]
    if plan.deployment.status is DeploymentStatus.RUNNING:
        timers = plan.deployment.timers
        # One that has passed, but may not count yet, must not hide the moment from which it does.
        deadline = timers.deadline_at if timers.waiting_since is None else None
        moments += [
            moment
            for moment in (deadline, timers.soaked_at, timers.health_until, timers.blocked_until)
            if moment is not None and moment > snapshot.now
        ]
        moments += [verdict.deadline_at for verdict in plan.settled]
        moments += [each.deadline_at for each in plan.assigned]
        moments += [each.deadline_at for each in plan.reassigned]
        moments += [each.retry_at for each in plan.postponed]
    if snapshot.now < snapshot.quiet_until:
        moments.append(snapshot.quiet_until)
    return min((each for each in moments if each is not None), default=None)
