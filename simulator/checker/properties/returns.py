"""Properties of what comes after a deployment: its rollback, and what later instances inherit."""

from collections.abc import Iterator

from simulator.checker.history import Memory, inherited
from simulator.checker.rows import ConvergenceRow, DeploymentRow, over
from simulator.checker.snapshots import Change

LIMIT_ONCE_ARRIVED = 3
"""The version works, so that one or two failures of heirs may have other causes."""


def rollbacks_return_all(change: Change, _: Memory) -> Iterator[str]:
    """A rollback has every touched target that no earlier one of the same deployment has restored, and no other."""
    for before, row in change.deployments:
        if before is not None or row is None or row.rollback_of is None:
            continue
        undone = change.after.targets_of(row.rollback_of)
        restored = _restored_before(change, row)
        touched = {
            each.instance
            for each in undone
            if each.assigned_at is not None and each.instance_id is not None and each.instance_id not in restored
        }
        its = {each.instance for each in change.after.targets_of(row.id)}
        if touched != its:
            yield f"rollback {row.id} is for {sorted(its)}, deployment {row.rollback_of} touched {sorted(touched)}"


def returned_have_what_they_had(change: Change, memory: Memory) -> Iterator[str]:
    """After a rollback every instance is to be what it was before the undone deployment touched it."""
    for before, row in change.deployments:
        over_now = before and row and before.in_flight and row.status in ("completed", "failed")
        if not over_now or row is None or row.rollback_of is None:
            continue
        undone = memory.stories[row.rollback_of]
        managed = {each.instance_id: each.to for each in change.after.targets_of(row.rollback_of)}
        for target in change.after.targets_of(row.id):
            instance = change.after.instances.get(target.instance_id or 0)
            if instance and instance.desired != (had := undone.had_before(instance.id, managed[instance.id])):
                yield f"{instance.name} had {had}, and after rollback {row.id} it is to be {instance.desired}"


def rollbacks_undo_once(change: Change, memory: Memory) -> Iterator[str]:
    """A rollback undoes a deployment of kind deploy, and none that another rollback has undone with success."""
    for before, row in change.deployments:
        if before is None and row and row.rollback_of is not None:
            undone = memory.stories[row.rollback_of].row
            others = [each.id for each in _rollbacks_before(change, row) if each.status not in ("aborted", "failed")]
            if undone.kind != "deploy" or others:
                yield f"deployment {row.rollback_of} of kind {undone.kind} is undone by {others}"


def only_completed_are_inherited(change: Change, _: Memory) -> Iterator[str]:
    """Inherited is the newest completed, not undone deployment that matches; failed and aborted ones never."""
    for _before, row in change.convergences:
        if row is None:
            continue
        earlier = [each for each in change.before.convergences.values() if each.instance_id == row.instance_id]
        if row.assigned_at is not None and any(each.desired == row.desired for each in earlier):
            source = change.after.deployments[row.source_id]
            if row.assigned_at == change.now and source.withdrawn:
                yield f"instance {row.instance_id} inherits from {source.id}, which is undone"
        elif not _inherits(change, row):
            yield f"instance {row.instance_id} is to inherit {row.desired}, which it may not"


def converging_keep_the_window(change: Change, memory: Memory) -> Iterator[str]:
    """Instances that joined or returned late inherit at most the deployment's `batch_size` at a time."""
    for _before, row in change.convergences:
        if row is None or row.assigned_at is None:
            continue
        told = [
            each for each in change.after.convergences.values() if each.assigned_at and each.source_id == row.source_id
        ]
        if len(told) > memory.stories[row.source_id].window:
            yield f"{len(told)} instances converge on deployment {row.source_id} at once"


def failing_heirs_stop_convergence(change: Change, memory: Memory) -> Iterator[str]:
    """Once so many heirs of a deployment have failed in a row nobody inherits from it, before an operator lets them."""
    for before, row in change.convergences:
        if (
            row is None
            or row.assigned_at is None
            or (before and before.assigned_at)
            or change.by in memory.heirs.releasing
        ):
            continue
        source = change.after.deployments[row.source_id]
        story = memory.stories[source.id]
        failed, limit = memory.heirs.failed(source.id), min(story.threshold(source), story.window)
        if failed >= (max(limit, LIMIT_ONCE_ARRIVED) if memory.heirs.arrived(source.id) else limit):
            yield f"instance {row.instance_id} is told to inherit from {source.id}, at which {failed} heirs have failed"


def _rollbacks_before(change: Change, row: DeploymentRow) -> list[DeploymentRow]:
    """Return the earlier rollbacks of what a rollback undoes."""
    return [
        each for each in change.before.deployments.values() if each.rollback_of == row.rollback_of and each.id < row.id
    ]


def _restored_before(change: Change, row: DeploymentRow) -> set[int | None]:
    """Return the instances that earlier rollbacks have returned, or had nothing to return to."""
    targets = [each for earlier in _rollbacks_before(change, row) for each in change.before.targets_of(earlier.id)]
    return {each.instance_id for each in targets if each.state == "succeeded" or each.reason == "nothing to return to"}


def _inherits(change: Change, row: ConvergenceRow) -> bool:
    instance = change.after.instances[row.instance_id]
    before = change.before.instances.get(row.instance_id)
    heritage = inherited(instance.labels, change.after.deployments)
    source: DeploymentRow = change.after.deployments[row.source_id]
    rightful = {heritage, over(heritage, before.desired if before else (None, None))}
    return not source.withdrawn and heritage != (None, None) and row.desired in rightful
