"""What is particular to the SQLite store: its pragmas, and how it says that it cannot."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import CursorResult

from dides.model.errors import UnavailableError
from dides.store.interface import Transaction
from dides.store.migrate import TooNewError
from dides.store.open import open_store
from dides.store.sql.transaction import SqlTransaction
from dides.store.sqlite.store import LOG_BYTES, SqliteStore
from support.clocks import FakeClock
from support.sqlite import sqlite_engine
from support.stores import add

FULL = 2


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    store = SqliteStore(tmp_path / "dides.db", FakeClock())
    yield store
    await store.close()


def write_down(tx: Transaction, value: int) -> None:
    tx.keys.write_down("n", value)


def execute(tx: Transaction, statement: str) -> CursorResult[Any]:
    assert isinstance(tx, SqlTransaction)
    return tx.inventory._db.exec_driver_sql(statement)


def pragmas(tx: Transaction) -> dict[str, object]:
    wanted = ("journal_mode", "synchronous", "foreign_keys")
    return {name: execute(tx, f"PRAGMA {name}").scalar() for name in wanted}


async def test_it_is_durable_through_power_loss(store: SqliteStore) -> None:
    expected = {"journal_mode": "wal", "synchronous": FULL, "foreign_keys": 1}
    assert await store.write(pragmas) == expected
    readings = await asyncio.gather(*(store.read(pragmas) for _ in range(8)))
    assert readings == [expected] * 8


async def test_opening_a_url_gives_a_store_as_durable(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path / 'named.db'}", FakeClock())
    try:
        assert (await store.write(pragmas))["synchronous"] == FULL
    finally:
        await store.close()
    assert (tmp_path / "named.db").is_file()


async def test_heartbeats_find_room_beside_many_readers(store: SqliteStore) -> None:
    await store.write(lambda tx: add(tx, "web-1"))
    reads = [store.read(lambda tx: tx.inventory.get("web-1")) for _ in range(50)]
    writes = [store.write(partial(write_down, value=number)) for number in range(50)]
    await asyncio.gather(*reads, *writes)
    assert await store.read(lambda tx: tx.keys.noted("n")) == 49


async def test_the_log_gets_short_again_after_somebody_has_read_for_long(store: SqliteStore, tmp_path: Path) -> None:
    log = tmp_path / "dides.db-wal"
    with closing(sqlite3.connect(tmp_path / "dides.db", isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM instances").fetchall()
        await store.write(lambda tx: execute(tx, f"CREATE TABLE filler AS SELECT zeroblob({LOG_BYTES} + 1048576)"))
        await store.write(partial(write_down, value=1))
        assert log.stat().st_size > LOG_BYTES
    for value in (2, 3):  # The first one writes the log back, the second one begins it anew.
        await store.write(partial(write_down, value=value))
    assert log.stat().st_size <= LOG_BYTES


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "dides.db"
    file.write_bytes(b"This is a letter, not a database. " * 100)
    with pytest.raises(UnavailableError, match="cannot be opened as a database"):
        SqliteStore(file, FakeClock())
    assert file.read_bytes().startswith(b"This is a letter")


def test_a_database_that_is_refused_is_let_go(tmp_path: Path) -> None:
    file = tmp_path / "dides.db"
    engine = sqlite_engine(file)
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    engine.dispose()
    with pytest.raises(TooNewError):
        SqliteStore(file, FakeClock())
    assert [path.name for path in tmp_path.iterdir()] == ["dides.db"], "the last connection removes its log"


def test_a_directory_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match=r"gone/dides\.db cannot be opened"):
        SqliteStore(tmp_path / "gone" / "dides.db", FakeClock())
