"""Stops what a deployment has not finished."""

from dides.coordinator.transactions.plan_writer import target_event
from dides.coordinator.transactions.record import log
from dides.engine.applying import WITHOUT_A_SLOT
from dides.engine.stop import NOT_STARTED, stop
from dides.model.deployment import Deployment
from dides.store.interface import Transaction
from dides.store.records import NewAssignment


def stop_targets(tx: Transaction, deployment: Deployment) -> set[str]:
    """Skip the pending and updating targets; return the names of the instances that got an earlier state back.

    The caller saves the deployment, with `counts.stopped()`.
    """
    stopped, restored = stop(tx.targets.updating(deployment.id))
    tx.targets.settle(stopped, tx.now)
    tx.targets.skip_pending(deployment.id, NOT_STARTED, tx.now)
    tx.inventory.assign(
        [
            NewAssignment(each.target.instance_id, each.desired, deployment.id, WITHOUT_A_SLOT)
            for each in restored
            if each.target.instance_id is not None
        ]
    )
    tx.events.append([target_event(tx, deployment, each) for each in stopped])
    if deployment.counts.pending:
        # One event for them all: there may be as many as the fleet has instances.
        data = {"reason": NOT_STARTED, "targets": deployment.counts.pending}
        log(tx, "targets.skipped", deployment_id=deployment.id, data=data)
    return {each.target.instance for each in restored}
