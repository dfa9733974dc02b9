"""Writes verdicts down."""

from collections.abc import Sequence

import msgspec

from dides.coordinator.journal import event
from dides.engine.verdict import NO_TIMEOUTS, verdicts
from dides.model.deployment import Deployment, TargetState
from dides.model.plan import Assignment, Settled
from dides.store.base import Transaction
from dides.store.records import Event


def settle(tx: Transaction, deployment: Deployment, settled: Sequence[Settled]) -> None:
    """Set targets to what the verdicts say; the caller saves the deployment with its counts."""
    tx.targets.settle(settled, tx.now)
    good = {
        each.target.instance_id: each.target.report.current
        for each in settled
        if each.state is TargetState.SUCCEEDED and each.target.instance_id and each.target.report
    }
    tx.inventory.set_last_good(good)
    tx.events.append([target_event(tx, deployment, each) for each in settled])


def settle_reported(tx: Transaction, deployment: Deployment) -> Deployment:
    """Give the verdicts that acknowledged heartbeats call for, before something else ends these targets."""
    reported = tx.targets.reported(deployment.id)
    tx.targets.unmark(reported)
    settled = verdicts(reported, NO_TIMEOUTS)
    if not settled:
        return deployment
    settle(tx, deployment, settled)
    counts = deployment.counts.after(*(each.move for each in settled))
    return tx.deployments.save(msgspec.structs.replace(deployment, counts=counts))


def target_event(tx: Transaction, deployment: Deployment, change: Settled | Assignment) -> Event:
    """Return the event of one target's change."""
    told = isinstance(change, Assignment) and change.state is TargetState.UPDATING
    data: dict[str, object] = {"reason": change.reason} if change.reason else {}
    if isinstance(change, Settled) and change.message:
        data["message"] = change.message
    if isinstance(change, Assignment):
        data["desired"] = msgspec.to_builtins(change.desired)
    kind = "target.told" if told else f"target.{change.state.value}"
    return event(tx, kind, deployment_id=deployment.id, instance=change.target.instance, data=data)
