"""Brings instances that join or return after the end of a deployment to what they missed, a window at a time."""

from collections import Counter
from collections.abc import Iterable, Sequence

import msgspec

from dides.coordinator.transactions.record import event, record_event
from dides.engine.applying import WITHOUT_A_SLOT
from dides.engine.brake import fared, is_stopped
from dides.engine.inheritance import (
    Inheritance,
    change_for,
    converges_after,
    has_arrived,
    has_converged,
    has_missed,
    inherited,
    may_be_inherited,
    room_to_converge,
)
from dides.model.deployment import Deployment, Kind
from dides.model.instance import Instance
from dides.model.selector import parse_selector
from dides.model.state import State, Status
from dides.store.interface import Transaction
from dides.store.records import Convergence, NewAssignment


class Heritage:
    """What there is to inherit, read once for a unit of work, however many instances it is about."""

    def __init__(self, tx: Transaction) -> None:
        self._sources = [
            (parse_selector(source.selector or "").and_labels(source.labels), source)
            for source in tx.deployments.newest_completed()
        ]

    def of(self, instance: Instance) -> Inheritance | None:
        """Return what an instance inherits from the deployments that match it."""
        return inherited(source for selector, source in self._sources if selector.matches(instance.labels))


def enqueue(tx: Transaction, returned: Sequence[Instance], *, new: bool = False) -> bool:
    """Let instances that joined late or returned wait for what they missed; `new` ones are machines not seen before.

    Returns whether any waits now.
    """
    heritage = Heritage(tx) if returned else None
    waiting = [
        Convergence(instance=instance, source_id=inheritance.source.id, desired=desired)
        for instance in returned
        if heritage
        and (inheritance := heritage.of(instance))
        and (desired := change_for(instance.desired, inheritance))
        and (new or _missed(tx, instance, inheritance.source))
    ]
    tx.convergences.drop(instance.id for instance in returned)
    for place in waiting:
        tx.convergences.put(place)
    return bool(waiting)


def _missed(tx: Transaction, instance: Instance, source: Deployment) -> bool:
    its_target = next(iter(tx.targets.of(source.id, [instance.id])), None)
    assigner = None if instance.assigned_by is None else tx.deployments.get(instance.assigned_by)
    return has_missed(instance, source, its_target, assigner)


def settle(tx: Transaction, reported: Iterable[Instance]) -> bool:
    """Free the places of those that have arrived, failed or fallen silent; return whether there were any."""
    instances = {instance.id: instance for instance in reported}
    done = [place for place in tx.convergences.of(instances) if _is_done(place, instances[place.instance.id])]
    tx.convergences.drop(place.instance.id for place in done)
    ended = [(place.source_id, instances[place.instance.id]) for place in done if place.assigned_at is not None]
    arrived = [(source_id, heir) for source_id, heir in ended if has_arrived(heir)]
    tx.inventory.set_last_good({heir.id: heir.current for _, heir in arrived})
    failed = Counter(source_id for source_id, heir in ended if heir.status is Status.FAILED)
    _note(tx, Counter(source_id for source_id, _ in arrived), failed)
    return bool(done)


def expire(tx: Transaction) -> None:
    """Free the places of those that took too long."""
    overdue = tx.convergences.overdue(tx.now)
    tx.convergences.drop(place.instance.id for place in overdue)
    _note(tx, Counter(), Counter(place.source_id for place in overdue if place.instance.reachable))


def _note(tx: Transaction, arrived: Counter[int], failed: Counter[int]) -> None:
    """Count how heirs fared, by their source, and stop what has failed too often."""
    for source_id in sorted(arrived.keys() | failed.keys()):
        before = _source(tx, source_id)
        now = tx.deployments.save(fared(before, arrived=arrived[source_id], failed=failed[source_id], now=tx.now))
        if is_stopped(now) and not is_stopped(before):
            data = {"failed": now.brake.failed, "arrived": now.brake.arrived}
            record_event(tx, "convergence.stopped", deployment_id=source_id, data=data)


def admit(tx: Transaction) -> set[str]:
    """Tell as many of the waiting instances as have room; return their names."""
    assigned: set[str] = set()
    for source_id in tx.convergences.sources():
        source = _source(tx, source_id)
        if is_stopped(source):
            continue
        room = room_to_converge(source, tx.convergences.count_assigned(source_id))
        assigned |= {_assign(tx, source, waiting) for waiting in tx.convergences.waiting(source_id, room)}
    return assigned


def _source(tx: Transaction, source_id: int) -> Deployment:
    source = tx.deployments.get(source_id)
    assert source is not None, "what anybody waits for is not forgotten"
    return source


def follow_newest(tx: Transaction) -> None:
    """Let those wait for what has just completed who wait for something older, and inherit that now."""
    heritage = Heritage(tx)
    waiting = [place for source_id in tx.convergences.sources() for place in tx.convergences.waiting(source_id)]
    moved = [
        place.instance
        for place in waiting
        if (inheritance := heritage.of(place.instance)) is None or inheritance.source.id != place.source_id
    ]
    enqueue(tx, moved, new=True)


