"""One reconcile step: snapshot, engine, plan, apply, all in one transaction."""

import msgspec

from dides.coordinator.transactions import convergence
from dides.coordinator.transactions.plan_writer import settle, target_event
from dides.coordinator.transactions.reassignments import log_wave, reassign
from dides.coordinator.transactions.record import event, log
from dides.coordinator.transactions.rollbacks import create_rollback
from dides.coordinator.transactions.stopping import stop_targets
from dides.engine.admission import in_turn
from dides.engine.applying import WITHOUT_A_SLOT
from dides.engine.ending import UNREACHABLE, ended
from dides.engine.inheritance import may_be_inherited
from dides.engine.outage import as_paused, as_stored
from dides.engine.reconcile import reconcile
from dides.engine.window import may_examine, may_examine_of_each, may_examine_unhealthy
from dides.model.actor import SYSTEM
from dides.model.deployment import Deployment
from dides.model.plan import Assignment, Ending, Snapshot
from dides.store.interface import Transaction
from dides.store.records import NewAssignment


class Stepped(msgspec.Struct):
    """What a step did that others want to know."""

    deployment: Deployment
    """The deployment that the step began with, as it is afterwards."""
    told: set[str]
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
    tx.targets.unmark(snapshot.reported)
    settle(tx, deployment, plan.settled)
    told = reassign(tx, deployment, plan) | _assign(tx, deployment, plan.assigned)
    tx.targets.defer(deployment.id, plan.deferred)
    if plan.skip_deferred:
        told |= _skip_deferred(tx, deployment, restore=plan.restore_deferred)
    log_wave(tx, deployment, plan.deployment)
    if plan.ending is None:
        changed = plan.deployment != deployment
        deployment = tx.deployments.save(plan.deployment) if changed else deployment
        return Stepped(deployment, told, plan.run_again, plan.next_deadline, in_flight=deployment)
    return _end(tx, plan.deployment, plan.ending, told, quiet_until)


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


def _assign(tx: Transaction, deployment: Deployment, assigned: tuple[Assignment, ...]) -> set[str]:
    """Tell the instances, and return their names."""
    assignments = [
        NewAssignment(each.target.instance_id, each.desired, deployment.id, each.apply)
        for each in assigned
        if each.target.instance_id
    ]
    tx.targets.assign(assigned, tx.inventory.assign(assignments), tx.now)
    convergence.give_way(tx, deployment, (each.instance_id for each in assignments))
    already = (assignment for assignment in assigned if assignment.already)
    tx.inventory.set_last_good({each.target.instance_id: each.before for each in already if each.target.instance_id})
    tx.events.append([target_event(tx, deployment, each) for each in assigned])
    return {each.target.instance for each in assigned}


def _skip_deferred(tx: Transaction, deployment: Deployment, *, restore: bool) -> set[str]:
    """Skip the targets that stayed unreachable; return the names of those whose desired state was set back."""
    put_off = tx.targets.deferred(deployment.id)
    tx.targets.skip_pending(deployment.id, UNREACHABLE, tx.now)
    names = {each.target.instance for each in put_off}
    tx.events.append(
        [
            event(tx, "target.skipped", deployment_id=deployment.id, instance=name, data={"reason": UNREACHABLE})
            for name in sorted(names)
        ]
    )
    if not restore:
        return set()
    tx.inventory.assign(
        [NewAssignment(each.instance.id, each.target.to, deployment.id, WITHOUT_A_SLOT) for each in put_off]
    )
    # What the rollback leaves alone, such as the code, is as good as it was.
    good = {
        each.instance.id: each.target.to.over(each.instance.last_good) for each in put_off if not each.target.to.empty
    }
    tx.inventory.set_last_good(good)
    tx.convergences.drop(each.instance.id for each in put_off)
    return names


def _end(tx: Transaction, deployment: Deployment, ending: Ending, told: set[str], quiet_until: int) -> Stepped:
    restored = stop_targets(tx, deployment) if ending.stop else set()
    convergence.let_go(tx, deployment, restored)
    told |= restored
    deployment = tx.deployments.save(ended(deployment, ending, tx.now))
    log(tx, f"deployment.{ending.status.value}", deployment_id=deployment.id, data={"reason": ending.reason})
    if may_be_inherited(deployment):
        convergence.follow_newest(tx)
    if not ending.rollback:
        return Stepped(deployment, told, ended=(deployment,))
    stepped, _ = begin_rollback(tx, deployment, told, quiet_until)
    stepped.ended = (deployment, *stepped.ended)
    return stepped


def begin_rollback(
    tx: Transaction, undone: Deployment, told: set[str], quiet_until: int, actor: str = SYSTEM
) -> tuple[Stepped, Deployment]:
    """Start the rollback of a finished deployment with its first step; return what that did, and the rollback.

    `told` are the instances that this unit of work has told something before. That it has ended `undone`, if it has, is
    its own to say.
    """
    undone, rollback = create_rollback(tx, undone, actor)
    told |= convergence.inherit_anew(tx, rollback)
    first = step_of(tx, rollback, quiet_until)
    return msgspec.structs.replace(first, deployment=undone, told=told | first.told), first.deployment
