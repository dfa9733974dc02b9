"""Which deployments that ended long ago are still needed, in SQL for every database.

A rollback and what it undoes are kept, and forgotten, together: each says what became of the other.
"""

from sqlalchemy import Column, ColumnElement, String, and_, cast, func, or_, select
from sqlalchemy.sql.expression import FromClause

from dides.model.deployment import DeploymentStatus, Kind
from dides.store.sql.tables import convergences, deployments, heirs, instances, targets

SPARE = 2
"""Deployments alike of which the newest are kept: the newest is inherited, and the one before, once that is undone."""
ALIKE = (
    deployments.c.kind,
    cast(deployments.c.labels, String),
    deployments.c.selector,
    deployments.c.code.is_(None),
    deployments.c.configuration.is_(None),
)
"""What deployments have in common of which an older one is never inherited while the newer one is."""


def is_needed(before: int) -> ColumnElement[bool]:
    """Return the condition that a deployment is needed, or one that it belongs together with.

    Because it ended at a moment (ms) or later, or has not; or an instance has its desired state from it, or waits for
    that; or it is inherited, or would be once the newest is undone; or it can be undone, as far as that changes an
    instance: it gave that a state which no later deployment has taken over.
    """
    deployment = deployments.alias()
    together = _root(deployment) == _root(deployments)
    undone_with = deployments.alias()
    refers = select(undone_with.c.id).where(
        undone_with.c.rolled_back_by == deployments.c.id, _root(undone_with) != _root(deployments)
    )
    recent = or_(deployment.c.finished_at.is_(None), deployment.c.finished_at >= before)
    needed = or_(recent, _is_desired(deployment), _is_inherited(deployment), _holds(deployment))
    return or_(select(deployment.c.id).where(together, needed).exists(), refers.exists())


def _root(deployment: FromClause) -> ColumnElement[int]:
    return func.coalesce(deployment.c.rollback_of, deployment.c.id)


def _is_desired(deployment: FromClause) -> ColumnElement[bool]:
    desired = select(instances.c.id).where(instances.c.assigned_by == deployment.c.id)
    waited = select(convergences.c.id).where(convergences.c.source_id == deployment.c.id)
    return or_(desired.exists(), waited.exists())


def _is_inherited(deployment: FromClause) -> ColumnElement[bool]:
    place = func.row_number().over(partition_by=ALIKE, order_by=deployments.c.id.desc()).label("place")
    completed = and_(
        deployments.c.status == DeploymentStatus.COMPLETED.value,
        deployments.c.kind == Kind.DEPLOY.value,
        deployments.c.withdrawn.is_(False),
        deployments.c.forgotten.is_(False),
    )
    ranked = select(deployments.c.id, place).where(completed).subquery()
    return deployment.c.id.in_(select(ranked.c.id).where(ranked.c.place <= SPARE))


def _holds(deployment: FromClause) -> ColumnElement[bool]:
    assigned = select(targets.c.id).where(
        targets.c.deployment_id == deployment.c.id,
        targets.c.wave > 0,
        targets.c.instance_id.is_not(None),
        ~_is_taken_over(deployment, targets.c.instance_id),
    )
    inherited = select(heirs.c.instance_id).where(
        heirs.c.source_id == deployment.c.id, ~_is_taken_over(deployment, heirs.c.instance_id)
    )
    its = or_(assigned.exists(), inherited.exists())
    return and_(deployment.c.kind == Kind.DEPLOY.value, deployment.c.withdrawn.is_(False), its)


def _is_taken_over(deployment: FromClause, instance_id: Column[int]) -> ColumnElement[bool]:
    later, assigned, inherited = deployments.alias(), targets.alias(), heirs.alias()
    newer = and_(later.c.id > deployment.c.id, later.c.kind == Kind.DEPLOY.value, later.c.withdrawn.is_(False))
    as_target = (
        select(later.c.id)
        .correlate(deployment, instance_id.table)
        .where(
            newer, assigned.c.deployment_id == later.c.id, assigned.c.instance_id == instance_id, assigned.c.wave > 0
        )
    )
    by_inheritance = (
        select(later.c.id)
        .correlate(deployment, instance_id.table)
        .where(newer, inherited.c.source_id == later.c.id, inherited.c.instance_id == instance_id)
    )
    return or_(as_target.exists(), by_inheritance.exists())
