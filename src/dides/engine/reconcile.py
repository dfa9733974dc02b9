"""One step of a rollout: a snapshot in, a plan out. Start reading here.

    verdicts    what the heartbeats and deadlines say of the updating targets      verdict.py
    threshold   have failures stopped it?                                          threshold.py
    window      how many more may be updating?                                     window.py
    admission   what happens to the pending targets whose turn has come            admission.py
    ending      is anything left?                                                  ending.py

Beside the step: stop.py (what a trip or an abort does to the targets that were updating), rollback.py (where a
rollback returns each instance to), order.py (the fixed order of targets), inheritance.py (what an instance gets that
registers or returns later).
"""

import msgspec

from dides.engine.admission import ALREADY, Admission, admit
from dides.engine.ending import conclude, nothing_left
from dides.engine.threshold import trips, why_tripped
from dides.engine.verdict import time_of, verdicts
from dides.engine.window import free_slots
from dides.model.deployment import Counts, DeploymentStatus, Kind, TargetState
from dides.model.plan import Assignment, Ending, Plan, Snapshot


def reconcile(snapshot: Snapshot) -> Plan:
    """Decide one step. Pure: the same snapshot gives the same plan."""
    deployment = snapshot.deployment
    time = time_of(deployment, snapshot.now, snapshot.quiet_until)
    settled = verdicts((*snapshot.reported, *snapshot.overdue), time)
    counts = deployment.counts.after(*(each.move for each in settled))
    if trips(deployment, counts):
        rollback = deployment.policy.auto_rollback
        ending = Ending(
            status=DeploymentStatus.FAILED, reason=why_tripped(deployment, counts), stop=True, rollback=rollback
        )
        return Plan(counts=counts, settled=settled, ending=ending)
    admission = admit(deployment, snapshot.candidates, free_slots(deployment, counts), snapshot.now)
    counts = _after_admission(counts, admission)
    # Unreachable targets are given up only while time counts: not in a pause, nor right after an outage.
    ended = nothing_left(counts) and (counts.pending == 0 or time.timeouts_run)
    return Plan(
        counts=counts.stopped() if ended else counts,
        settled=settled,
        assigned=tuple(admission.assigned),
        deferred=tuple(admission.deferred),
        skip_deferred=ended and counts.deferred > 0,
        restore_deferred=deployment.kind is Kind.ROLLBACK,
        ending=conclude(deployment, counts) if ended else None,
        run_again=_more_to_examine(snapshot, admission, counts),
        next_deadline=_next_deadline(snapshot, admission.assigned),
    )


def _after_admission(counts: Counts, admission: Admission) -> Counts:
    """Return the counts once the candidates have been dealt with."""
    moved = counts.after(*(each.move for each in admission.assigned))
    already = sum(each.reason == ALREADY for each in admission.assigned)
    return msgspec.structs.replace(
        moved, already=moved.already + already, deferred=moved.deferred + len(admission.deferred)
    )


def _more_to_examine(snapshot: Snapshot, admission: Admission, counts: Counts) -> bool:
    """Tell whether the step stopped at its bound, with slots still free and targets still waiting."""
    waiting = counts.pending > counts.deferred and free_slots(snapshot.deployment, counts) > 0
    return waiting and not admission.ran_out and bool(snapshot.candidates)


def _next_deadline(snapshot: Snapshot, assigned: list[Assignment]) -> int | None:
    """Return the earliest moment at which a timeout may be due."""
    if snapshot.deployment.status is not DeploymentStatus.RUNNING:
        return None
    deadlines = [each.deadline_at for each in assigned if each.state is TargetState.UPDATING]
    if snapshot.now < snapshot.quiet_until:
        deadlines.append(snapshot.quiet_until)
    deadlines.append(snapshot.next_deadline)
    return min((each for each in deadlines if each is not None), default=None)
