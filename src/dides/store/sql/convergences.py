"""Convergences in SQL, for every database that SQLAlchemy speaks to."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, Select, and_, case, delete, func, insert, select, update

from dides.model.state import State
from dides.store.records import Convergence
from dides.store.sql.bulk import is_one_of
from dides.store.sql.driver_query import query
from dides.store.sql.instance_columns import INSTANCE, WIDTH, instance_from
from dides.store.sql.tables import convergences, deployments, instances, targets

_WANTED = select(
    *INSTANCE,
    convergences.c.source_id,
    convergences.c.code,
    convergences.c.configuration,
    convergences.c.assigned_at,
    convergences.c.deadline_at,
).join_from(convergences, instances, convergences.c.instance_id == instances.c.id)


_IS_TARGET = (
    select(targets.c.id)
    .join(deployments, targets.c.deployment_id == deployments.c.id)
    .where(deployments.c.in_flight == 1, targets.c.instance_id == convergences.c.instance_id)
    .exists()
)
_ANY = dict.fromkeys(("sqlite", "postgresql"), "SELECT 1 FROM convergences LIMIT 1")
_HAS_NOTHING = and_(
    *(
        instances.c[f"{state}_{version}"].is_(None)
        for state in ("desired", "current")
        for version in ("code", "configuration")
    )
)


class SqlConvergences:
    """See dides.store.repositories.Convergences."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def put(self, convergence: Convergence) -> None:
        """Store or replace an instance's convergence."""
        self.drop([convergence.instance.id])
        self._db.execute(
            insert(convergences).values(
                instance_id=convergence.instance.id,
                source_id=convergence.source_id,
                code=convergence.desired.code_version,
                configuration=convergence.desired.configuration_version,
                assigned_at=convergence.assigned_at,
                deadline_at=convergence.deadline_at,
            )
        )

    def drop(self, instance_ids: Iterable[int]) -> None:
        """Forget the convergences of these instances, where there are any."""
        self._db.execute(delete(convergences).where(is_one_of(self._db, convergences.c.instance_id, instance_ids)))

    def of(self, instance_ids: Iterable[int]) -> list[Convergence]:
        """Return the convergences of these instances."""
        return self._read(_WANTED.where(is_one_of(self._db, convergences.c.instance_id, instance_ids)))

    def any(self) -> bool:
        """Tell whether there is any."""
        return bool(query(self._db, _ANY))

    def count_assigned(self, source_id: int) -> int:
        """Return how many instances have been assigned the state of this deployment and are not there yet."""
        assigned = (convergences.c.source_id == source_id) & convergences.c.assigned_at.is_not(None)
        return self._db.execute(select(func.count()).select_from(convergences).where(assigned)).scalar_one()

    def sources(self) -> list[int]:
        """Return the deployments for whose states instances wait."""
        waits = select(convergences.c.source_id).where(convergences.c.assigned_at.is_(None)).distinct()
        return list(self._db.execute(waits.order_by(convergences.c.source_id)).scalars())

    def numbers(self) -> dict[int, tuple[int, int]]:
        """Return, by deployment, how many instances wait for its state, and how many are on their way to it."""
        assigned, source = func.count(convergences.c.assigned_at), convergences.c.source_id
        rows = self._db.execute(select(source, func.count() - assigned, assigned).group_by(source)).all()
        return {source_id: (waiting, converging) for source_id, waiting, converging in rows}

    def waiting(self, source_id: int, limit: int | None = None) -> list[Convergence]:
        """Return up to `limit` instances that wait for their turn, in the order in which they returned."""
        waits = (
            (convergences.c.source_id == source_id)
            & convergences.c.assigned_at.is_(None)
            & (~_IS_TARGET | _HAS_NOTHING)
        )
        return self._read(_WANTED.where(waits).order_by(convergences.c.id).limit(limit))

    def of_assigned_targets(self, deployment_id: int) -> list[Convergence]:
        """Return the convergences of the instances that are assigned targets of this deployment."""
        its = (targets.c.instance_id == convergences.c.instance_id) & (targets.c.deployment_id == deployment_id)
        return self._read(_WANTED.join(targets, its).where(targets.c.assigned_at.is_not(None)))

    def overdue(self, now: int) -> list[Convergence]:
        """Return the assigned ones whose deadline has passed."""
        return self._read(_WANTED.where(convergences.c.deadline_at <= now))

    def shift_deadlines(self, by_ms: int, at_least: int) -> None:
        """Move the deadlines of the assigned ones by so many milliseconds, and not before a moment."""
        shifted = convergences.c.deadline_at + by_ms
        later = case((shifted < at_least, at_least), else_=shifted)
        self._db.execute(update(convergences).where(convergences.c.deadline_at.is_not(None)).values(deadline_at=later))

    def _read(self, wanted: Select[Any]) -> list[Convergence]:
        return [_convergence_from(row) for row in self._db.execute(wanted)]


def _convergence_from(row: Any) -> Convergence:
    return Convergence(
        instance=instance_from(row[:WIDTH]),
        source_id=row.source_id,
        desired=State(row.code, row.configuration),
        assigned_at=row.assigned_at,
        deadline_at=row.deadline_at,
    )
