"""Properties of what is undone, stopped, or taken up by another machine."""

from collections.abc import Iterator

from simulator.checker.history import Memory, inherited
from simulator.checker.rows import FAILED, HEALTHY, ConvergenceRow, DeploymentRow, InstanceRow, meets
from simulator.checker.snapshots import Change

NOTHING = (None, None)


def rollbacks_undo_something(change: Change, _: Memory) -> Iterator[str]:
    """A deployment that has ended and assigned nothing is not rolled back: its rollback would only downgrade."""
    for undone, rollback in _rollbacks_begun(change):
        before = change.before.deployments.get(undone.id)
        if before and not before.in_flight and not any(each.assigned_at for each in change.after.targets_of(undone.id)):
            yield f"rollback {rollback.id} undoes deployment {undone.id}, which assigned nothing"


def rollbacks_leave_later_ones_alone(change: Change, _: Memory) -> Iterator[str]:
    """A deployment is not rolled back while a later one, which is not undone, has updated one of its instances."""
    for undone, rollback in _rollbacks_begun(change):
        touched = {each.instance_id for each in change.after.targets_of(undone.id) if each.assigned_at} - {None}
        for later in change.after.deployments.values():
            if later.id <= undone.id or later.kind != "deploy" or later.withdrawn:
                continue
            its = {each.instance_id for each in change.after.targets_of(later.id) if each.assigned_at and each.wave}
            if its & touched:
                yield f"rollback {rollback.id} undoes deployment {undone.id} and with it {later.id}, which came later"


def ended_successes_are_not_good(change: Change, memory: Memory) -> Iterator[str]:
    """A success that ends was none: last good is again what it was before its deployment."""
    for before, after in change.settled:
        instance = change.after.instances.get(after.instance_id or 0)
        if before.state != "succeeded" or instance is None:
            continue
        good = memory.stories[after.deployment_id].had[instance.id][0]
        if instance.last_good != good:
            yield f"{after.instance} was good at {good}, has left {after.to}, and is good at {instance.last_good}"


def found_in_place_is_good(change: Change, _: Memory) -> Iterator[str]:
    """What a deployment finds HEALTHY at its target is good as it is: rollbacks return the instance there."""
    for _before, target in change.assigned_targets:
        was = change.before.instances.get(target.instance_id or 0)
        now = change.after.instances.get(target.instance_id or 0)
        if target.already and was and now and now.last_good != was.current:
            yield f"{target.instance} was found at {was.current}, and counts as good at {now.last_good}"


def forgotten_ones_are_not_needed(change: Change, _: Memory) -> Iterator[str]:
    """A deployment is forgotten only when it has ended, and no instance has, inherits or awaits its state, or holds it.

    An instance holds it that it has updated, and no later one since that is not undone: it can be rolled back.
    """
    gone = [row for before, row in change.deployments if row and row.forgotten and not (before and before.forgotten)]
    if not gone:
        return
    ids = {row.id for row in gone}
    kept = {row.id: row for row in change.after.deployments.values() if not row.forgotten}
    for instance in change.after.instances.values():
        if instance.assigned_by in ids:
            yield f"deployment {instance.assigned_by} is forgotten, from which {instance.name} has its state"
        if inherited(instance.labels, change.after.deployments) != inherited(instance.labels, kept):
            yield f"a deployment of {sorted(ids)} is forgotten, from which {instance.name} would inherit"
    awaited = {place.source_id for place in change.after.convergences.values()}
    for row in gone:
        if row.in_flight or row.id in awaited or (held := _held_by(change, row)):
            why = "is in flight" if row.in_flight else "is awaited" if row.id in awaited else f"is held by {held}"
            yield f"deployment {row.id} is forgotten, and {why}"


def newcomers_begin_anew(change: Change, _: Memory) -> Iterator[str]:
    """Another machine under a silent name has no past, and is not told what the earlier one was to be."""
    for before, after in change.instances:
        if before is None or after is None or not _is_another(before, after):
            continue
        if after.current != NOTHING or after.last_good != NOTHING:
            yield f"{after.name} is another machine, and counts as good at {after.last_good}, at {after.current} now"
        is_kept = after.desired == before.desired != NOTHING and after.generation == before.generation
        if is_kept and before.assigned_by is not None and not _holds_in_flight(change, after):
            yield f"{after.name} is another machine, and is to be {after.desired} as the earlier one"


def places_are_earned(change: Change, memory: Memory) -> Iterator[str]:
    """An heir holds its place until it has arrived, failed or fallen silent, or has taken too long."""
    told = {after.id for _, after in change.assignments}
    ended = any(before and row and before.status != row.status for before, row in change.deployments)
    for place, now in change.convergences:
        if place is None or place.assigned_at is None or now is not None or ended or place.instance_id in told:
            continue
        was = change.before.instances.get(place.instance_id)
        instance = change.after.instances.get(place.instance_id)
        if was is None or instance is None or not was.reachable or was.registered_at != instance.registered_at:
            continue
        overdue_at = place.assigned_at + memory.stories[place.source_id].policy["update_timeout"] * 1000
        if _is_on_its_way(place, instance) and change.now < overdue_at:
            yield f"{instance.name} at {instance.current} has lost its place, and is to be {place.desired}"


def _is_on_its_way(place: ConvergenceRow, instance: InstanceRow) -> bool:
    arrived = instance.status == HEALTHY and meets(instance.current, place.desired)
    return bool(instance.reachable) and instance.status != FAILED and not arrived


def _held_by(change: Change, row: DeploymentRow) -> list[str]:
    """Return the instances that a deployment has updated, and no later one since that is not undone.

    An instance whose state a later deployment set, without having found it there, has inherited that state.
    """
    if row.kind != "deploy" or row.withdrawn:
        return []
    others = change.after.deployments.values()
    later = {other.id for other in others if other.id > row.id and other.kind == "deploy" and not other.withdrawn}
    targets = [target for target in change.after.targets.values() if target.deployment_id in later]
    since = {target.instance_id for target in targets if target.wave}
    found = {target.instance_id for target in targets if target.already}
    updated = [target for target in change.after.targets_of(row.id) if target.wave and target.instance_id not in since]
    instances = [change.after.instances.get(target.instance_id or 0) for target in updated]
    return [its.name for its in instances if its and (its.id in found or its.assigned_by not in later)]


def _rollbacks_begun(change: Change) -> Iterator[tuple[DeploymentRow, DeploymentRow]]:
    """Yield each rollback that begins with a change, after the deployment that it undoes."""
    for before, row in change.deployments:
        if before is None and row is not None and row.rollback_of is not None:
            yield change.after.deployments[row.rollback_of], row


def _is_another(before: InstanceRow, after: InstanceRow) -> bool:
    """Tell whether another machine has registered under a name: it has not reported yet."""
    registered = after.registered_at != before.registered_at
    return registered and before.last_heartbeat_at is not None and after.last_heartbeat_at is None


def _holds_in_flight(change: Change, instance: InstanceRow) -> bool:
    """Tell whether a deployment in flight has told an instance something: that holds for another machine, too."""
    return any(
        target.instance_id == instance.id and target.assigned_at is not None
        for row in change.after.in_flight()
        for target in change.after.targets_of(row.id)
    )
