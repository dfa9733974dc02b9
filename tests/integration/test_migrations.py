"""The schema: the migrations lead to what the program expects, forth and back, and never onto a newer database."""

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, inspect, text

from dides.coordinator.transactions.step import step
from dides.store.migrate import TooNewError, migrate
from dides.store.migrations import NEWEST
from dides.store.sql.tables import metadata
from dides.store.sqlite.store import SqliteStore
from dides.store.upgrade import configuration
from support.clocks import FakeClock
from support.migrations import empty_database, go
from support.stores import add

SCRIPTS = ScriptDirectory.from_config(configuration())
DESCRIPTION = """
SELECT 'column', table_name || '.' || column_name,
    concat_ws(' ', data_type, collation_name, is_nullable, column_default)
    FROM information_schema.columns WHERE table_schema = 'public'
UNION SELECT 'index', indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'
UNION SELECT 'constraint', conname, pg_get_constraintdef(oid) FROM pg_constraint
    WHERE connamespace = 'public'::regnamespace
UNION SELECT 'function', proname, prosrc FROM pg_proc WHERE pronamespace = 'public'::regnamespace
UNION SELECT 'trigger', tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
UNION SELECT 'options', relname, reloptions::text FROM pg_class WHERE relnamespace = 'public'::regnamespace
UNION SELECT 'storage', attrelid::regclass || '.' || attname, attstorage::text FROM pg_attribute
    WHERE attrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r')
    AND attnum > 0 AND NOT attisdropped
ORDER BY 1, 2, 3
"""
REVISIONS = [script.revision for script in SCRIPTS.walk_revisions()]


