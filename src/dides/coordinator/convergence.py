"""Brings instances that return after the end of a deployment to what they missed, a window at a time."""

from collections.abc import Iterable, Sequence

import msgspec

from dides.coordinator.journal import event, log
from dides.engine.inheritance import (
    Inheritance,
    change_for,
    has_converged,
    has_missed,
    inherited,
    room_to_converge,
)
from dides.model.deployment import Deployment
from dides.model.instance import Instance
from dides.model.selector import parse_selector
from dides.model.state import State
from dides.store.base import Transaction
from dides.store.records import Convergence, Telling


def inheritance_of(tx: Transaction, instance: Instance) -> Inheritance | None:
    """Return what an instance inherits from the deployments that match it."""
    return inherited(
        deployment
        for deployment in tx.deployments.completed()
        if parse_selector(deployment.selector or "").and_labels(deployment.labels).matches(instance.labels)
    )


def inherit_at_once(tx: Transaction, newcomer: Instance) -> None:
    """Tell an instance that nobody has told anything yet what it inherits."""
    inheritance = inheritance_of(tx, newcomer)
    desired = change_for(newcomer.desired, inheritance)
    if inheritance and desired:
        tx.convergences.drop([newcomer.id])
        tx.inventory.tell([Telling(newcomer.id, desired, inheritance.source.id)])
        _log_inherited(tx, newcomer, inheritance.source.id, desired)


def enqueue(tx: Transaction, returned: Sequence[Instance], *, replaced: bool = False) -> None:
    """Let returned instances wait for what they missed; `replaced` ones are new machines under known names."""
    for instance in returned:
        inheritance = inheritance_of(tx, instance)
        desired = change_for(instance.desired, inheritance)
        tx.convergences.drop([instance.id])
        if inheritance and desired and (replaced or _missed(tx, instance, inheritance.source)):
            tx.convergences.put(Convergence(instance=instance, source_id=inheritance.source.id, desired=desired))


def _missed(tx: Transaction, instance: Instance, source: Deployment) -> bool:
    return has_missed(next(iter(tx.targets.of(source.id, [instance.id])), None))


def settle(tx: Transaction, reported: Iterable[Instance]) -> None:
    """Free the places of those that have arrived, failed or fallen silent."""
    instances = {instance.id: instance for instance in reported}
    done = [each for each in tx.convergences.of(instances) if _is_done(each, instances[each.instance.id])]
    tx.convergences.drop(each.instance.id for each in done)


def expire(tx: Transaction) -> None:
    """Free the places of those that took too long."""
    tx.convergences.drop(each.instance.id for each in tx.convergences.overdue(tx.now))


def admit(tx: Transaction) -> set[str]:
    """Tell as many of the waiting instances as have room; return their names."""
    told: set[str] = set()
    for source_id in tx.convergences.sources():
        source = tx.deployments.get(source_id)
        assert source is not None, "deployments are never deleted"
        room = room_to_converge(source, tx.convergences.told(source_id))
        told |= {_tell(tx, source, waiting) for waiting in tx.convergences.waiting(source_id, room)}
    return told


def inherit_anew(tx: Transaction, undone: Deployment, rollback: Deployment) -> set[str]:
    """Take an undone deployment's state away from those who inherited it, or wait for it; return who was told so.

    They were nobody's targets, so its rollback does not return them. They inherit from what is left, a window at a
    time; where nothing is left, they are told nothing any more.
    """
    enqueue(tx, [each.instance for each in tx.convergences.waiting(undone.id)])
    told = tx.inventory.told_by(undone.id)
    returned = {each.instance_id for each in tx.targets.of(rollback.id, (each.id for each in told))}
    heirs = [each for each in told if each.id not in returned]
    tx.convergences.drop(each.id for each in heirs)
    orphans = [each for each in heirs if not _wait_for_less(tx, each)]
    tx.inventory.tell([Telling(each.id, None, undone.id) for each in orphans])
    tx.events.append([event(tx, "instance.disinherited", instance=each.name) for each in heirs])
    return {each.name for each in orphans}


def _wait_for_less(tx: Transaction, heir: Instance) -> bool:
    """Let an heir wait for what it inherits now; False when that is nothing."""
    inheritance = inheritance_of(tx, heir)
    if inheritance is None:
        return False
    source = inheritance.source.id
    tx.convergences.put(Convergence(instance=heir, source_id=source, desired=inheritance.state))
    return True


def _tell(tx: Transaction, source: Deployment, waiting: Convergence) -> str:
    deadline = tx.now + source.policy.update_timeout_ms
    tx.convergences.put(msgspec.structs.replace(waiting, told_at=tx.now, deadline_at=deadline))
    tx.inventory.tell([Telling(waiting.instance.id, waiting.desired, source.id)])
    _log_inherited(tx, waiting.instance, source.id, waiting.desired)
    return waiting.instance.name


def _log_inherited(tx: Transaction, heir: Instance, source_id: int, desired: State) -> None:
    data = {"desired": msgspec.to_builtins(desired)}
    log(tx, "instance.inherited", deployment_id=source_id, instance=heir.name, data=data)


def _is_done(each: Convergence, instance: Instance) -> bool:
    """Tell whether one needs no place; a waiting one that falls silent does not, and waits anew when it returns."""
    return has_converged(instance, each.desired) if each.told_at is not None else not instance.reachable
