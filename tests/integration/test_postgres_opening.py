"""What a PostgreSQL database must be, and what every connection to it is set to."""

import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection

from dides.model.errors import UnavailableError
from dides.store.interface import Transaction
from dides.store.migrate import TooNewError
from dides.store.postgres.connections import conninfo_of, open_engine
from dides.store.postgres.database_clock import DatabaseClock
from dides.store.postgres.opening import prepare
from dides.store.postgres.store import PostgresStore
from dides.store.sql.bulk import array_of
from dides.store.sql.transaction import SqlTransaction
from dides.store.urls import UnknownDatabaseError
from support.postgres import statement
from support.postgres_server import the_server
from support.proxy import Proxy


@pytest.fixture
def fresh() -> Iterator[str]:
    """A name for a database."""
    name = f"f{secrets.token_hex(8)}"
    yield name
    statement(the_server(), f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def connection_of(tx: Transaction) -> Connection:
    assert isinstance(tx, SqlTransaction)
    return tx.inventory._db


def show(name: str) -> Callable[[Transaction], object]:
    return lambda tx: connection_of(tx).exec_driver_sql(f"SHOW {name}").scalar_one()


async def test_what_is_acknowledged_is_durable_though_the_server_is_set_otherwise(database: str) -> None:
    statement(the_server(), f"ALTER DATABASE {database} SET synchronous_commit = off")
    statement(the_server(), f"ALTER DATABASE {database} SET default_transaction_isolation = 'serializable'")
    store = PostgresStore(the_server().url(database))
    try:
        for alone in (True, False):
            assert await store.write(show("synchronous_commit"), alone=alone) == "on"
            assert await store.write(show("transaction_isolation"), alone=alone) == "read committed"
        assert await store.read(show("transaction_isolation")) == "repeatable read"
        assert await store.read(show("transaction_read_only")) == "on"
        assert await store.write(show("idle_in_transaction_session_timeout")) == "5s"
    finally:
        await store.close()


def test_a_stricter_setting_is_kept(database: str) -> None:
    statement(the_server(), f"ALTER DATABASE {database} SET synchronous_commit = remote_apply")
    engine = open_engine(conninfo_of(the_server().url(database)))
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SHOW synchronous_commit").scalar_one() == "remote_apply"
    engine.dispose()


def test_a_database_in_another_encoding_is_refused(fresh: str) -> None:
    statement(the_server(), f"CREATE DATABASE {fresh} ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0")
    with pytest.raises(UnknownDatabaseError, match="not in UTF8"):
        PostgresStore(the_server().url(fresh))


def test_a_database_that_is_not_there_is_named(fresh: str) -> None:
    with pytest.raises(UnavailableError, match=f'cannot be opened: .*database "{fresh}" does not exist'):
        PostgresStore(the_server().url(fresh))


def test_a_server_that_is_not_there_is_named_and_the_password_is_not() -> None:
    with pytest.raises(UnavailableError, match="Connection refused") as raised:
        PostgresStore("postgresql://someone:secret@127.0.0.1:1/dides")
    assert "secret" not in repr(raised.value)
    assert "secret" not in repr(raised.value.__cause__)


def test_a_user_who_may_not_make_tables_is_told_so(fresh: str) -> None:
    statement(the_server(), f"CREATE DATABASE {fresh}")
    statement(the_server(), f"CREATE ROLE {fresh} LOGIN")
    url = the_server().url(fresh).replace("postgres@", f"{fresh}@")
    try:
        with pytest.raises(UnavailableError, match="permission denied for schema public"):
            PostgresStore(url)
        statement(the_server(), f"ALTER DATABASE {fresh} OWNER TO {fresh}")
        prepare(conninfo_of(url), DatabaseClock())
    finally:
        statement(the_server(), f"DROP DATABASE {fresh} WITH (FORCE)")
        statement(the_server(), f"DROP ROLE {fresh}")


def test_a_newer_schema_is_refused(database: str) -> None:
    statement(the_server(), "UPDATE alembic_version SET version_num = '9999'", database)
    with pytest.raises(TooNewError, match="schema 9999"):
        PostgresStore(the_server().url(database))


async def test_a_store_on_a_server_has_no_backup_of_its_own(database: str, tmp_path: Path) -> None:
    store = PostgresStore(the_server().url(database))
    try:
        with pytest.raises(NotImplementedError, match="pg_dump"):
            await store.backup(tmp_path)
    finally:
        await store.close()


@pytest.mark.parametrize("kind", ["text", "bigint", "bool", "bytea"])
def test_arrays_arrive_as_they_were_sent(database: str, kind: str) -> None:
    sent: dict[str, list[Any]] = {
        "text": ["", "NULL", None, 'a "b" \\ {c,d} \\"', "naïve ☃\n\t", "'", "%s", "{}", " x "],
        "bigint": [0, -1, None, 2**62],
        "bool": [True, None, False],
        "bytea": [b"", b"\x00\xff\\", None],
    }
    engine = open_engine(conninfo_of(the_server().url(database)))
    with engine.connect() as connection:
        query = f"SELECT each FROM unnest(%s::{kind}[]) WITH ORDINALITY AS sent (each, place) ORDER BY place"
        rows = connection.exec_driver_sql(query, (array_of(kind, sent[kind]),)).fetchall()
    engine.dispose()
    assert [row[0] for row in rows] == sent[kind]


GIVEN = "?options=-c%20lock_timeout%3D7s%20-cjit%3Don%20-c%20synchronous_commit%3Doff"


@pytest.mark.parametrize("dropped", [True, False])
async def test_what_is_set_holds_behind_a_pooler_that_drops_options(database: str, *, dropped: bool) -> None:
    """Else one that stands still in mid-transaction would keep all others waiting, for ever."""
    proxy = Proxy(the_server().port)
    if dropped:
        proxy.drop_options()
    store = PostgresStore(the_server().url(database, proxy.port) + GIVEN)
    try:
        for alone in (True, False):
            assert await store.write(show("idle_in_transaction_session_timeout"), alone=alone) == "5s"
            assert await store.write(show("lock_timeout"), alone=alone) == "7s", "what the URL says goes before"
            assert await store.write(show("jit"), alone=alone) == "on"
            assert await store.write(show("synchronous_commit"), alone=alone) == "on", "but for that"
            assert await store.write(show("dides.origin"), alone=alone) == store._feed._origin
    finally:
        await store.close()
        proxy.close()
