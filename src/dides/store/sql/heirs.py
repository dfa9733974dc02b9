"""Who was given which deployment's state, by inheritance or as a target, in SQL for every database."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, ScalarSelect, Select, delete, exists, func, insert, or_, select

from dides.model.deployment import Kind, TargetState
from dides.model.instance import Instance
from dides.store.sql.bulk import is_one_of
from dides.store.sql.instance_columns import INSTANCE, instance_from
from dides.store.sql.tables import deployments, heirs, instances, targets

_LATER = select(deployments.c.id).where(
    deployments.c.id > heirs.c.source_id, deployments.c.kind == Kind.DEPLOY.value, deployments.c.withdrawn.is_(False)
)


class SqlHeirs:
    """See dides.store.repositories.Heirs."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def add(self, source_id: int, instance_ids: Iterable[int]) -> None:
        """Remember instances as heirs of a deployment, where they are not yet."""
        ids = set(instance_ids)
        self.forget(source_id, ids)
        if ids:
            self._db.execute(insert(heirs), [{"source_id": source_id, "instance_id": number} for number in sorted(ids)])

    def any(self, source_id: int) -> bool:
        """Tell whether a deployment has heirs."""
        return bool(self._db.execute(select(exists().where(heirs.c.source_id == source_id))).scalar())

    def of(self, source_id: int) -> list[Instance]:
        """Return the heirs that no later deployment, not withdrawn, has assigned since, or given its state."""
        later = heirs.alias()
        assigned = exists().where(
            targets.c.instance_id == heirs.c.instance_id,
            targets.c.deployment_id.in_(_LATER.correlate(heirs)),
            targets.c.assigned_at.is_not(None),
        )
        inherited = exists().where(
            later.c.instance_id == heirs.c.instance_id, later.c.source_id.in_(_LATER.correlate(heirs))
        )
        wanted = select(*INSTANCE).join(heirs, heirs.c.instance_id == instances.c.id)
        wanted = wanted.where(heirs.c.source_id == source_id, ~assigned, ~inherited).order_by(instances.c.id)
        rows: Iterable[Any] = self._db.execute(wanted)
        return [instance_from(row) for row in rows]

    def forget(self, source_id: int, instance_ids: Iterable[int]) -> None:
        """Remember instances as heirs of a deployment no longer."""
        these = is_one_of(self._db, heirs.c.instance_id, instance_ids)
        self._db.execute(delete(heirs).where(heirs.c.source_id == source_id, these))


def restored(undone_id: int) -> Select[Any]:
    """Select the instances that the rollbacks of a deployment have restored, or had nothing to return."""
    rollbacks = select(deployments.c.id).where(
        deployments.c.kind == Kind.ROLLBACK.value, deployments.c.rollback_of == undone_id
    )
    skipped = (
        (targets.c.state == TargetState.SKIPPED.value) & targets.c.assigned_at.is_not(None) & (targets.c.wave == 0)
    )
    done = or_(targets.c.state == TargetState.SUCCEEDED.value, skipped)
    return select(targets.c.instance_id).where(
        targets.c.deployment_id.in_(rollbacks), targets.c.instance_id.is_not(None), done
    )


def taken_over(deployment_id: int, later: Sequence[int]) -> Select[Any]:
    """Select the newest of later deployments that gave its state to an instance which this one has touched."""
    touched = select(targets.c.instance_id).where(
        targets.c.deployment_id == deployment_id, targets.c.assigned_at.is_not(None), targets.c.instance_id.is_not(None)
    )
    assigned = select(func.max(targets.c.deployment_id)).where(
        targets.c.deployment_id.in_(later), targets.c.wave > 0, targets.c.instance_id.in_(touched)
    )
    inherited = select(func.max(heirs.c.source_id)).where(
        heirs.c.source_id.in_(later), heirs.c.instance_id.in_(touched)
    )
    return select(_subquery(assigned), _subquery(inherited))


def _subquery(wanted: Select[Any]) -> ScalarSelect[Any]:
    return wanted.scalar_subquery()
