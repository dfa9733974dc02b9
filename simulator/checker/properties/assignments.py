"""Properties of what instances are told: by whom, what, and when."""

from collections.abc import Iterator

from simulator.checker.history import Memory
from simulator.checker.rows import HEALTHY, DeploymentRow, InstanceRow, Pair, TargetRow, meets, over
from simulator.checker.snapshots import Change

NOTHING: Pair = (None, None)


def generations_rise(change: Change, _: Memory) -> Iterator[str]:
    """Setting a desired state raises the instance's generation; it never falls."""
    for before, after in change.instances:
        if before is None or after is None:
            continue
        if after.generation < before.generation:
            yield f"the generation of {after.name} fell from {before.generation} to {after.generation}"
        if after.desired != before.desired and after.generation == before.generation:
            yield f"the desired state of {after.name} changed under generation {after.generation}"


def targets_are_reassigned(change: Change, _: Memory) -> Iterator[str]:
    """Every update, retry and rollback assigns anew: under a generation of its own, even of an equal state."""
    for _before, target in change.assigned_targets:
        instance = change.before.instances.get(target.instance_id or 0)
        if instance and target.generation <= instance.generation:
            yield f"{target.instance} was told under generation {target.generation}, which it had already"


def only_legal_states_are_assigned(change: Change, memory: Memory) -> Iterator[str]:
    """No instance is told a version outside its deployment, its rollback or its inheritance."""
    for before, after in change.assignments:
        legal = list(_legal(change, memory, before))
        if after.desired not in legal:
            yield f"{after.name} was told {after.desired}, where it may be told {legal or 'nothing'} only"


def reachable_ones_are_assigned(change: Change, _: Memory) -> Iterator[str]:
    """One that is unreachable when its turn comes takes no slot: it is put off, untold."""
    for before, target in change.assigned_targets:
        instance = change.before.instances.get(target.instance_id or 0)
        first = before is None or before.state == "pending"
        if instance and first and target.state == "updating" and not instance.reachable:
            yield f"{target.instance} was told while it was unreachable"


def unread_states_are_taken_back(change: Change, memory: Memory) -> Iterator[str]:
    """A stopped target that is not known to have read its new state gets its earlier one back."""
    told = {after.id for _, after in change.assignments}
    for before, after in change.settled:
        if before.state != "updating" or after.reason != "stopped while updating" or after.instance_id in told:
            continue
        assignment = memory.stories[after.deployment_id].assigned.get(after.id)
        reports = memory.reports.get(after.instance_id or 0, [])
        if assignment and before.attempt == 1 and not any(each.counts(assignment) for each in reports):
            yield f"{after.instance} was stopped, had not read {after.to}, and keeps it"


def read_states_are_kept(change: Change, memory: Memory) -> Iterator[str]:
    """A stopped target that has read its new state, in whichever attempt, gets nothing back but by a rollback."""
    told = {after.id: after for _, after in change.assignments}
    for before, after in change.settled:
        instance = told.get(after.instance_id or 0)
        if before.state != "updating" or after.reason != "stopped while updating" or instance is None:
            continue
        if after.id in memory.read and instance.assigned_by == after.deployment_id:
            yield f"{after.instance} had read {after.to}, was stopped, and is told {instance.desired}"


def skipped_are_there(change: Change, memory: Memory) -> Iterator[str]:
    """Only one that is at the target already, and HEALTHY, is `skipped: already at target`, and not if it is forced."""
    for _before, target in change.assigned_targets:
        if target.state != "skipped" or target.reason != "already at target":
            continue
        instance = change.before.instances.get(target.instance_id or 0)
        there = instance and instance.status == HEALTHY and instance.reachable and meets(instance.current, target.to)
        forced = memory.stories[target.deployment_id].setting("force")
        if not there or forced or change.after.deployments[target.deployment_id].kind == "rollback":
            yield f"{target.instance} was skipped as already at {target.to}, where it is not"


def _legal(change: Change, memory: Memory, instance: InstanceRow) -> Iterator[Pair]:
    """Yield what an instance, here as it was before, may be told by this change."""
    for before, target in change.targets:
        if target is not None and target.instance_id == instance.id:
            yield from _by_target(change, memory, instance, before, target)
    waited = _waiting(change, instance.id)
    now = change.after.instances.get(instance.id)
    if now is not None and now.registered_at != instance.registered_at:
        yield NOTHING  # Another machine under this name: it is not told what the earlier one was to be.
    for row in change.after.convergences.values():
        if row.instance_id == instance.id and row.assigned_at == change.now:
            yield row.desired
    for before_row, row_after in change.deployments:
        undone = before_row and row_after and not before_row.withdrawn and row_after.withdrawn
        if undone and row_after and not waited and _is_no_target(change, row_after, instance):
            yield NOTHING


def _by_target(
    change: Change, memory: Memory, instance: InstanceRow, before: TargetRow | None, target: TargetRow
) -> Iterator[Pair]:
    story, row = memory.stories[target.deployment_id], change.after.deployments[target.deployment_id]
    told = target.attempt > (before.attempt if before else 0)
    if told and before is not None and before.state == "updating":
        yield before.to
    elif told and story.rolls_back:
        yield memory.stories[row.rollback_of or 0].had_before(instance.id, _managed(change, row.rollback_of, instance))
    elif told:
        waits = _waiting(change, instance.id)
        yield over(row.to, waits[0] if waits else instance.desired)
    if row.in_flight or target.state != "skipped":
        return
    if before and before.state == "updating":
        yield story.had[instance.id][2]
        if undone := memory.stories.get(row.rollback_of or 0):
            # The rollback began in the transaction that stopped what it undoes, and gave the instance that back first.
            yield undone.had[instance.id][2]
    if target.reason == "unreachable" and story.rolls_back:
        yield memory.stories[row.rollback_of or 0].had_before(instance.id, _managed(change, row.rollback_of, instance))


def _is_no_target(change: Change, row: DeploymentRow, instance: InstanceRow) -> bool:
    """Tell whether an instance may have inherited a deployment's state: that deployment has told it nothing."""
    its = (each for each in change.after.targets_of(row.id) if each.instance_id == instance.id)
    return all(each.assigned_at is None for each in its)


def _managed(change: Change, deployment_id: int | None, instance: InstanceRow) -> Pair:
    """Return what a deployment told an instance: a rollback returns the versions that it named."""
    its = (each for each in change.after.targets_of(deployment_id or 0) if each.instance_id == instance.id)
    return next((each.to for each in its), NOTHING)


def _waiting(change: Change, instance_id: int) -> list[Pair]:
    """Return what an instance waited to inherit before the change."""
    rows = change.before.convergences.values()
    return [each.desired for each in rows if each.instance_id == instance_id and each.assigned_at is None]
