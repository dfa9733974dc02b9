"""Writes down what was decided: a step's plan, the end of a deployment, and its rollback.

Each function here writes, and takes no further step: `step.py` alone drives.
"""

from collections.abc import Mapping, Sequence

import msgspec

from dides.coordinator.transactions import convergence
from dides.coordinator.transactions.record import event, record_event
from dides.coordinator.transactions.undo import undos_of, withdrawn_with
from dides.engine.applying import WITHOUT_A_SLOT, apply_rule
from dides.engine.ending import UNREACHABLE, ended
from dides.engine.rollback import common_state, policy_of
from dides.engine.stop import NOT_STARTED, stop
from dides.model.actor import SYSTEM
from dides.model.deployment import Deployment, Kind, Target, TargetState
from dides.model.plan import Assignment, Ending, Plan, Postponed, Reassignment, Settled, Undo
from dides.model.state import NOTHING, State
from dides.store.interface import Transaction
from dides.store.records import Event, NewAssignment, NewDeployment, NewTarget

MOST_NAMED = 100
"""Instances that one event names."""


def write_plan(tx: Transaction, deployment: Deployment, plan: Plan) -> set[str]:
    """Write what a plan does to targets; return the names of the instances whose desired state it sets.

    The caller saves the deployment as the plan leaves it, or ends it.
    """
    assigned: set[str] = set()
    # Most plans do one or two of these things.
    if plan.settled:
        settle(tx, deployment, plan.settled)
    if plan.postponed:
        _postpone(tx, deployment, plan.postponed)
    if plan.reassigned:
        assigned |= _reassign(tx, deployment, plan.reassigned)
    if plan.assigned:
        assigned |= _assign(tx, deployment, plan.assigned)
    if plan.deferred:
        tx.targets.defer(deployment.id, plan.deferred)
    if plan.skip_deferred:
        assigned |= _skip_deferred(tx, deployment, restore=plan.restore_deferred)
    record_wave(tx, deployment, plan.deployment)
    return assigned


def settle(tx: Transaction, deployment: Deployment, settled: Sequence[Settled]) -> None:
    """Set targets to what the verdicts say; the caller saves the deployment with its counts."""
    tx.targets.settle(settled, tx.now)
    tx.inventory.set_last_good(_last_good_after(settled))
    tx.events.append([_target_event(tx, deployment, verdict) for verdict in settled])


def record_wave(tx: Transaction, before: Deployment, after: Deployment) -> None:
    """Record that a wave has opened, that it is done and soaks, or that it waits for the health of its targets."""
    of = len(after.waves)
    if after.wave.open != before.wave.open:
        record_event(tx, "wave.opened", deployment_id=after.id, data={"open": after.wave.open, "of": of})
    elif after.timers.health_until is not None and before.timers.health_until is None:
        names = tx.targets.lapsed(after.id, after.wave.open, MOST_NAMED)
        data = {"wave": after.wave.open, "of": of, "lapsed": after.wave.lapsed, "waits_for": names}
        record_event(tx, "wave.held", deployment_id=after.id, data=data)
    elif after.timers.soaked_at is not None and before.timers.soaked_at is None:
        data = {"wave": after.wave.open, "of": of, "seconds": after.policy.wave_pause}
        record_event(tx, "wave.soaking", deployment_id=after.id, data=data)


def write_ending(
    tx: Transaction, deployment: Deployment, ending: Ending, actor: str = SYSTEM
) -> tuple[Deployment, set[str]]:
    """End a deployment; return it, with the names of the instances that got an earlier state back."""
    restored = _stop_targets(tx, deployment) if ending.stop else set()
    convergence.let_go(tx, deployment, restored)
    deployment = tx.deployments.save(ended(deployment, ending, tx.now))
    data = {"reason": ending.reason}
    record_event(tx, f"deployment.{ending.status.value}", actor, deployment_id=deployment.id, data=data)
    return deployment, restored


def create_rollback(tx: Transaction, undone: Deployment, actor: str) -> tuple[Deployment, Deployment]:
    """Store the rollback of a deployment that is no longer in flight; return the undone one and the rollback.

    What an earlier rollback of it has restored is left as it is.
    """
    undos = undos_of(tx, undone)
    rollback = tx.deployments.create(_new_rollback(undone, undos, tx.now, actor))
    tx.targets.create(rollback.id, [_new_target(undo) for undo in undos])
    for later in withdrawn_with(tx, undone):
        _withdraw(tx, later, rollback)
    undone = _withdraw(tx, undone, rollback)
    data = {"rollback_of": undone.id, "targets": len(undos)}
    record_event(tx, "deployment.triggered", actor, deployment_id=rollback.id, data=data)
    return undone, rollback


def reinstate(tx: Transaction, aborted: Deployment) -> list[Deployment]:
    """Let what an aborted rollback was undoing be inherited, and be undone, again; return that."""
    withdrawn = tx.deployments.withdrawn_by(aborted.id)
    return [tx.deployments.save(msgspec.structs.replace(undone, withdrawn=False)) for undone in withdrawn]


def _last_good_after(settled: Sequence[Settled]) -> dict[int, State]:
    """Return the last good states that verdicts change, by instance id: a success that ends was none."""
    good: dict[int, State] = {}
    for verdict in settled:
        target = verdict.target
        if target.instance_id is None:
            continue
        if verdict.state is TargetState.SUCCEEDED and target.report:
            good[target.instance_id] = target.to.over(target.report.current)
        elif target.state is TargetState.SUCCEEDED:
            good[target.instance_id] = target.last_good or NOTHING
    return good


