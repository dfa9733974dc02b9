"""The inventory in SQL, for every database that SQLAlchemy speaks to."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, case, delete, func, insert, select, true
from sqlalchemy.exc import IntegrityError

from dides.model.deployment import TargetState
from dides.model.instance import Instance, InstanceSummary, Matched
from dides.model.selector import Operator, Requirement, Selector
from dides.model.state import State, Status
from dides.store.batching import MOST
from dides.store.deletion import delete_some
from dides.store.records import NewAssignment, StaleError
from dides.store.sql.bulk import KEY, is_one_of, update_rows
from dides.store.sql.heartbeat_writes import write_reports
from dides.store.sql.instance_columns import (
    INSTANCE,
    MATCHED,
    instance_columns,
    instance_from,
    label_columns,
    matched_from,
    registration_columns,
)
from dides.store.sql.instance_reads import BY_ID, BY_NAME, Known, read_known
from dides.store.sql.mapping import state_columns
from dides.store.sql.pagination import page_of
from dides.store.sql.tables import decommissioned, instance_labels, instances, targets

_MATCHED = [instances.c[name] for name in MATCHED]


class SqlInventory:
    """See dides.store.repositories.Inventory."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection
        self.touched: set[int] = set()
        """The instances that were written to."""
        self.removed: list[tuple[int, str]] = []
        """The ids and names of those that were removed."""
        self._known: dict[int, Known] = {}
        """Those that were locked, as they are in the database now."""

    def add(self, instance: Instance, credential_hash: bytes) -> Instance:
        """Store a new instance (its id is ignored) and return it with its id. StaleError if the name is taken."""
        values = {"credential_hash": credential_hash, **instance_columns(instance)}
        try:
            row = self._db.execute(insert(instances).values(values).returning(*INSTANCE)).one()
        except IntegrityError as error:
            raise StaleError from error
        stored = instance_from(row)
        self.touched.add(stored.id)
        self._insert_labels(stored)
        return stored

    def record(self, reported: Sequence[Instance]) -> None:
        """Write what instances report of themselves: status, versions, message, last-seen time, last good state."""
        self.touched.update([instance.id for instance in reported])
        write_reports(self._db, reported)
        for instance in reported:
            if known := self._known.get(instance.id):
                known.record(instance)

    def show(self, instances: Iterable[Instance]) -> None:
        """Tell followers of these instances as they are, though nothing of them is changed."""
        self.touched.update(instance.id for instance in instances)

    def assign(self, assignments: Sequence[NewAssignment]) -> dict[int, int]:
        """Set desired states, each under the instance's next generation; return the generations by instance id."""
        rows = [
            {
                KEY: assignment.instance_id,
                "assigned_by": assignment.deployment_id,
                "apply_rule": assignment.apply.value,
                **state_columns("desired", assignment.desired),
            }
            for assignment in assignments
        ]
        self._update(rows, generation=instances.c.generation + 1)
        its = is_one_of(self._db, instances.c.id, (assignment.instance_id for assignment in assignments))
        found = self._db.execute(select(instances.c.id, instances.c.generation).where(its))
        return {row.id: row.generation for row in found}

    def replace(self, instance: Instance, credential_hash: bytes) -> None:
        """Write what a registration brings: ip, labels, credential, and the report that it resets."""
        values = {"credential_hash": credential_hash, **registration_columns(instance)}
        self._change(instance.id, values)
        self._relabel(instance)

    def set_last_good(self, states: Mapping[int, State]) -> None:
        """Set the last good states by instance id."""
        rows = [{KEY: key, **state_columns("last_good", state)} for key, state in states.items()]
        self._update(rows)

    def get(self, name: str) -> Instance | None:
        """Return one instance."""
        return self.many([name]).get(name)

    def many(self, names: Iterable[str], *, locked: bool = False) -> dict[str, Instance]:
        """Return those of the named instances that exist, by name; `locked` until this unit of work is done."""
        return self._keep(read_known(self._db, BY_NAME, list(names), locked=locked), locked=locked)

    def numbered(self, ids: Iterable[int], *, locked: bool = False) -> dict[str, Instance]:
        """Return those of the instances with these ids that exist, by name; `locked` as in `many`."""
        return self._keep(read_known(self._db, BY_ID, list(ids), locked=locked), locked=locked)

    def matching(self, selector: Selector, spread_by: str | None = None) -> list[Matched]:
        """Return every instance that the selector matches, with its value of the label `spread_by` if one is named."""
        its = (instance_labels.c.instance_id == instances.c.id) & (instance_labels.c.key == spread_by)
        wanted = select(*_MATCHED, instance_labels.c.value.label("spread")).outerjoin(instance_labels, its)
        rows: Iterable[Any] = self._db.execute(wanted.where(_matches(selector)))
        return [matched_from(row) for row in rows]

    def page(
        self, selector: Selector, status: Status | None, after: str, limit: int, *, duplicated_at: int | None = None
    ) -> list[Instance]:
        """Return up to `limit` matching instances whose names come after `after`, by name.

        With `duplicated_at` only those that are duplicated at that moment (ms).
        """
        wanted = select(*INSTANCE).where(_matches(selector), _has(status), _is_duplicated(duplicated_at))
        rows: Iterable[Any] = self._db.execute(page_of(wanted, instances.c.name, after, limit))
        return [instance_from(row) for row in rows]

    def count(self, selector: Selector, status: Status | None, *, duplicated_at: int | None = None) -> int:
        """Return how many instances match, as `page` has them."""
        wanted = and_(_matches(selector), _has(status), _is_duplicated(duplicated_at))
        return self._db.execute(select(func.count()).select_from(instances).where(wanted)).scalar_one()

    def label_keys(self) -> list[str]:
        """Return the keys of all labels that any instance has, each once, in order; costs what it finds."""
        # From each key to the next one by the index: DISTINCT would look at every label of every instance.
        key = instance_labels.c.key
        found = select(func.min(key).label("key")).cte("found", recursive=True)
        next_key = select(func.min(key)).where(key > found.c.key).scalar_subquery()
        found = found.union_all(select(next_key).where(found.c.key.is_not(None)))
        return sorted(self._db.execute(select(found.c.key).where(found.c.key.is_not(None))).scalars())

    def relabel(self, instance: Instance) -> None:
        """Replace the labels of an instance, and which of them are an operator's."""
        self._change(instance.id, label_columns(instance))
        self._relabel(instance)

    def credential_of(self, name: str) -> bytes | None:
        """Return the hash of an instance's credential."""
        return self._db.execute(select(instances.c.credential_hash).where(instances.c.name == name)).scalar()

    def assigned_by(self, deployment_id: int) -> list[Instance]:
        """Return the instances whose desired state this deployment has set last."""
        rows: Iterable[Any] = self._db.execute(select(*INSTANCE).where(instances.c.assigned_by == deployment_id))
        return [instance_from(row) for row in rows]

    def owner_of(self, credential_hash: bytes) -> str | None:
        """Return the name of the instance that has this credential."""
        return self._db.execute(select(instances.c.name).where(instances.c.credential_hash == credential_hash)).scalar()

    def reachable_names(self) -> list[str]:
        """Return the names of the instances that are thought to be reachable."""
        return list(self._db.execute(select(instances.c.name).where(instances.c.reachable)).scalars())

    def silence(self, deployment_id: int, heard_after: int, succeeded_after: int) -> tuple[int, int, int | None]:
        """Return how many are reachable, how many not, and when any of these was heard of last."""
        newest = targets.c.state == TargetState.SUCCEEDED.value
        acted_on = select(targets.c.instance_id).where(
            targets.c.deployment_id == deployment_id,
            targets.c.instance_id.is_not(None),
            (targets.c.state == TargetState.UPDATING.value) | (newest & (targets.c.finished_at > succeeded_after)),
        )
        heard = func.coalesce(instances.c.last_heartbeat_at, instances.c.registered_at)
        counted = instances.c.reachable | (heard > heard_after)
        last = func.max(case((~instances.c.reachable, heard)))
        number = func.count(case((~instances.c.reachable, 1)))
        statement = select(func.count(case((instances.c.reachable, 1))), number, last)
        row = self._db.execute(statement.where(counted, instances.c.id.not_in(acted_on))).one()
        return int(row[0]), int(row[1]), row[2]

    def remove(self, instance: Instance, at_ms: int) -> None:
        """Delete an instance; its credential is remembered as that of a decommissioned one."""
        credential = self.credential_of(instance.name)
        gone = {"credential_hash": credential, "name": instance.name, "at": at_ms, "instance_id": instance.id}
        self._db.execute(insert(decommissioned).values(gone))
        self._db.execute(delete(instances).where(instances.c.id == instance.id))
        self._known.pop(instance.id, None)
        self.removed.append((instance.id, instance.name))

    def decommissioned(self, credential_hash: bytes) -> str | None:
        """Return the name of the decommissioned instance that had this credential."""
        known = select(decommissioned.c.name).where(decommissioned.c.credential_hash == credential_hash)
        return self._db.execute(known).scalar()

    def forget_decommissioned(self, before: int, most: int = MOST) -> int:
        """Drop the remembered credentials from before a moment, `most` of them; return how many."""
        return delete_some(self._db, decommissioned, decommissioned.c.at < before, most)

    def summaries(self, wanted: Iterable[int]) -> list[InstanceSummary]:
        """Return the summaries of those of these instances (ids) of which they are known here and need not be read."""
        return [self._known[number].summary() for number in wanted if number in self._known]

    def _keep(self, found: list[Known], *, locked: bool) -> dict[str, Instance]:
        """Keep what was read while nobody else can change it; return the instances by name."""
        if locked:
            self._known.update([(known.instance.id, known) for known in found])
        return {known.instance.name: known.instance for known in found}

    def _update(self, rows: list[dict[str, Any]], **same: object) -> None:
        """Update rows by their ids, see update_rows; each counts as a change.

        What changes otherwise than by a report is not known here any more: it has to be read again.
        """
        ids = [row[KEY] for row in rows]
        self.touched.update(ids)
        for number in ids:
            self._known.pop(number, None)
        update_rows(self._db, instances, rows, revision=instances.c.revision + 1, **same)

    def _change(self, instance_id: int, values: dict[str, Any]) -> None:
        self._update([{KEY: instance_id, **values}])

    def _relabel(self, instance: Instance) -> None:
        self._db.execute(delete(instance_labels).where(instance_labels.c.instance_id == instance.id))
        self._insert_labels(instance)

    def _insert_labels(self, instance: Instance) -> None:
        rows = [{"instance_id": instance.id, "key": key, "value": value} for key, value in instance.labels.items()]
        if rows:
            self._db.execute(insert(instance_labels), rows)


def _has(status: Status | None) -> ColumnElement[bool]:
    return true() if status is None else instances.c.status == int(status)


def _is_duplicated(moment: int | None) -> ColumnElement[bool]:
    return true() if moment is None else instances.c.duplicated_until > moment


def _matches(selector: Selector) -> ColumnElement[bool]:
    return and_(true(), *(_holds(requirement) for requirement in selector.requirements))


def _holds(requirement: Requirement) -> ColumnElement[bool]:
    """Return the condition that model.selector's Requirement.matches computes; the contract suite compares the two."""
    labelled = select(instance_labels.c.instance_id).where(instance_labels.c.key == requirement.key)
    with_value = labelled.where(instance_labels.c.value.in_(requirement.values))
    match requirement.operator:
        case Operator.IN:
            return instances.c.id.in_(with_value)
        case Operator.NOT_IN:
            return instances.c.id.not_in(with_value)
        case Operator.EXISTS:
            return instances.c.id.in_(labelled)
        case Operator.NOT_EXISTS:
            return instances.c.id.not_in(labelled)
