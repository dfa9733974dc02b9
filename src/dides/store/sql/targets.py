"""Targets in SQL, for every database that SQLAlchemy speaks to."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, RowMapping, Select, delete, exists, func, literal_column, select, update

from dides.model.deployment import Target, TargetState
from dides.model.instance import Instance
from dides.model.plan import Assignment, Candidate, Postponed, Reassignment, Settled, Touched
from dides.model.state import known
from dides.store.batching import chunks
from dides.store.records import NewTarget
from dides.store.sql.bulk import KEY, insert_rows, is_one_of, update_rows
from dides.store.sql.heirs import restored, taken_over
from dides.store.sql.instance_columns import INSTANCE, WIDTH, instance_from
from dides.store.sql.mapping import (
    lapse_value,
    moment_columns,
    report_columns,
    state_from,
    target_from,
)
from dides.store.sql.pagination import page_of
from dides.store.sql.tables import convergences, deployments, instances, targets
from dides.store.sql.target_columns import OWN, assigned_columns, own, reassigned_columns, unassigned

_JOINED = targets.outerjoin(instances, targets.c.instance_id == instances.c.id)
_OF_INSTANCE = (instances.c.reachable, instances.c.duplicated_until, instances.c.status.label("instance_status"))
_TARGET = select(targets, *_OF_INSTANCE).select_from(_JOINED)
_INSTANCE = [column.label(f"instance__{column.name}") for column in INSTANCE]
_WITH_INSTANCE = select(*_INSTANCE, targets, *_OF_INSTANCE).select_from(
    targets.join(instances, targets.c.instance_id == instances.c.id)
)
_CANDIDATE = _WITH_INSTANCE.add_columns(
    convergences.c.code.label("waits_code"), convergences.c.configuration.label("waits_configuration")
).outerjoin(convergences, convergences.c.instance_id == targets.c.instance_id)


class SqlTargets:
    """See dides.store.rollout_repositories.Targets."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def create(self, deployment_id: int, its_targets: Sequence[NewTarget]) -> None:
        """Store the fixed list of targets of a new deployment, in its order."""
        for chunk in chunks(enumerate(its_targets, start=1)):
            insert_rows(
                self._db, targets, OWN, [own(place, target) for place, target in chunk], unassigned(deployment_id)
            )

    def of(self, deployment_id: int, instance_ids: Iterable[int]) -> list[Target]:
        """Return the targets of these instances in a deployment."""
        its = is_one_of(self._db, targets.c.instance_id, instance_ids)
        return self._targets(_TARGET.where(_in(deployment_id), its))

    def page(self, deployment_id: int, state: TargetState | None, after: int, limit: int) -> list[Target]:
        """Return up to `limit` targets with positions above `after`, in order."""
        wanted = _TARGET.where(_in(deployment_id))
        if state is not None:
            wanted = wanted.where(targets.c.state == state.value)
        return self._targets(page_of(wanted, targets.c.position, after, limit))

    def reported(self, deployment_id: int) -> tuple[Target, ...]:
        """Return the targets that heartbeats have marked."""
        return tuple(self._targets(_TARGET.where(_in(deployment_id), targets.c.marked)))

    def due(self, deployment_id: int, now: int) -> tuple[Target, ...]:
        """Return the targets of which a moment has come."""
        return tuple(self._targets(_TARGET.where(_in(deployment_id), targets.c.due_at <= now)))

    def timed(self, deployment_id: int) -> tuple[Target, ...]:
        """Return every target that waits for a moment."""
        return tuple(self._targets(_TARGET.where(_in(deployment_id), targets.c.due_at.is_not(None))))

    def updating(self, deployment_id: int) -> tuple[Target, ...]:
        """Return every updating target."""
        # Sorted here: to sort by itself, SQLite would go through all the deployment's targets in order.
        return tuple(sorted(self._targets(_TARGET.where(_updating(deployment_id))), key=lambda target: target.position))

    def next_deadline(self, deployment_id: int, now: int) -> int | None:
        """Return the earliest moment after now among the targets."""
        wanted = select(func.min(targets.c.due_at)).where(_in(deployment_id), targets.c.due_at > now)
        return self._db.execute(wanted).scalar()

    def candidates(
        self, deployment_id: int, limit: int, of_each: Mapping[str, int] | None = None
    ) -> tuple[Candidate, ...]:
        """Return up to `limit` next pending targets in order; with `of_each` up to so many of each of these values."""
        wanted = _CANDIDATE.where(_pending(deployment_id), targets.c.deferred.is_(False))
        wanted = wanted.order_by(targets.c.position)
        if of_each is None:
            return self._candidates(wanted.limit(limit))
        found = [
            candidate
            for value, number in of_each.items()
            for candidate in self._candidates(wanted.where(targets.c.spread == value).limit(number))
        ]
        return tuple(sorted(found, key=lambda candidate: candidate.target.position))

    def unhealthy(self, deployment_id: int, limit: int) -> tuple[Candidate, ...]:
        """Return up to `limit` candidates that are written down as not HEALTHY, in order."""
        ill = _in(deployment_id) & (targets.c.state == literal_column("'pending'")) & targets.c.unhealthy
        wanted = _CANDIDATE.where(ill, targets.c.deferred.is_(False))
        return self._candidates(wanted.order_by(targets.c.position).limit(limit))

    def deferred(self, deployment_id: int) -> tuple[Candidate, ...]:
        """Return the pending targets that were put off, with their instances."""
        wanted = _CANDIDATE.where(_pending(deployment_id), targets.c.deferred)
        return self._candidates(wanted.order_by(targets.c.position))

    def lapsed(self, deployment_id: int, wave: int, limit: int) -> list[str]:
        """Return the names of up to `limit` succeeded targets of a wave that have lapsed, in order."""
        succeeded = (targets.c.state == TargetState.SUCCEEDED.value) & (targets.c.wave == wave)
        lapsed = _in(deployment_id) & targets.c.lapse.is_not(None)
        wanted = select(targets.c.instance).where(lapsed, succeeded).order_by(targets.c.position).limit(limit)
        return list(self._db.execute(wanted).scalars())

    def touched(self, deployment_id: int) -> list[Touched]:
        """Return every target that was told and whose instance still exists, with its instance."""
        wanted = _WITH_INSTANCE.where(_in(deployment_id), targets.c.assigned_at.is_not(None))
        return [Touched(target_from(row), _instance_in(row)) for row in self._db.execute(wanted).mappings()]

    def any_assigned(self, deployment_id: int) -> bool:
        """Tell whether any target has become updating, whatever has become of its instance since."""
        return bool(self._db.execute(select(exists().where(_in(deployment_id), targets.c.wave > 0))).scalar())

    def late(self, deployment_id: int) -> list[Target]:
        """Return the targets whose instances had not yet converged when this deployment assigned them."""
        return self._targets(_TARGET.where(_in(deployment_id), targets.c.late, targets.c.instance_id.is_not(None)))

    def restored(self, undone_id: int) -> frozenset[int]:
        """Return the instances (ids) that the rollbacks of a deployment have restored, one after another."""
        return frozenset(self._db.execute(restored(undone_id)).scalars())

    def taken_over_by(self, deployment_id: int, later: Sequence[int]) -> int | None:
        """Return the newest of later deployments that gave its state to an instance which this one has touched."""
        found = self._db.execute(taken_over(deployment_id, later)).one() if later else ()
        return max((number for number in found if number is not None), default=None)

    def note(self, noted: Sequence[Target], *, marked: bool) -> None:
        """Store what heartbeats say of targets; marked ones are shown to the next step."""
        rows = [
            {
                KEY: target.id,
                "failure_is_news": target.failure_is_news,
                "has_read": target.has_read,
                "reason": target.reason,
                "lapse": lapse_value(target.lapse),
                **report_columns(target.report),
                **moment_columns(target),
            }
            for target in noted
        ]
        mark = {"marked": True} if marked else {}
        update_rows(self._db, targets, rows, **mark)

    def set_unhealthy(self, changed: Sequence[Target]) -> None:
        """Write down whether the instances of these targets are HEALTHY."""
        update_rows(self._db, targets, [{KEY: target.id, "unhealthy": target.unhealthy} for target in changed])

    def unmark(self, seen: Sequence[Target]) -> None:
        """Take the marks off: a step has seen these reports."""
        if seen:
            these = is_one_of(self._db, targets.c.id, (target.id for target in seen))
            self._db.execute(update(targets).where(these).values(marked=False))

    def settle(self, settled: Sequence[Settled], now: int) -> None:
        """Set the final states of targets."""
        rows = [
            {
                KEY: settled_target.target.id,
                "state": settled_target.state.value,
                "reason": settled_target.reason,
                "message": settled_target.message,
                "lapse": lapse_value(settled_target.lapse),
                "deadline_at": settled_target.deadline_at,
                "due_at": settled_target.deadline_at,
            }
            for settled_target in settled
        ]
        update_rows(self._db, targets, rows, finished_at=now, healthy_at=None, retry_at=None)

    def assign(self, assigned: Sequence[Assignment], generations: Mapping[int, int], now: int) -> None:
        """Set targets told, with their instances' new generations by instance id."""
        update_rows(self._db, targets, [assigned_columns(change, generations, now) for change in assigned])

    def postpone(self, postponed: Sequence[Postponed]) -> None:
        """Set updating targets to wait for their next attempt."""
        rows = [
            {
                KEY: change.target.id,
                "reason": change.reason,
                "message": change.message,
                "deadline_at": None,
                "healthy_at": None,
                "retry_at": change.retry_at,
                "due_at": change.retry_at,
            }
            for change in postponed
        ]
        update_rows(self._db, targets, rows, marked=False)

    def reassign(self, reassigned: Sequence[Reassignment], generations: Mapping[int, int], now: int) -> None:
        """Set updating targets told once more, with their instances' new generations by instance id."""
        update_rows(
            self._db, targets, [reassigned_columns(change, generations) for change in reassigned], assigned_at=now
        )

    def defer(self, deployment_id: int, deferred: Sequence[Target]) -> None:
        """Move pending targets to the end of the order, out of the candidates' sight."""
        if deferred:
            first = self._take_positions(deployment_id, len(deferred))
            rows = [{KEY: target.id, "position": first + place} for place, target in enumerate(deferred)]
            update_rows(self._db, targets, rows, deferred=True)

    def undefer(self, returned: Sequence[Target]) -> None:
        """Make put-off targets candidates again, at the place they have now."""
        if returned:
            these = is_one_of(self._db, targets.c.id, (target.id for target in returned))
            self._db.execute(update(targets).where(these).values(deferred=False))

    def skip_pending(self, deployment_id: int, reason: str, now: int) -> None:
        """Skip every pending target."""
        skipped = {"state": TargetState.SKIPPED.value, "reason": reason, "finished_at": now}
        self._db.execute(update(targets).where(_pending(deployment_id)).values(skipped))

    def append(self, deployment_id: int, target: NewTarget) -> None:
        """Add a pending target at the end of the order."""
        place = self._take_positions(deployment_id, 1)
        insert_rows(self._db, targets, OWN, [own(place, target)], unassigned(deployment_id))

    def detach(self, instance_id: int) -> None:
        """Keep the finished targets of an instance that is decommissioned, under its name alone."""
        self._db.execute(update(targets).where(targets.c.instance_id == instance_id).values(instance_id=None))

    def remove(self, target: Target) -> None:
        """Delete an unfinished target."""
        self._db.execute(delete(targets).where(targets.c.id == target.id))

    def reschedule(self, changed: Sequence[Target]) -> None:
        """Write the moments that updating targets wait for."""
        rows = [{KEY: target.id, "assigned_at": target.assigned_at, **moment_columns(target)} for target in changed]
        update_rows(self._db, targets, rows)

    def _take_positions(self, deployment_id: int, number: int) -> int:
        """Return the first of so many new places at the end of the order."""
        taken = deployments.c.next_position + number
        statement = update(deployments).where(deployments.c.id == deployment_id).values(next_position=taken)
        after: int = self._db.execute(statement.returning(deployments.c.next_position)).scalar_one()
        return after - number

    def _targets(self, wanted: Select[Any]) -> list[Target]:
        return [target_from(row) for row in self._db.execute(wanted).mappings()]

    def _candidates(self, wanted: Select[Any]) -> tuple[Candidate, ...]:
        return tuple(
            Candidate(target_from(row), _instance_in(row), known(state_from(row, "waits")))
            for row in self._db.execute(wanted).mappings()
        )


def _instance_in(row: RowMapping) -> Instance:
    """Return the instance in a row whose first columns are its own."""
    return instance_from(list(row.values())[:WIDTH])


def _in(deployment_id: int) -> Any:
    return targets.c.deployment_id == deployment_id


def _pending(deployment_id: int) -> Any:
    return _in(deployment_id) & (targets.c.state == TargetState.PENDING.value)


def _updating(deployment_id: int) -> Any:
    # Spelt out, not bound: SQLite uses a partial index only for a condition that it can read.
    return _in(deployment_id) & (targets.c.state == literal_column("'updating'"))
