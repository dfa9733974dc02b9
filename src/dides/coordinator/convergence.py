"""Brings instances that return after the end of a deployment to what they missed, a window at a time."""

from collections.abc import Iterable, Sequence

import msgspec

from dides.coordinator.journal import log
from dides.engine.inheritance import Inheritance, change_for, has_converged, inherited, room_to_converge
from dides.model.instance import Instance
from dides.model.selector import parse_selector
from dides.store.base import Transaction
from dides.store.records import Convergence, Telling


def inheritance_of(tx: Transaction, instance: Instance) -> Inheritance | None:
    """Return what an instance inherits from the deployments that match it."""
    return inherited(
        deployment
        for deployment in tx.deployments.completed()
        if parse_selector(deployment.selector or "").and_labels(deployment.labels).matches(instance.labels)
    )


def enqueue(tx: Transaction, returned: Sequence[Instance]) -> set[int]:
    """Let returned instances wait for what they missed; return the deployments that they wait for."""
    sources = set()
    for instance in returned:
        inheritance = inheritance_of(tx, instance)
        desired = change_for(instance.desired, inheritance)
        if inheritance is None or desired is None:
            continue
        source = inheritance.source.id
        tx.convergences.put(Convergence(instance=instance, source_id=source, desired=desired))
        sources.add(source)
    return sources


def settle(tx: Transaction, reported: Iterable[Instance]) -> set[int]:
    """Free the places of those that have arrived or failed; return the deployments whose places they were."""
    instances = {instance.id: instance for instance in reported}
    done = [
        each
        for each in tx.convergences.of(instances)
        if each.told_at is not None and has_converged(instances[each.instance.id], each.desired)
    ]
    tx.convergences.drop(each.instance.id for each in done)
    return {each.source_id for each in done}


def expire(tx: Transaction) -> set[int]:
    """Free the places of those that took too long; return the deployments whose places they were."""
    late = tx.convergences.overdue(tx.now)
    tx.convergences.drop(each.instance.id for each in late)
    return {each.source_id for each in late}


def admit(tx: Transaction, sources: Iterable[int]) -> set[str]:
    """Tell as many of the waiting instances as have room; return their names."""
    told: set[str] = set()
    for source_id in sources:
        source = tx.deployments.get(source_id)
        if source is None:
            continue
        room = room_to_converge(source, tx.convergences.told(source_id))
        for waiting in tx.convergences.waiting(source_id, room):
            deadline = tx.now + source.policy.update_timeout_ms
            tx.convergences.put(msgspec.structs.replace(waiting, told_at=tx.now, deadline_at=deadline))
            tx.inventory.tell([Telling(waiting.instance.id, waiting.desired, source_id)])
            data = {"desired": msgspec.to_builtins(waiting.desired)}
            log(tx, "instance.inherited", deployment_id=source_id, instance=waiting.instance.name, data=data)
            told.add(waiting.instance.name)
    return told
