"""Revision 0005 gives columns, a table and a kind of event the words of the field, and keeps what they hold."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from support.migrations import empty_database, go

BEFORE = """
INSERT INTO instances (id, name, ip, labels, credential_hash, status, generation, told_by, message, registered_at,
    reachable) VALUES (1, 'web-1', '::1', '{}', CAST('x' AS BYTES), 1, 1, 7, '', 0, TRUE);

INSERT INTO convergences (id, instance_id, source_id, told_at) VALUES (1, 1, 7, 5);

INSERT INTO sightings (coordinator, block, seen, at) VALUES ('alpha', 0, CAST('x' AS BYTES), 9);

INSERT INTO events (at, kind, actor, data) VALUES (1, 'target.told', 'system', '{}'),
    (2, 'target.failed', 'system', '{}')
"""


@pytest.fixture(params=["postgresql", "sqlite"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """A database of revision 0004 in which an instance was assigned a state."""
    with empty_database(request.param, tmp_path) as engine:
        go(engine, "0004")
        kind = "BYTEA" if engine.dialect.name == "postgresql" else "BLOB"
        with engine.begin() as connection:
            for statement in BEFORE.replace("BYTES", kind).split(";\n\n"):
                connection.exec_driver_sql(statement)
        yield engine


def read(engine: Engine, *queries: str) -> list[object]:
    with engine.begin() as connection:
        return [value for query in queries for value in connection.execute(text(query)).scalars()]


def test_what_was_stored_is_found_under_the_new_names(engine: Engine) -> None:
    go(engine, "0005")
    assert read(
        engine,
        "SELECT assigned_by FROM instances",
        "SELECT assigned_at FROM convergences",
        "SELECT at FROM last_seen",
        "SELECT kind FROM events ORDER BY at",
        "SELECT count(assigned_at) FROM targets",
    ) == [7, 5, 9, "target.assigned", "target.failed", 0]


def test_the_way_back_restores_the_old_names(engine: Engine) -> None:
    go(engine, "0005")
    go(engine, "0004", down=True)
    assert read(
        engine,
        "SELECT told_by FROM instances",
        "SELECT told_at FROM convergences",
        "SELECT at FROM sightings",
        "SELECT kind FROM events ORDER BY at",
    ) == [7, 5, 9, "target.told", "target.failed"]
