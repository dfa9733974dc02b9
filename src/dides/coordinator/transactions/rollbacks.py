"""Creates the deployment that undoes another."""

import msgspec

from dides.coordinator.transactions.record import log
from dides.coordinator.transactions.undo import withdrawn_with
from dides.engine.rollback import common_state, policy_of, undo
from dides.model.deployment import Deployment, Kind
from dides.model.plan import Undo
from dides.model.state import NOTHING
from dides.store.interface import Transaction
from dides.store.records import NewDeployment, NewTarget


def undos_of(tx: Transaction, undone: Deployment) -> tuple[Undo, ...]:
    """Return what a rollback of a deployment would do, in its order."""
    restored = tx.targets.restored(undone.id) if undone.rolled_back_by else frozenset()
    return undo(touched for touched in tx.targets.touched(undone.id) if touched.instance.id not in restored)


def create_rollback(tx: Transaction, undone: Deployment, actor: str) -> tuple[Deployment, Deployment]:
    """Store the rollback of a deployment that is no longer in flight; return the undone one and the rollback.

    What an earlier rollback of it has restored is left as it is.
    """
    undos = undos_of(tx, undone)
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
    for each in withdrawn_with(tx, undone):
        _withdraw(tx, each, rollback)
    undone = _withdraw(tx, undone, rollback)
    data = {"rollback_of": undone.id, "targets": len(targets)}
    log(tx, "deployment.triggered", actor, deployment_id=rollback.id, data=data)
    return undone, rollback


def reinstate(tx: Transaction, aborted: Deployment) -> list[Deployment]:
    """Let what an aborted rollback was undoing be inherited, and be undone, again; return that."""
    withdrawn = tx.deployments.withdrawn_by(aborted.id)
    return [tx.deployments.save(msgspec.structs.replace(each, withdrawn=False)) for each in withdrawn]


def _withdraw(tx: Transaction, undone: Deployment, rollback: Deployment) -> Deployment:
    return tx.deployments.save(msgspec.structs.replace(undone, rolled_back_by=rollback.id, withdrawn=True))