def _postpone(tx: Transaction, deployment: Deployment, postponed: Sequence[Postponed]) -> None:
    """Let targets whose attempt has failed wait for the next one."""
    tx.targets.postpone(postponed)
    tx.events.append(
        [
            event(
                tx,
                "target.postponed",
                deployment_id=deployment.id,
                instance=failed.target.instance,
                data={"reason": failed.reason, "message": failed.message},
            )
            for failed in postponed
        ]
    )


def _reassign(tx: Transaction, deployment: Deployment, reassigned: Sequence[Reassignment]) -> set[str]:
    """Assign the same states once more to targets whose wait is over; return the names of their instances."""
    targets = [again.target for again in reassigned]
    rule = apply_rule(deployment)
    assignments = [
        NewAssignment(target.instance_id, target.to, deployment.id, rule)
        for target in targets
        if target.instance_id is not None
    ]
    tx.targets.reassign(reassigned, tx.inventory.assign(assignments), tx.now)
    tx.events.append([_reassigned_event(tx, deployment, target) for target in targets])
    return {target.instance for target in targets}


def _assign(tx: Transaction, deployment: Deployment, assigned: Sequence[Assignment]) -> set[str]:
    """Assign desired states to instances; return their names."""
    assignments = [
        NewAssignment(change.target.instance_id, change.desired, deployment.id, change.apply)
        for change in assigned
        if change.target.instance_id
    ]
    tx.targets.assign(assigned, tx.inventory.assign(assignments), tx.now)
    convergence.give_way(tx, deployment, (assignment.instance_id for assignment in assignments))
    tx.inventory.set_last_good(
        {
            change.target.instance_id: change.before
            for change in assigned
            if change.already and change.target.instance_id
        }
    )
    tx.events.append([_target_event(tx, deployment, change) for change in assigned])
    return {change.target.instance for change in assigned}


def _skip_deferred(tx: Transaction, deployment: Deployment, *, restore: bool) -> set[str]:
    """Skip the targets that stayed unreachable; return the names of those whose desired state was set back."""
    deferred = tx.targets.deferred(deployment.id)
    tx.targets.skip_pending(deployment.id, UNREACHABLE, tx.now)
    names = {candidate.target.instance for candidate in deferred}
    data = {"reason": UNREACHABLE}
    tx.events.append(
        [event(tx, "target.skipped", deployment_id=deployment.id, instance=name, data=data) for name in sorted(names)]
    )
    if not restore:
        return set()
    tx.inventory.assign(
        [
            NewAssignment(candidate.instance.id, candidate.target.to, deployment.id, WITHOUT_A_SLOT)
            for candidate in deferred
        ]
    )
    # What the rollback leaves alone, such as the code, is as good as it was.
    tx.inventory.set_last_good(
        {
            candidate.instance.id: candidate.target.to.over(candidate.instance.last_good)
            for candidate in deferred
            if not candidate.target.to.empty
        }
    )
    tx.convergences.drop(candidate.instance.id for candidate in deferred)
    return names


def _stop_targets(tx: Transaction, deployment: Deployment) -> set[str]:
    """Skip the pending and updating targets; return the names of the instances that got an earlier state back."""
    stopped, restored = stop(tx.targets.updating(deployment.id))
    tx.targets.settle(stopped, tx.now)
    tx.targets.skip_pending(deployment.id, NOT_STARTED, tx.now)
    tx.inventory.assign(
        [
            NewAssignment(restoration.target.instance_id, restoration.desired, deployment.id, WITHOUT_A_SLOT)
            for restoration in restored
            if restoration.target.instance_id is not None
        ]
    )
    tx.events.append([_target_event(tx, deployment, verdict) for verdict in stopped])
    if deployment.counts.pending:
        # One event for them all: there may be as many as the fleet has instances.
        data = {"reason": NOT_STARTED, "targets": deployment.counts.pending}
        record_event(tx, "targets.skipped", deployment_id=deployment.id, data=data)
    return {restoration.target.instance for restoration in restored}


def _new_rollback(undone: Deployment, undos: Sequence[Undo], now: int, actor: str) -> NewDeployment:
    return NewDeployment(
        kind=Kind.ROLLBACK,
        to=common_state(undos),
        labels=undone.labels,
        selector=undone.selector,
        policy=policy_of(undone),
        window=undone.window,
        waves=(len(undos),),
        total=len(undos),
        created_at=now,
        created_by=actor,
        rollback_of=undone.id,
    )


def _new_target(undo: Undo) -> NewTarget:
    instance = undo.touched.instance
    return NewTarget(instance.id, instance.name, undo.to or NOTHING, instance.current)


def _withdraw(tx: Transaction, undone: Deployment, rollback: Deployment) -> Deployment:
    return tx.deployments.save(msgspec.structs.replace(undone, rolled_back_by=rollback.id, withdrawn=True))


def _target_event(tx: Transaction, deployment: Deployment, change: Settled | Assignment) -> Event:
    """Return the event of one target's change."""
    data: dict[str, object] = {"reason": change.reason} if change.reason else {}
    if isinstance(change, Assignment):
        is_assigned = change.state is TargetState.UPDATING
        data["desired"] = msgspec.to_builtins(change.desired)
    else:
        is_assigned = False
        if change.message:
            data["message"] = change.message
    kind = "target.assigned" if is_assigned else f"target.{change.state.value}"
    return event(tx, kind, deployment_id=deployment.id, instance=change.target.instance, data=data)


def _reassigned_event(tx: Transaction, deployment: Deployment, target: Target) -> Event:
    data: Mapping[str, object] = {"desired": msgspec.to_builtins(target.to), "attempt": target.attempt + 1}
    return event(tx, "target.assigned", deployment_id=deployment.id, instance=target.instance, data=data)
