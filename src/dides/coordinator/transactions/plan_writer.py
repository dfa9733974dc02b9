"""Writes verdicts down."""

from collections.abc import Sequence

import msgspec

from dides.coordinator.transactions.record import event
from dides.engine.counters import tally
from dides.engine.verdict import heard_at, verdicts
from dides.model.deployment import Deployment, TargetState
from dides.model.plan import Assignment, Settled
from dides.model.state import NOTHING, State
from dides.store.interface import Transaction
from dides.store.records import Event


def settle(tx: Transaction, deployment: Deployment, settled: Sequence[Settled]) -> None:
    """Set targets to what the verdicts say; the caller saves the deployment with its counts."""
    tx.targets.settle(settled, tx.now)
    tx.inventory.set_last_good(_last_good_after(settled))
    tx.events.append([target_event(tx, deployment, each) for each in settled])


def _last_good_after(settled: Sequence[Settled]) -> dict[int, State]:
    """Return the last good states that verdicts change, by instance id: a success that ends was none."""
    good: dict[int, State] = {}
    for verdict in settled:
        target = verdict.target
        if target.instance_id is None:
            continue
        if verdict.state is TargetState.SUCCEEDED and target.report:
            good[target.instance_id] = target.to.over(target.report.current)
        elif target.state is TargetState.SUCCEEDED:
            good[target.instance_id] = target.last_good or NOTHING
    return good


def settle_reported(tx: Transaction, deployment: Deployment) -> Deployment:
    """Give the verdicts that acknowledged heartbeats call for, before something else ends these targets."""
    settled = verdicts(deployment, tx.targets.reported(deployment.id), heard_at(tx.now)).settled
    if not settled:
        return deployment
    # The others keep their marks: the next step has to see the attempts that failed, and those that begin to hold.
    tx.targets.unmark([each.target for each in settled])
    settle(tx, deployment, settled)
    return tx.deployments.save(tally(deployment, settled))


def target_event(tx: Transaction, deployment: Deployment, change: Settled | Assignment) -> Event:
    """Return the event of one target's change."""
    told = isinstance(change, Assignment) and change.state is TargetState.UPDATING
    data: dict[str, object] = {"reason": change.reason} if change.reason else {}
    if isinstance(change, Settled) and change.message:
        data["message"] = change.message
    if isinstance(change, Assignment):
        data["desired"] = msgspec.to_builtins(change.desired)
    kind = "target.assigned" if told else f"target.{change.state.value}"
    return event(tx, kind, deployment_id=deployment.id, instance=change.target.instance, data=data)
