"""Deployments that have ended, for tests of what is asked of the past."""

import msgspec

from dides.model.deployment import Deployment, DeploymentStatus, Kind, Target, TargetState
from dides.model.instance import Instance
from dides.model.plan import Assignment
from dides.store.interface import Transaction
from dides.store.records import NewTarget
from support.stores import V1, V2, a_deployment, create


def end(
    tx: Transaction,
    deployment: Deployment,
    status: DeploymentStatus = DeploymentStatus.COMPLETED,
    at: int | None = None,
) -> Deployment:
    """End a deployment at a moment."""
    return tx.deployments.save(msgspec.structs.replace(deployment, status=status, finished_at=at))


def withdraw(tx: Transaction, deployment: Deployment, rollback_id: int = 99) -> Deployment:
    """Let a rollback withdraw a deployment."""
    return tx.deployments.save(msgspec.structs.replace(deployment, rolled_back_by=rollback_id, withdrawn=True))


def assignment(target: Target, *, already: bool) -> Assignment:
    """Return how a target is assigned, or found at the target."""
    return Assignment(
        target=target,
        state=TargetState.SKIPPED if already else TargetState.UPDATING,
        desired=V2,
        before=V1,
        last_good=None,
        earlier=None,
        wave=0 if already else 1,
    )


def roll_out(
    tx: Transaction,
    *instances: Instance,
    already: bool = False,
    kind: Kind = Kind.DEPLOY,
    of: int | None = None,
    at: int | None = None,
    **new: object,
) -> Deployment:
    """Store a completed deployment that assigned all these instances, or found them all at the target."""
    targets = [NewTarget(each.id, each.name, V2, V1) for each in instances]
    deployment = create(tx, a_deployment(kind, rollback_of=of, **new), targets)
    assigned = [assignment(target, already=already) for target in tx.targets.page(deployment.id, None, 0, 100)]
    tx.targets.assign(assigned, dict.fromkeys((each.id for each in instances), 1), 5)
    return end(tx, deployment, at=at)
