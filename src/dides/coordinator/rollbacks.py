"""Creates the deployment that undoes another."""

import msgspec

from dides.coordinator.journal import log
from dides.engine.rollback import common_state, policy_of, undo
from dides.model.deployment import Deployment, Kind
from dides.model.state import NOTHING
from dides.store.base import Transaction
from dides.store.records import NewDeployment, NewTarget


def create_rollback(tx: Transaction, undone: Deployment, actor: str) -> tuple[Deployment, Deployment]:
    """Store the rollback of a deployment that is no longer in flight; return the undone one and the rollback."""
    undos = undo(tx.targets.touched(undone.id))
    targets = [
        NewTarget(
            each.touched.instance.id, each.touched.instance.name, each.to or NOTHING, each.touched.instance.current
        )
        for each in undos
    ]
    new = NewDeployment(
        kind=Kind.ROLLBACK,
        to=common_state(undos),
        labels=undone.labels,
        selector=undone.selector,
        policy=policy_of(undone),
        window=undone.window,
        waves=(len(targets),),
        total=len(targets),
        created_at=tx.now,
        created_by=actor,
        rollback_of=undone.id,
    )
    rollback = tx.deployments.create(new)
    tx.targets.create(rollback.id, targets)
    undone = tx.deployments.save(msgspec.structs.replace(undone, rolled_back_by=rollback.id))
    data = {"rollback_of": undone.id, "targets": len(targets)}
    log(tx, "deployment.triggered", actor, deployment_id=rollback.id, data=data)
    return undone, rollback
