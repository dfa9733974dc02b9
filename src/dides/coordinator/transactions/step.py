"""One reconcile step: read a snapshot, let the engine make a plan, write it down, all in one transaction.

This is the one place that drives a step. What a plan writes stands in `plan_writer.py`, which never calls back.
"""

import msgspec

from dides.coordinator.transactions import convergence
from dides.coordinator.transactions.plan_writer import create_rollback, settle, write_ending, write_plan
from dides.engine.admission import in_turn
from dides.engine.counters import tally
from dides.engine.inheritance import may_be_inherited
from dides.engine.outage import as_paused, as_stored
from dides.engine.reconcile import reconcile
from dides.engine.verdict import heard_at, verdicts
from dides.engine.window import may_examine, may_examine_of_each, may_examine_unhealthy
from dides.model.actor import SYSTEM
from dides.model.deployment import Deployment
from dides.model.plan import Ending, Snapshot
from dides.store.interface import Transaction


class Stepped(msgspec.Struct):
    """What a step did that others want to know."""

    deployment: Deployment
    """The deployment that the step began with, as it is afterwards."""
    assigned: set[str]
    """The instances whose desired state it set."""
    run_again: bool = False
    next_deadline: int | None = None
    in_flight: Deployment | None = None
    """What is in flight afterwards: the same deployment, its rollback, or nothing."""
    ended: tuple[Deployment, ...] = ()
    """The deployments that it ended."""


def step(tx: Transaction, quiet_until: int) -> Stepped | None:
    """Take one step of the deployment in flight; None when there is none.

    `quiet_until` is the moment (ms) before which no timeout fires.
    """
    deployment = tx.deployments.in_flight()
    return step_of(tx, deployment, quiet_until) if deployment else None


def step_of(tx: Transaction, deployment: Deployment, quiet_until: int) -> Stepped:
    """Take one step of a deployment that is in flight."""
    snapshot = _snapshot(tx, as_paused(deployment), quiet_until)
    plan = reconcile(snapshot)
    plan = msgspec.structs.replace(plan, deployment=as_stored(plan.deployment, deployment))
    if snapshot.reported:
        tx.targets.unmark(snapshot.reported)
    assigned = write_plan(tx, deployment, plan)
    if plan.ending is None:
        changed = plan.deployment != deployment
        deployment = tx.deployments.save(plan.deployment) if changed else deployment
        return Stepped(deployment, assigned, plan.run_again, plan.next_deadline, in_flight=deployment)
    return _end(tx, plan.deployment, plan.ending, assigned, quiet_until)


def settle_reported(tx: Transaction, deployment: Deployment) -> Deployment:
    """Give the verdicts that acknowledged heartbeats call for, before something else ends these targets.

    Of a step this is the first part alone: nothing is assigned, and no timeout fires.
    """
    settled = verdicts(deployment, tx.targets.reported(deployment.id), heard_at(tx.now)).settled
    if not settled:
        return deployment
    # The others keep their marks: the next step has to see the attempts that failed, and those that begin to hold.
    tx.targets.unmark([verdict.target for verdict in settled])
    settle(tx, deployment, settled)
    return tx.deployments.save(tally(deployment, settled))


def _snapshot(tx: Transaction, deployment: Deployment, quiet_until: int) -> Snapshot:
    """Read what changed and what may start, and nothing else."""
    reported = tx.targets.reported(deployment.id)
    due = tx.targets.due(deployment.id, tx.now)
    verdicts_due = len(reported) + len(due)
    limit = may_examine(deployment, verdicts_due)
    of_each = may_examine_of_each(deployment, verdicts_due)
    unhealthy = may_examine_unhealthy(deployment, verdicts_due)
    return Snapshot(
        now=tx.now,
        quiet_until=quiet_until,
        deployment=deployment,
        reported=reported,
        due=due,
        candidates=in_turn(
            tx.targets.candidates(deployment.id, limit, of_each) if limit else (),
            tx.targets.unhealthy(deployment.id, unhealthy) if unhealthy else (),
        ),
        next_deadline=tx.targets.next_deadline(deployment.id, tx.now),
    )


def _end(tx: Transaction, deployment: Deployment, ending: Ending, assigned: set[str], quiet_until: int) -> Stepped:
    deployment, restored = write_ending(tx, deployment, ending)
    assigned |= restored
    if may_be_inherited(deployment):
        convergence.follow_newest(tx)
    if not ending.rollback:
        return Stepped(deployment, assigned, ended=(deployment,))
    stepped, _ = begin_rollback(tx, deployment, assigned, quiet_until)
    stepped.ended = (deployment, *stepped.ended)
    return stepped


def begin_rollback(
    tx: Transaction, undone: Deployment, assigned: set[str], quiet_until: int, actor: str = SYSTEM
) -> tuple[Stepped, Deployment]:
    """Start the rollback of a finished deployment with its first step; return what that did, and the rollback.

    `assigned` are the instances whose desired state this unit of work has set before. The caller adds the `undone`
    deployment to those that ended, if it has ended it.
    """
    undone, rollback = create_rollback(tx, undone, actor)
    assigned |= convergence.inherit_anew(tx, rollback)
    first = step_of(tx, rollback, quiet_until)
    return msgspec.structs.replace(first, deployment=undone, assigned=assigned | first.assigned), first.deployment
