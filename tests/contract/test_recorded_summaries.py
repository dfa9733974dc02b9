"""What followers are told of a recorded report is put together, not read again: it equals what would be read."""

from collections.abc import Callable, Sequence

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection

from dides.model.instance import Instance
from dides.model.sessions import NO_SESSIONS, Earlier, Sessions
from dides.model.state import ApplyRule, State, Status
from dides.store.interface import Store, Transaction
from dides.store.records import NewAssignment
from dides.store.sql.instance_reads import summaries_of
from dides.store.sql.transaction import SqlTransaction, changes_of
from support.stores import V2, add

NAMES = ("web-0", "web-1", "web-2")
PLACES = range(len(NAMES))
VERSIONS = st.sampled_from([None, "", "1.0.0", "2.0.0", 'quote" and {brace}', "NULL"])
STATES = st.builds(State, VERSIONS, VERSIONS)
MOMENTS = st.none() | st.integers(0, 2**53)
REPORTS = st.fixed_dictionaries(
    {
        "status": st.sampled_from(Status),
        "current": STATES,
        "message": st.sampled_from(["", "naïve ☃", "back\\slash"]),
        "last_good": st.none() | STATES,
        "last_heartbeat_at": MOMENTS,
        "reachable": st.booleans(),
        "heard": st.integers(0, 2**31 - 1),
        "observed": MOMENTS,
        "sessions": st.sampled_from(
            [
                NO_SESSIONS,
                Sessions("a", 1),
                Sessions('quote" and {brace}', 2**53, (Earlier("a\\b", 7, (1, 2**45)),), 2**45),
            ]
        ),
    }
)
NOT_REPORTED = st.sampled_from([{}, {"desired": V2, "generation": 99, "assigned_by": 7, "ip": "other", "labels": {}}])
"""What a report does not write, though it is different in what is recorded."""
Operation = Callable[[Transaction, Instance], object]
"""What a unit of work does with one instance."""


class _UndoneError(Exception):
    """Undoes an example."""


def recording(report: dict[str, object], more: dict[str, object]) -> Operation:
    return lambda tx, its: tx.inventory.record([msgspec.structs.replace(its, **report, **more)])


def assignment(desired: State | None, rule: ApplyRule) -> Operation:
    return lambda tx, its: tx.inventory.assign([NewAssignment(its.id, desired, 5, rule)])


OTHERS: dict[str, Operation] = {
    "lock": lambda tx, its: tx.inventory.many([its.name], locked=True),
    "lock by number": lambda tx, its: tx.inventory.numbered([its.id], locked=True),
    "show": lambda tx, its: tx.inventory.show([its]),
    "set_last_good": lambda tx, its: tx.inventory.set_last_good({its.id: V2}),
    "replace": lambda tx, its: tx.inventory.replace(its, f"new {its.name}".encode()),
    "relabel": lambda tx, its: tx.inventory.relabel(its),
    "remove": lambda tx, its: tx.inventory.remove(its, 1),
}
RECORDINGS = st.builds(recording, REPORTS, NOT_REPORTED)
ASSIGNMENTS = st.builds(assignment, st.none() | STATES, st.sampled_from(ApplyRule))
OPERATIONS = RECORDINGS | ASSIGNMENTS | st.sampled_from(sorted(OTHERS)).map(OTHERS.__getitem__)
UNITS = st.lists(st.lists(st.tuples(st.sampled_from(PLACES), OPERATIONS), max_size=8), min_size=1, max_size=3)


def connection_of(tx: Transaction) -> Connection:
    assert isinstance(tx, SqlTransaction)
    return tx.inventory._db


def run(unit: SqlTransaction, operations: Sequence[tuple[int, Operation]], its: Sequence[Instance]) -> None:
    """Lock all instances, as a batch of heartbeats does, and do something with those that are still there."""
    unit.inventory.many(NAMES, locked=True)
    for place, operation in operations:
        if unit.inventory.many([its[place].name]):
            operation(unit, its[place])


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(units=UNITS)
async def test_what_is_told_is_what_would_be_read(
    store: Store, units: Sequence[Sequence[tuple[int, Operation]]]
) -> None:
    """Of units of work that are committed together, whatever each of them does."""

    def compare(tx: Transaction) -> None:
        connection, its = connection_of(tx), add(tx, *NAMES, generation=3, desired=V2, assigned_by=4)
        done = [SqlTransaction(connection, tx.now) for _ in units]
        for unit, operations in zip(done, units, strict=True):
            run(unit, operations, its)
        touched = {number for unit in done for number in unit.inventory.touched}
        told = [summary for changes in changes_of(connection, done) for summary in changes.summaries]
        assert told == sorted(summaries_of(connection, touched), key=lambda summary: summary.id)
        raise _UndoneError

    with pytest.raises(_UndoneError):
        await store.write(compare)


async def test_a_recorded_report_is_not_read_again(store: Store) -> None:
    def record(tx: Transaction) -> None:
        assert isinstance(tx, SqlTransaction)
        (known,) = tx.inventory.many(["web-1"], locked=True).values()
        tx.inventory.record([msgspec.structs.replace(known, message="x")])
        (summary,) = tx.inventory.summaries([known.id])
        assert (summary.message, summary.revision) == ("x", 1)
        tx.inventory.set_last_good({known.id: V2})
        assert tx.inventory.summaries([known.id]) == []

    await store.write(lambda tx: add(tx, "web-1"))
    await store.write(record)


async def test_what_others_may_change_meanwhile_is_read(store: Store) -> None:
    def record(tx: Transaction) -> None:
        assert isinstance(tx, SqlTransaction)
        (known,) = tx.inventory.many(["web-1"]).values()
        tx.inventory.record([known])
        assert tx.inventory.summaries([known.id]) == []

    await store.write(lambda tx: add(tx, "web-1"))
    await store.write(record)
