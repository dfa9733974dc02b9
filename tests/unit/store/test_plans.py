"""How SQLite goes about the queries of a step and of a heartbeat: by indexes, never through whole tables."""

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import Connection, Engine, event

from dides.model.deployment import TargetState
from dides.model.instance import Report
from dides.model.plan import Assignment, Settled
from dides.model.state import Status
from dides.store.interface import Transaction
from dides.store.migrate import migrate
from dides.store.records import NewAssignment
from dides.store.sql.instance_reads import summaries_of
from dides.store.sql.transaction import SqlTransaction
from dides.store.sqlite.store import open_engine
from support.stores import V2, an_instance, deploy

NOW = 500
REPORT = Report(at=NOW, status=Status.HEALTHY, current=V2, observed=1)
Query = Callable[[Transaction], object]


def assigned(tx: Transaction) -> list[Assignment]:
    return [
        Assignment(target=each.target, state=TargetState.UPDATING, desired=V2, before=V2, last_good=None, earlier=None)
        for each in tx.targets.candidates(1, 2)
    ]


OF_A_STEP: dict[str, Query] = {
    "in_flight": lambda tx: tx.deployments.in_flight(),
    "reported": lambda tx: tx.targets.reported(1),
    "due": lambda tx: tx.targets.due(1, NOW),
    "next_deadline": lambda tx: tx.targets.next_deadline(1, NOW),
    "candidates": lambda tx: tx.targets.candidates(1, 10),
    "candidates_of_each": lambda tx: tx.targets.candidates(1, 10, {"zone-a": 5, "zone-b": 5}),
    "unhealthy": lambda tx: tx.targets.unhealthy(1, 10),
    "updating": lambda tx: tx.targets.updating(1),
    "deferred": lambda tx: tx.targets.deferred(1),
    "unmark": lambda tx: tx.targets.unmark([each.target for each in tx.targets.candidates(1, 2)]),
    "assign": lambda tx: tx.targets.assign(assigned(tx), {1: 1, 2: 1}, NOW),
    "settle": lambda tx: tx.targets.settle(
        [Settled(target=each.target, state=TargetState.FAILED) for each in assigned(tx)], NOW
    ),
    "defer": lambda tx: tx.targets.defer(1, [each.target for each in tx.targets.candidates(1, 2)]),
    "assign states": lambda tx: tx.inventory.assign([NewAssignment(1, V2, 1), NewAssignment(2, V2, 1)]),
    "set_last_good": lambda tx: tx.inventory.set_last_good({1: V2, 2: V2}),
}
OF_A_HEARTBEAT: dict[str, Query] = {
    "many": lambda tx: tx.inventory.many(["web-1", "web-2"]),
    "numbered": lambda tx: tx.inventory.numbered([1, 2], locked=True),
    "noted": lambda tx: tx.keys.noted("alive_at"),
    "record": lambda tx: tx.inventory.record([msgspec.structs.replace(an_instance(), id=1)]),
    "targets": lambda tx: tx.targets.of(1, [1, 2]),
    "note": lambda tx: tx.targets.note(
        [msgspec.structs.replace(each.target, report=REPORT) for each in tx.targets.candidates(1, 2)], marked=True
    ),
    "undefer": lambda tx: tx.targets.undefer([each.target for each in tx.targets.candidates(1, 2)]),
    "convergences": lambda tx: tx.convergences.of([1, 2]),
    "waiting": lambda tx: tx.convergences.waiting(1, 2),
    "credential": lambda tx: tx.inventory.owner_of(b"hash"),
    "summaries": lambda tx: summaries_of(connection_of(tx), [1, 2]),
}
OF_AN_OPERATOR: dict[str, Query] = {
    "prune": lambda tx: tx.events.prune(NOW),
    "detach": lambda tx: tx.targets.detach(1),
    "skip_pending": lambda tx: tx.targets.skip_pending(1, "", NOW),
    "newest events": lambda tx: tx.events.page(1, None, 10, newest_first=True),
    "targets page": lambda tx: tx.targets.page(1, None, 5, 10),
}
THE_GIVEN = "SCAN json_each VIRTUAL TABLE INDEX 1:"
"""A list that came with the statement."""
NO_DEPLOYMENT_ALONE = ("due", "next_deadline", "candidates", "candidates_of_each", "updating", "deferred", "targets")
"""Those that go by more than the deployment: its targets may be the whole fleet."""


def connection_of(tx: Transaction) -> Connection:
    assert isinstance(tx, SqlTransaction)
    return tx.inventory._db


class Explainer:
    """Notes the plan of every statement that queries run, as SQLAlchemy sends it, and as SQLite runs it.

    The first has parameters, for which SQLite may not use all indexes; the second also shows what goes past SQLAlchemy.
    """

    def __init__(self, connection: Connection) -> None:
        self._plans: list[str] = []
        self._run: list[str] = []
        self._busy = False
        self._connection = connection
        event.listen(connection, "before_cursor_execute", self._explain)
        driver = connection.connection.driver_connection
        assert isinstance(driver, sqlite3.Connection)
        driver.set_trace_callback(self._run.append)

    def plans(self) -> list[str]:
        """Return the plans of what has run so far."""
        for statement in tuple(self._run):
            self._explain(self._connection, None, statement, (), None, False)
        return self._plans

    def _explain(self, connection: Connection, _: object, statement: str, parameters: Any, *rest: Any) -> None:
        if self._busy or not statement.startswith(("SELECT", "UPDATE", "DELETE")):
            return
        self._busy = True
        one = parameters[0] if rest[-1] else parameters
        rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", one)
        self._plans += [row[3] for row in rows]
        self._busy = False


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = open_engine(tmp_path / "dides.db", "OFF", "BEGIN")
    migrate(engine)
    yield engine
    engine.dispose()


def plan(engine: Engine, query: Query) -> list[str]:
    with engine.begin() as connection:
        tx = SqlTransaction(connection, NOW)
        deploy(tx, "web-1", "web-2", "web-3")
        explainer = Explainer(connection)
        query(tx)
        return explainer.plans()


@pytest.mark.parametrize(("name", "query"), [*OF_A_STEP.items(), *OF_A_HEARTBEAT.items(), *OF_AN_OPERATOR.items()])
def test_no_table_is_read_from_end_to_end(engine: Engine, name: str, query: Query) -> None:
    plans = plan(engine, query)
    assert plans
    assert [each for each in plans if each.startswith("SCAN") and each != THE_GIVEN] == []
    if name in NO_DEPLOYMENT_ALONE:
        assert [each for each in plans if "(deployment_id=?)" in each] == []


READING_ALL: dict[str, Query] = {
    "SCAN instances": lambda tx: tx.inventory.reachable_names(),
    "SCAN convergences": lambda tx: tx.convergences.any(),  # past SQLAlchemy; it stops at the first
}


@pytest.mark.parametrize(("found", "query"), READING_ALL.items())
def test_the_test_would_notice(engine: Engine, found: str, query: Query) -> None:
    plans = plan(engine, query)
    assert plans
    assert [each for each in plans if not each.startswith(found)] == []
