"""Deployments in SQL, for every database that SQLAlchemy speaks to."""

from typing import Any

import msgspec
from sqlalchemy import Connection, Select, delete, exists, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from dides.model.deployment import Counts, Deployment, DeploymentStatus, Kind
from dides.store.batching import MOST
from dides.store.deletion import delete_some
from dides.store.records import NewDeployment, StaleError
from dides.store.sql.driver_query import query
from dides.store.sql.mapping import deployment_columns, deployment_from
from dides.store.sql.pagination import page_of
from dides.store.sql.retention import ALIKE, is_needed
from dides.store.sql.tables import deployments, heirs, targets

# Put together once: every batch of heartbeats asks for it.
_IN_FLIGHT = select(deployments).where(deployments.c.in_flight == 1)
_KEPT = select(deployments).where(deployments.c.forgotten.is_(False))
_UNDONE_BY_NOBODY = _KEPT.where(deployments.c.kind == Kind.DEPLOY.value, deployments.c.withdrawn.is_(False))
_ANY_IN_FLIGHT = {"sqlite": "SELECT 1 FROM deployments WHERE in_flight = 1"}


class SqlDeployments:
    """See dides.store.rollout_repositories.Deployments."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def create(self, new: NewDeployment) -> Deployment:
        """Store a deployment in flight; StaleError when another one is."""
        deployment = _fresh(new)
        try:
            row = self._db.execute(insert(deployments).values(_columns(deployment)).returning(deployments.c.id)).one()
        except IntegrityError as error:
            raise StaleError from error
        return msgspec.structs.replace(deployment, id=row.id)

    def get(self, deployment_id: int) -> Deployment | None:
        """Return one deployment."""
        row = self._db.execute(_KEPT.where(deployments.c.id == deployment_id)).mappings().one_or_none()
        return deployment_from(row) if row else None

    def in_flight(self) -> Deployment | None:
        """Return the deployment in flight."""
        if self._db.dialect.name == "sqlite" and not query(self._db, _ANY_IN_FLIGHT):
            return None  # As most of the time, and a question to a server would cost more than it saves.
        row = self._db.execute(_IN_FLIGHT).mappings().one_or_none()
        return deployment_from(row) if row else None

    def newest(self, kind: Kind) -> Deployment | None:
        """Return the newest deployment of a kind."""
        of_kind = _KEPT.where(deployments.c.kind == kind.value)
        row = self._db.execute(of_kind.order_by(deployments.c.id.desc()).limit(1)).mappings().one_or_none()
        return deployment_from(row) if row else None

    def newest_to_undo(self) -> Deployment | None:
        """Return the newest deployment of kind deploy that assigned anything and is not withdrawn."""
        assigned = exists().where(targets.c.deployment_id == deployments.c.id, targets.c.wave > 0)
        found = self._read(_UNDONE_BY_NOBODY.where(assigned).order_by(deployments.c.id.desc()).limit(1))
        return found[0] if found else None

    def later_than(self, deployment_id: int) -> list[Deployment]:
        """Return the later deployments of kind deploy that are not withdrawn."""
        return self._read(_UNDONE_BY_NOBODY.where(deployments.c.id > deployment_id))

    def stopped_converging(self) -> list[Deployment]:
        """Return the deployments, not withdrawn, from which convergence has stopped, newest first."""
        stopped = deployments.c.heirs_stopped_at.is_not(None) & deployments.c.withdrawn.is_(False)
        return self._read(_KEPT.where(stopped).order_by(deployments.c.id.desc()))

    def withdrawn_by(self, rollback_id: int) -> list[Deployment]:
        """Return the deployments that a rollback withdraws: the one that it undoes, and those that repeated that."""
        its = deployments.c.withdrawn & (deployments.c.rolled_back_by == rollback_id)
        return self._read(_KEPT.where(its))

    def page(self, status: DeploymentStatus | None, before: int | None, limit: int) -> list[Deployment]:
        """Return up to `limit` deployments with ids under `before`, newest first."""
        wanted = _KEPT if status is None else _KEPT.where(deployments.c.status == status.value)
        return self._read(page_of(wanted, deployments.c.id, before, limit, descending=True))

    def newest_completed(self) -> list[Deployment]:
        """Return completed deployments, newest first; of those alike the newest only."""
        table = deployments.c
        newest = select(func.max(table.id)).where(table.status == DeploymentStatus.COMPLETED.value)
        newest = newest.where(table.forgotten.is_(False)).group_by(*ALIKE, table.withdrawn)
        return self._read(_KEPT.where(table.id.in_(newest)).order_by(table.id.desc()))

    def save(self, deployment: Deployment) -> Deployment:
        """Write what may change of a deployment, if nobody else has since it was read; StaleError otherwise."""
        revision = deployment.revision + 1
        unchanged = (deployments.c.id == deployment.id) & (deployments.c.revision == deployment.revision)
        statement = update(deployments).where(unchanged)
        written = self._db.execute(statement.values(revision=revision, **deployment_columns(deployment)))
        if written.rowcount != 1:
            raise StaleError
        return msgspec.structs.replace(deployment, revision=revision)

    def forget(self, before: int, after: int, limit: int) -> int | None:
        """Forget what nothing needs of up to `limit` deployments that ended before a moment (ms), beyond an id."""
        old = _KEPT.with_only_columns(deployments.c.id).where(deployments.c.finished_at < before)
        page = list(
            self._db.execute(old.where(deployments.c.id > after).order_by(deployments.c.id).limit(limit)).scalars()
        )
        if page:
            unneeded = deployments.c.id.in_(page) & ~is_needed(before)
            self._db.execute(update(deployments).where(unneeded).values(forgotten=True))
        return page[-1] if len(page) == limit else None

    def any_forgotten(self) -> bool:
        """Tell whether anything of forgotten deployments is left to be deleted."""
        return bool(self._db.execute(select(exists().where(deployments.c.forgotten))).scalar())

    def sweep(self, most: int = MOST) -> int:
        """Delete up to `most` targets and heirs of forgotten deployments, then such as have none; return how many."""
        forgotten = select(deployments.c.id).where(deployments.c.forgotten)
        deleted = delete_some(self._db, targets, targets.c.deployment_id.in_(forgotten), most)
        deleted += delete_some(self._db, heirs, heirs.c.source_id.in_(forgotten), most - deleted)
        if deleted < most:
            self._db.execute(delete(deployments).where(deployments.c.forgotten))
        return deleted

    def _read(self, wanted: Select[Any]) -> list[Deployment]:
        return [deployment_from(row) for row in self._db.execute(wanted).mappings()]


def _fresh(new: NewDeployment) -> Deployment:
    fields = msgspec.structs.asdict(new)
    total = fields.pop("total")
    counts = Counts(total=total, pending=total, unavailable=fields.pop("unavailable"))
    return Deployment(id=0, status=DeploymentStatus.RUNNING, counts=counts, **fields)


def _columns(deployment: Deployment) -> dict[str, object]:
    return {
        "revision": deployment.revision,
        "kind": deployment.kind.value,
        "code": deployment.to.code_version,
        "configuration": deployment.to.configuration_version,
        "labels": dict(deployment.labels),
        "selector": deployment.selector,
        "policy": msgspec.to_builtins(deployment.policy),
        "batch_window": deployment.window,
        "waves": list(deployment.waves),
        "share": deployment.share,
        "max_unavailable": deployment.max_unavailable,
        "next_position": deployment.counts.total + 1,
        "rollback_of": deployment.rollback_of,
        "created_at": deployment.created_at,
        "created_by": deployment.created_by,
        **deployment_columns(deployment),
    }
