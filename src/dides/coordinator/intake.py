"""Takes heartbeats in: one unit of work for as many as have gathered."""

from collections.abc import Sequence

import msgspec
from msgspec import UNSET

from dides.coordinator import convergence
from dides.coordinator.following import follow_reports, targets_of
from dides.coordinator.journal import event
from dides.engine.rollback import last_good_after
from dides.model.deployment import Target
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
    targets = targets_of(tx, deployment, before.values())
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
    step_due = follow_reports(tx, deployment, targets, heard, list(before.values())) if deployment else False
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


def _was_told(target: Target | None) -> bool:
    return target is not None and target.told_at is not None
