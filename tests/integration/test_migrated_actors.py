"""Revision 0004 gives actors their types: who did something before it is known by a name alone."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from support.migrations import empty_database, go

BEFORE = """
INSERT INTO events (at, kind, instance, actor, data) VALUES
    (1, 'instance.registered', 'web-1', 'web-1', '{}'),
    (2, 'instance.registered', 'operator', 'operator', '{}'),
    (3, 'instance.registered_again', 'coordinator', 'coordinator', '{}'),
    (4, 'instance.reported', 'system', 'system', '{}'),
    (5, 'instance.relabelled', 'operator', 'operator', '{}'),
    (6, 'instance.unreachable', 'coordinator', 'coordinator', '{}'),
    (7, 'instance.decommissioned', 'web-1', 'anonymous', '{}'),
    (8, 'deployment.paused', NULL, 'web-1', '{}');

INSERT INTO idempotency_keys (actor, key, body_hash, deployment_id, at) VALUES
    ('operator', 'k', 'x', 1, 1), ('web-1', 'k', 'x', 1, 1);

INSERT INTO deployments (id, revision, kind, status, reason, code, labels, policy, batch_window, threshold,
    total, pending, updating, succeeded, failed, skipped, already, deferred, next_position, created_at, created_by)
SELECT id, 0, 'deploy', 'completed', '', '2', '{}', '{}', 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, who
FROM (SELECT 1 AS id, 'operator' AS who UNION SELECT 2, 'coordinator' UNION SELECT 3, 'web-1') AS deployed;
"""
EVENTS = [
    "instance:web-1",
    "instance:operator",
    "instance:coordinator",
    "instance:system",
    "operator",
    "system",
    "anonymous",
    "instance:web-1",
]


@pytest.fixture(params=["postgresql", "sqlite"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """An empty database."""
    with empty_database(request.param, tmp_path) as engine:
        yield engine


def all_of(engine: Engine, column: str, table: str, order: str) -> list[str]:
    with engine.begin() as connection:
        return list(connection.execute(text(f"SELECT {column} FROM {table} ORDER BY {order}")).scalars())


def test_actors_get_their_types_and_lose_them_again(engine: Engine) -> None:
    go(engine, "0001")
    with engine.begin() as connection:
        for statement in BEFORE.split(";\n\n"):
            connection.exec_driver_sql(statement)
    go(engine, "0003")
    events = all_of(engine, "actor", "events", "at")
    go(engine, "0004")
    assert all_of(engine, "actor", "events", "at") == EVENTS
    assert all_of(engine, "actor", "idempotency_keys", "actor") == ["instance:web-1", "operator"]
    assert all_of(engine, "created_by", "deployments", "id") == ["operator", "system", "instance:web-1"]
    go(engine, "0003", down=True)
    assert all_of(engine, "actor", "events", "at") == events
    assert all_of(engine, "created_by", "deployments", "id") == ["operator", "coordinator", "web-1"]