@pytest.fixture(params=["postgresql", "sqlite"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """An empty database."""
    with empty_database(request.param, tmp_path) as engine:
        yield engine


@pytest.fixture
def embedded(tmp_path: Path) -> Iterator[Engine]:
    """An empty SQLite database."""
    with empty_database("sqlite", tmp_path) as engine:
        yield engine


def schema(engine: Engine) -> list[tuple[str, ...]]:
    """Return every table, column, constraint, index, function and trigger, as the database describes it."""
    if engine.dialect.name == "postgresql":
        with engine.begin() as connection:
            return [tuple(row) for row in connection.exec_driver_sql(DESCRIPTION)]
    wanted = text("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name")
    with engine.begin() as connection:
        return [(row.name, row.sql) for row in connection.execute(wanted)]


def is_ours(name: str | None, kind: str, _: object) -> bool:
    """Leave out the logs of changes and commits, which the migration alone knows of."""
    return not (kind == "table" and name in ("changes", "commits"))


def test_the_newest_revision_is_what_the_program_expects(engine: Engine) -> None:
    migrate(engine)
    # PostgreSQL cannot compare the defaults of JSON columns.
    defaults = engine.dialect.name == "sqlite"
    compared = {"compare_type": True, "compare_server_default": defaults, "include_name": is_ours}
    with engine.begin() as connection:
        context = MigrationContext.configure(connection, opts=compared)
        assert compare_metadata(context, metadata) == []


def test_the_indexes_of_the_database_are_those_of_the_program(embedded: Engine, tmp_path: Path) -> None:
    """Autogenerate does not compare the conditions of partial indexes."""
    migrate(embedded)
    (tmp_path / "direct").mkdir()
    with empty_database("sqlite", tmp_path / "direct") as direct:
        with direct.begin() as connection:
            metadata.create_all(connection)
        expected = {name: sql for name, sql in schema(direct) if sql.startswith("CREATE INDEX")}
    migrated = {name: sql for name, sql in schema(embedded) if sql.startswith("CREATE INDEX")}
    assert migrated == expected
    assert any("WHERE" in sql for sql in migrated.values())


def test_there_is_one_head_and_no_two_revisions_share_a_parent() -> None:
    assert len(SCRIPTS.get_heads()) == 1
    assert len(SCRIPTS.get_bases()) == 1
    parents = Counter(script.down_revision for script in SCRIPTS.walk_revisions())
    assert [parent for parent, number in parents.items() if number > 1] == []


def test_migrating_again_changes_nothing(engine: Engine) -> None:
    migrate(engine)
    before = schema(engine)
    migrate(engine)
    assert schema(engine) == before


@pytest.mark.parametrize("revision", REVISIONS)
def test_each_revision_can_be_taken_back_and_applied_again(engine: Engine, revision: str) -> None:
    go(engine, revision)
    before = schema(engine)
    go(engine, "-1", down=True)
    go(engine, revision)
    assert schema(engine) == before


def test_all_the_way_down_leaves_nothing_behind(engine: Engine) -> None:
    migrate(engine)
    go(engine, "base", down=True)
    assert inspect(engine).get_table_names() == ["alembic_version"]


async def test_a_database_that_a_newer_dides_wrote_is_refused_and_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "dides.db"
    store = SqliteStore(file, FakeClock())
    await store.write(lambda tx: add(tx, "web-1"))
    await store.close()
    with empty_database("sqlite", tmp_path) as engine:
        with engine.begin() as connection:
            connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        before = schema(engine)
        with pytest.raises(TooNewError, match=r"schema 9999.*a newer dides wrote it.*[Ss]tart that version.*backup"):
            SqliteStore(file, FakeClock())
        assert schema(engine) == before
        with engine.begin() as connection:
            assert connection.execute(text("SELECT name FROM instances")).scalars().all() == ["web-1"]


async def test_the_data_outlive_the_program(tmp_path: Path) -> None:
    for expected in range(1, 4):
        store = SqliteStore(tmp_path / "dides.db", FakeClock())
        await store.write(lambda tx: tx.keys.write_down("starts", (tx.keys.noted("starts") or 0) + 1))
        assert await store.read(lambda tx: tx.keys.noted("starts")) == expected
        await store.close()


def test_a_migration_that_fails_leaves_the_database_as_it_was(engine: Engine) -> None:
    with engine.begin() as connection:
        # Somebody else's table of the name of the last one that the first revision makes.
        connection.execute(text("CREATE TABLE targets (name TEXT)"))
    before = schema(engine)
    with pytest.raises(Exception, match="already exists"):
        migrate(engine)
    assert schema(engine) == before


async def test_a_rollout_that_an_earlier_dides_began_goes_on(embedded: Engine, tmp_path: Path) -> None:
    """What 0002 makes of a deployment in flight with one target told, HEALTHY and marked, and one still pending."""
    go(embedded, "0001")
    with embedded.begin() as connection:
        for statement in EARLIER.split(";\n"):
            connection.exec_driver_sql(statement)
    embedded.dispose()
    store = SqliteStore(tmp_path / "dides.db", FakeClock())
    before = await store.read(lambda tx: tx.deployments.in_flight())
    assert before is not None
    assert (before.waves, before.wave.open, before.timers.deadline_at) == ((2,), 1, None)
    first = await store.write(lambda tx: step(tx, 0))
    assert first is not None
    assert (first.deployment.counts.succeeded, first.deployment.counts.updating) == (1, 1)
    assert (first.deployment.wave.succeeded, first.assigned) == (1, {"b"})
    await store.close()


def test_what_was_rolled_back_before_0004_is_withdrawn_unless_that_was_aborted(engine: Engine) -> None:
    go(engine, "0003")
    ended = "labels, policy, batch_window, total, pending, updating, succeeded, failed, skipped, already, deferred"
    zeros = "'{}', '{}', 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 'anna'"
    with engine.begin() as connection:
        for number, kind, status, undoes, undone_by in (
            (1, "deploy", "completed", "NULL", 2),
            (2, "rollback", "failed", 1, "NULL"),
            (3, "deploy", "completed", "NULL", 4),
            (4, "rollback", "aborted", 3, "NULL"),
            (5, "deploy", "completed", "NULL", "NULL"),
        ):
            row = f"{number}, 0, '{kind}', '{status}', '', {undoes}, {undone_by}, {zeros}"
            connection.exec_driver_sql(
                "INSERT INTO deployments (id, revision, kind, status, reason, rollback_of, rolled_back_by, "
                f"{ended}, next_position, created_at, created_by) VALUES ({row})"
            )
        for number, told_by in ((1, 1), (2, 3), (3, 5), (4, "NULL")):
            connection.exec_driver_sql(
                "INSERT INTO instances (id, name, ip, labels, credential_hash, status, generation, told_by, message, "
                f"registered_at, reachable) VALUES ({number}, 'i{number}', '::1', '{{}}', "
                f"CAST('{number}' AS {_bytes_of(engine)}), 1, 1, {told_by}, '', 0, true)"
            )
    go(engine, "0004")
    with engine.begin() as connection:
        withdrawn = connection.exec_driver_sql("SELECT id FROM deployments WHERE withdrawn ORDER BY id").scalars().all()
        heirs = connection.exec_driver_sql("SELECT source_id, instance_id FROM heirs").all()
    assert withdrawn == [1]
    assert [tuple(each) for each in heirs] == [(5, 3)]


def _bytes_of(engine: Engine) -> str:
    return "BLOB" if engine.dialect.name == "sqlite" else "BYTEA"


EARLIER = """
INSERT INTO instances (id, name, ip, labels, credential_hash, status, current_code, generation, message, registered_at,
    reachable)
VALUES (1, 'a', '192.0.2.1', '{}', x'01', 1, '2', 1, '', 0, 1), (2, 'b', '192.0.2.2', '{}', x'02', 1, '1', 0, '', 0, 1);

INSERT INTO deployments (id, revision, kind, status, in_flight, reason, code, labels, policy, batch_window, threshold,
    total, pending, updating, succeeded, failed, skipped, already, deferred, next_position, created_at, created_by)
VALUES (1, 0, 'deploy', 'running', 1, '', '2', '{}',
    '{"batch_size": 1, "failure_threshold": 1, "update_timeout": 600.0, "auto_rollback": true}', 1, 1,
    2, 1, 1, 0, 0, 0, 0, 0, 3, 0, 'anna');

INSERT INTO targets (id, deployment_id, instance_id, instance, position, state, deferred, reason, message, to_code,
    generation, attempt, told_at, deadline_at, failure_is_news, marked, report_at, report_status, report_code,
    report_observed, report_message)
VALUES (1, 1, 1, 'a', 1, 'updating', 0, '', '', '2', 1, 1, 10, 99999999999999, 1, 1, 20, 1, '2', 1, ''),
    (2, 1, 2, 'b', 2, 'pending', 0, '', '', '2', 0, 0, NULL, NULL, 0, 0, NULL, NULL, NULL, NULL, NULL);
"""
"""Rows as the program of revision 0001 wrote them."""


def test_the_newest_revision_is_that_of_the_last_migration() -> None:
    assert SCRIPTS.get_heads() == [NEWEST]


def test_alembic_is_imported_only_for_a_database_that_needs_it(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from dides.runtime.clock import SystemClock;"
        "from dides.store.sqlite.store import SqliteStore; SqliteStore(Path(sys.argv[1]), SystemClock());"
        "print('alembic' in sys.modules)"
    )
    opened = [
        subprocess.run([sys.executable, "-c", program, tmp_path / "dides.db"], check=True, capture_output=True).stdout
        for _ in range(2)
    ]
    assert opened == [b"True\n", b"False\n"]
