"""What reports, and silence, mean for the deployment in flight: noted with its targets, and in its totals."""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from dides.engine.availability import change_at_report
from dides.engine.lapse import after_replacement, is_watched, tally_lapse
from dides.engine.verdict import matters, note, silenced
from dides.model.deployment import Deployment, Target, TargetState
from dides.model.instance import Instance, Report
from dides.model.state import Status
from dides.store.interface import Transaction
from dides.store.records import MustBeAloneError

Targets = dict[int, Target]
"""Targets of the deployment in flight, by instance id."""


def targets_of(tx: Transaction, deployment: Deployment | None, instances: Iterable[Instance]) -> Targets:
    """Return the targets of these instances in the deployment in flight, if there is one."""
    if deployment is None:
        return {}
    found = tx.targets.of(deployment.id, (instance.id for instance in instances))
    return {target.instance_id: target for target in found if target.instance_id is not None}


def apply_reports(
    tx: Transaction,
    deployment: Deployment,
    targets: Targets,
    heard: Sequence[tuple[Instance, Report]],
    before: Sequence[Instance],
) -> bool:
    """Write down what heartbeats mean for the deployment; return whether a step is due.

    `before` are the senders as they were, `heard` the reports, each with its sender as the report leaves it.
    """
    known = dict(targets)
    step_due = _note(tx, deployment, targets, heard)
    after = {instance.id: instance.status for instance, _ in heard}
    changed = _with_returned(tx, _with_lapses(deployment, known, targets), targets, before)
    changed = _with_availability(tx, changed, targets, before, after)
    if changed == deployment:
        return step_due
    if not tx.alone:
        raise MustBeAloneError
    tx.deployments.save(changed)
    has_room = changed.counts.unavailable < deployment.counts.unavailable
    return step_due or has_room or changed.counts.deferred < deployment.counts.deferred


def apply_duplicates(tx: Transaction, targets: Targets, duplicated: Iterable[int]) -> bool:
    """Mark the targets of instances (ids) as which two agents report; return whether a step is due."""
    wanted = [targets[number] for number in duplicated if number in targets]
    marked = [target for target in wanted if target.state in (TargetState.UPDATING, TargetState.SUCCEEDED)]
    if marked:
        tx.targets.note(marked, marked=True)
    return bool(marked)


def apply_silence(tx: Transaction, gone: Sequence[Instance]) -> None:
    """Write down that instances, here as they were before, have been silent for their time to live."""
    deployment = tx.deployments.in_flight() if gone else None
    targets = targets_of(tx, deployment, gone)
    if deployment is None or not targets:
        return
    fallen_silent = _silenced(tx, deployment, targets, gone)
    tx.targets.note(fallen_silent, marked=False)
    quiet = {target.instance_id: target for target in fallen_silent if target.instance_id is not None}
    changed = _with_lapses(deployment, targets, quiet)
    changed = _with_availability(tx, changed, targets, gone, dict.fromkeys(targets, Status.UNKNOWN))
    if changed != deployment:
        tx.deployments.save(changed)


def end_success(tx: Transaction, instance: Instance) -> bool:
    """Write down that another machine has taken up the name of an instance; return whether that ends a success."""
    deployment = tx.deployments.in_flight()
    target = targets_of(tx, deployment, [instance]).get(instance.id)
    if deployment is None or target is None or not is_watched(target):
        return False
    replaced = after_replacement(target)
    tx.targets.note([replaced], marked=replaced.state is TargetState.SUCCEEDED)
    tx.deployments.save(tally_lapse(deployment, target, replaced))
    return True


def _silenced(tx: Transaction, deployment: Deployment, targets: Targets, gone: Sequence[Instance]) -> list[Target]:
    """Return the targets that silence changes, as it leaves them."""
    changed = []
    for instance in gone:
        target = targets.get(instance.id)
        if target is None or not (target.state is TargetState.UPDATING or is_watched(target)):
            continue
        since = instance.last_heartbeat_at or tx.now
        quiet = silenced(target, tx.now, deployment, since)
        if quiet is not target:
            changed.append(quiet)
    return changed


def _with_lapses(deployment: Deployment, before: Targets, after: Targets) -> Deployment:
    """Return the deployment with its totals once these targets have changed."""
    for number, target in after.items():
        deployment = tally_lapse(deployment, before[number], target)
    return deployment


def _note(tx: Transaction, deployment: Deployment, targets: Targets, heard: Sequence[tuple[Instance, Report]]) -> bool:
    """Write down what the reports say of told targets; return whether any of it calls for a step."""
    noted: dict[int, tuple[Target, bool]] = {}
    for instance, report in heard:
        target = targets.get(instance.id)
        if target is None or not (target.state is TargetState.UPDATING or is_watched(target)):
            continue
        changed = note(target, report, deployment)
        if changed is not target:
            marked = noted.get(instance.id, (target, False))[1] or matters(target, changed, report.at)
            noted[instance.id] = changed, marked
            targets[instance.id] = changed
    tx.targets.note([target for target, marked in noted.values() if marked], marked=True)
    tx.targets.note([target for target, marked in noted.values() if not marked], marked=False)
    return any(marked for _, marked in noted.values())


def _with_returned(tx: Transaction, deployment: Deployment, targets: Targets, before: Sequence[Instance]) -> Deployment:
    """Make the pending targets among those that returned candidates again."""
    known = (targets[instance.id] for instance in before if not instance.reachable and instance.id in targets)
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
    known = [instance for instance in before if instance.id in targets and instance.id in after]
    change = sum(change_at_report(targets[instance.id], instance.status, after[instance.id]) for instance in known)
    marks = {instance.id: after[instance.id] is not Status.HEALTHY for instance in known}
    tx.targets.set_unhealthy(
        [
            msgspec.structs.replace(targets[number], unhealthy=unhealthy)
            for number, unhealthy in marks.items()
            if targets[number].unhealthy is not unhealthy
        ]
    )
    counts = msgspec.structs.replace(deployment.counts, unavailable=deployment.counts.unavailable + change)
    return msgspec.structs.replace(deployment, counts=counts)