def give_way(tx: Transaction, deployment: Deployment, assigned: Iterable[int]) -> None:
    """Let the instances (ids) that a deployment assigns converge no longer.

    One that waited keeps its place, out of turn while the deployment is in flight: it may be stopped before the
    instance has read anything of it.
    """
    assigned = tuple(assigned)
    places = tx.convergences.of(assigned) if deployment.kind is Kind.DEPLOY else []
    waiting = {place.instance.id for place in places if place.assigned_at is None}
    tx.convergences.drop(number for number in assigned if number not in waiting)


def let_go(tx: Transaction, deployment: Deployment, restored: set[str]) -> None:
    """Forget the places of a deployment's targets at its end, but for those (names) that never read what it told.

    At the end of a rollback those of its instances wait again that had not yet converged when they were assigned.
    """
    places = tx.convergences.of_assigned_targets(deployment.id)
    tx.convergences.drop(place.instance.id for place in places if place.instance.name not in restored)
    if deployment.rollback_of is not None:
        _wait_again(tx, deployment.rollback_of, deployment.id, restored)


def _wait_again(tx: Transaction, undone_id: int, rollback_id: int, restored: set[str]) -> None:
    late = {target.instance: target for target in tx.targets.late(undone_id)}
    ids = [target.instance_id for target in late.values() if target.instance_id is not None]
    returned = {target.instance: target for target in tx.targets.of(rollback_id, ids)}
    instances = tx.inventory.many(returned)
    waiting = [
        instances[name]
        for name, target in returned.items()
        if converges_after(late[name], target, instances[name], taken_back=name in restored)
    ]
    enqueue(tx, waiting, new=True)


def inherit_anew(tx: Transaction, rollback: Deployment) -> set[str]:
    """Take what a rollback withdraws away from those who inherited it, or wait for it; return who was told so.

    They were nobody's targets, so its rollback does not return them. They inherit from what is left, a window at a
    time; where nothing is left, they are told nothing any more.
    """
    assigned: set[str] = set()
    for withdrawn in tx.deployments.withdrawn_by(rollback.id):
        enqueue(tx, [place.instance for place in tx.convergences.waiting(withdrawn.id)])
        assigned |= _disinherit(tx, withdrawn, rollback)
    return assigned


def inherit_again(tx: Transaction, reinstated: Iterable[Deployment]) -> None:
    """Let those from whom an aborted rollback had taken a state, or a place, wait for what they inherit now."""
    inheritable = [source for source in reinstated if may_be_inherited(source)]
    if not inheritable:
        return
    waiting = [place.instance for source in tx.convergences.sources() for place in tx.convergences.waiting(source)]
    assigned = [instance for source in inheritable for instance in tx.inventory.assigned_by(source.id)]
    enqueue(tx, [*waiting, *(instance for instance in assigned if instance.desired is None)], new=True)


def _disinherit(tx: Transaction, withdrawn: Deployment, rollback: Deployment) -> set[str]:
    heirs = tx.heirs.of(withdrawn.id)
    returned = {target.instance_id for target in tx.targets.of(rollback.id, (heir.id for heir in heirs))}
    heirs = [heir for heir in heirs if heir.id not in returned]
    tx.heirs.forget(withdrawn.id, (heir.id for heir in heirs))
    tx.convergences.drop(heir.id for heir in heirs)
    heritage = Heritage(tx)
    orphans = [heir for heir in heirs if not _wait_for_less(tx, heir, heritage.of(heir))]
    tx.inventory.assign([NewAssignment(orphan.id, None, withdrawn.id, WITHOUT_A_SLOT) for orphan in orphans])
    tx.events.append([event(tx, "instance.disinherited", instance=heir.name) for heir in heirs])
    return {orphan.name for orphan in orphans}


def _wait_for_less(tx: Transaction, heir: Instance, inheritance: Inheritance | None) -> bool:
    """Let an heir wait for what it inherits now; False when that is nothing."""
    if inheritance is None:
        return False
    source = inheritance.source.id
    tx.convergences.put(Convergence(instance=heir, source_id=source, desired=inheritance.state))
    return True


def _assign(tx: Transaction, source: Deployment, waiting: Convergence) -> str:
    deadline = tx.now + source.policy.update_timeout_ms
    tx.convergences.put(msgspec.structs.replace(waiting, assigned_at=tx.now, deadline_at=deadline))
    tx.inventory.assign([NewAssignment(waiting.instance.id, waiting.desired, source.id, WITHOUT_A_SLOT)])
    tx.heirs.add(source.id, [waiting.instance.id])
    _log_inherited(tx, waiting.instance, source.id, waiting.desired)
    return waiting.instance.name


def _log_inherited(tx: Transaction, heir: Instance, source_id: int, desired: State) -> None:
    data = {"desired": msgspec.to_builtins(desired)}
    record_event(tx, "instance.inherited", deployment_id=source_id, instance=heir.name, data=data)


def _is_done(place: Convergence, instance: Instance) -> bool:
    """Tell whether one needs no place; a waiting one that falls silent does not, and waits anew when it returns."""
    return has_converged(instance, place.desired) if place.assigned_at is not None else not instance.reachable
