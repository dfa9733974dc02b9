"""Takes heartbeats in: one unit of work for as many as have gathered."""

from collections.abc import Iterable, Sequence

import msgspec
from msgspec import UNSET

from dides.coordinator import convergence
from dides.coordinator.journal import event
from dides.engine.rollback import last_good_after
from dides.engine.verdict import NO_TIMEOUTS, judge, note
from dides.model.deployment import Deployment, Target, TargetState
from dides.model.instance import Instance, Report
from dides.model.state import State
from dides.protocol.messages import Heartbeat
from dides.store.base import Transaction
from dides.store.records import Event


class Incoming(msgspec.Struct, frozen=True):
    """One heartbeat, and the moment (ms) at which it was received."""

    name: str
    heartbeat: Heartbeat
    at: int


class TakenIn(msgspec.Struct):
    """What became of a batch of heartbeats."""

    instances: dict[str, Instance]
    """The senders that exist, as they are now, by name."""
    step_due: bool
    told: set[str]
    """Instances whose desired state changed: they had missed a deployment, and it is their turn."""


def take_in(tx: Transaction, batch: Sequence[Incoming]) -> TakenIn:
    """Store a batch of heartbeats and what they mean; one that changes nothing but the time leaves no event."""
    before = tx.inventory.many({incoming.name for incoming in batch})
    deployment = tx.deployments.in_flight()
    targets = _targets(tx, deployment, before.values())
    after = dict(before)
    heard: list[tuple[Instance, Report]] = []
    for incoming in batch:
        if incoming.name in after:
            report = merge(after[incoming.name], incoming)
            after[incoming.name] = apply(after[incoming.name], report)
            heard.append((after[incoming.name], report))
    tx.inventory.record(list(after.values()))
    tx.events.append([news for name in before if (news := _news(tx, before[name], after[name]))])
    returned = [after[name] for name in before if not before[name].reachable]
    step_due = _note(tx, deployment, targets, heard) if deployment else False
    step_due |= _undefer(tx, deployment, targets, returned) if deployment else False
    left = convergence.settle(tx, after.values())
    came = convergence.enqueue(tx, [each for each in returned if not _was_told(targets.get(each.id))])
    told = convergence.admit(tx) if left or came else set()
    if told:
        after |= {name: instance for name, instance in tx.inventory.many(told).items() if name in after}
    return TakenIn(after, step_due, told)


def merge(instance: Instance, incoming: Incoming) -> Report:
    """Return what an instance reports, with what it leaves out as it was; a status alone clears the message."""
    heartbeat = incoming.heartbeat
    current = State(
        instance.current.code_version if heartbeat.code_version is UNSET else heartbeat.code_version,
        instance.current.configuration_version
        if heartbeat.configuration_version is UNSET
        else heartbeat.configuration_version,
    )
    kept = instance.message if heartbeat.status is UNSET else ""
    return Report(
        at=incoming.at,
        status=instance.status if heartbeat.status is UNSET else heartbeat.status,
        says_status=heartbeat.status is not UNSET,
        current=current,
        observed=None if heartbeat.observed is UNSET else heartbeat.observed,
        message=kept if heartbeat.message is UNSET else heartbeat.message,
    )


def apply(instance: Instance, report: Report) -> Instance:
    """Return the instance as a report leaves it."""
    return msgspec.structs.replace(
        instance,
        status=report.status,
        current=report.current,
        message=report.message,
        last_good=last_good_after(instance, report),
        last_heartbeat_at=report.at,
        reachable=True,
    )


def _news(tx: Transaction, before: Instance, after: Instance) -> Event | None:
    """Return the event of a heartbeat that changed something, None for one that did not."""
    data: dict[str, object] = {}
    if not before.reachable:
        data["returned"] = True
    if before.status is not after.status:
        data["status"] = after.status.name
        data["message"] = after.message
    if before.current != after.current:
        data["current"] = msgspec.to_builtins(after.current)
    if not data:
        return None
    return event(tx, "instance.reported", after.name, instance=after.name, deployment_id=after.told_by, data=data)


def _targets(tx: Transaction, deployment: Deployment | None, senders: Iterable[Instance]) -> dict[int, Target]:
    """Return the senders' targets in the deployment in flight, by instance id."""
    if deployment is None:
        return {}
    found = tx.targets.of(deployment.id, (instance.id for instance in senders))
    return {target.instance_id: target for target in found if target.instance_id is not None}


def _note(
    tx: Transaction, deployment: Deployment, targets: dict[int, Target], heard: Sequence[tuple[Instance, Report]]
) -> bool:
    """Write down what the reports say of told targets; return whether any of it calls for a verdict."""
    noted: dict[int, Target] = {}
    for instance, report in heard:
        target = targets.get(instance.id)
        if target is None or target.state not in (TargetState.UPDATING, TargetState.SUCCEEDED):
            continue
        changed = note(target, report)
        if changed is not target:
            targets[instance.id] = noted[instance.id] = changed
    due: list[Target] = []
    quiet: list[Target] = []
    for target in noted.values():
        (due if judge(target, NO_TIMEOUTS) else quiet).append(target)
    tx.targets.note(due, marked=True)
    tx.targets.note(quiet, marked=False)
    return bool(due)


def _undefer(tx: Transaction, deployment: Deployment, targets: dict[int, Target], returned: Sequence[Instance]) -> bool:
    """Make the pending targets among those that returned candidates again; return whether there were any."""
    back = [targets[each.id] for each in returned if each.id in targets and targets[each.id].deferred]
    if not back:
        return False
    tx.targets.undefer(back)
    counts = msgspec.structs.replace(deployment.counts, deferred=deployment.counts.deferred - len(back))
    tx.deployments.save(msgspec.structs.replace(deployment, counts=counts))
    return True


def _was_told(target: Target | None) -> bool:
    return target is not None and target.told_at is not None
