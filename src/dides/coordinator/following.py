"""What reports, and silence, mean for the deployment in flight: noted with its targets, and in its totals."""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from dides.engine.availability import change_at_report
from dides.engine.verdict import matters, note, silenced
from dides.model.deployment import Deployment, Target, TargetState
from dides.model.instance import Instance, Report
from dides.model.state import Status
from dides.store.base import Transaction
from dides.store.records import MustBeAloneError

Targets = dict[int, Target]
"""Targets of the deployment in flight, by instance id."""


def targets_of(tx: Transaction, deployment: Deployment | None, instances: Iterable[Instance]) -> Targets:
    """Return the targets of these instances in the deployment in flight, if there is one."""
    if deployment is None:
        return {}
    found = tx.targets.of(deployment.id, (instance.id for instance in instances))
    return {target.instance_id: target for target in found if target.instance_id is not None}


def follow_reports(
    tx: Transaction,
    deployment: Deployment,
    targets: Targets,
    heard: Sequence[tuple[Instance, Report]],
    before: Sequence[Instance],
) -> bool:
    """Write down what heartbeats mean for the deployment; return whether a step is due.

    `before` are the senders as they were, `heard` the reports, each with its sender as the report leaves it.
    """
    step_due = _note(tx, deployment, targets, heard)
    after = {instance.id: instance.status for instance, _ in heard}
    changed = _with_returned(tx, deployment, targets, before)
    changed = _with_availability(tx, changed, targets, before, after)
    if changed == deployment:
        return step_due
    if not tx.alone:
        raise MustBeAloneError
    tx.deployments.save(changed)
    has_room = changed.counts.unavailable < deployment.counts.unavailable
    return step_due or has_room or changed.counts.deferred < deployment.counts.deferred


def follow_silence(tx: Transaction, gone: Sequence[Instance]) -> None:
    """Write down that instances, here as they were before, have been silent for their time to live."""
    deployment = tx.deployments.in_flight() if gone else None
    targets = targets_of(tx, deployment, gone)
    if deployment is None or not targets:
        return
    tx.targets.reschedule(
        [
            quiet
            for target in targets.values()
            if target.state is TargetState.UPDATING and (quiet := silenced(target, tx.now)) is not target
        ]
    )
    changed = _with_availability(tx, deployment, targets, gone, dict.fromkeys(targets, Status.UNKNOWN))
    if changed != deployment:
        tx.deployments.save(changed)


def _note(tx: Transaction, deployment: Deployment, targets: Targets, heard: Sequence[tuple[Instance, Report]]) -> bool:
    """Write down what the reports say of told targets; return whether any of it calls for a step."""
    noted: dict[int, tuple[Target, bool]] = {}
    for instance, report in heard:
        target = targets.get(instance.id)
        if target is None or target.state not in (TargetState.UPDATING, TargetState.SUCCEEDED):
            continue
        changed = note(target, report, deployment.policy)
        if changed is not target:
            marked = noted.get(instance.id, (target, False))[1] or matters(target, changed, report.at)
            noted[instance.id] = changed, marked
            targets[instance.id] = changed
    tx.targets.note([target for target, marked in noted.values() if marked], marked=True)
    tx.targets.note([target for target, marked in noted.values() if not marked], marked=False)
    return any(marked for _, marked in noted.values())


def _with_returned(tx: Transaction, deployment: Deployment, targets: Targets, before: Sequence[Instance]) -> Deployment:
    """Make the pending targets among those that returned candidates again."""
    known = (targets[each.id] for each in before if not each.reachable and each.id in targets)
    back = [target for target in known if target.deferred]
    tx.targets.undefer(back)
    counts = deployment.counts
    counts = msgspec.structs.replace(counts, deferred=counts.deferred - len(back))
    return msgspec.structs.replace(deployment, counts=counts)


def _with_availability(
    tx: Transaction,
    deployment: Deployment,
    targets: Targets,
    before: Sequence[Instance],
    after: Mapping[int, Status],
) -> Deployment:
    """Keep who is not HEALTHY, and the count of unavailable instances, where `max_unavailable` needs them."""
    if deployment.max_unavailable is None:
        return deployment
    known = [each for each in before if each.id in targets and each.id in after]
    change = sum(change_at_report(targets[each.id], each.status, after[each.id]) for each in known)
    marks = {each.id: after[each.id] is not Status.HEALTHY for each in known}
    tx.targets.set_unhealthy(
        [
            msgspec.structs.replace(targets[number], unhealthy=unhealthy)
            for number, unhealthy in marks.items()
            if targets[number].unhealthy is not unhealthy
        ]
    )
    counts = msgspec.structs.replace(deployment.counts, unavailable=deployment.counts.unavailable + change)
    return msgspec.structs.replace(deployment, counts=counts)
