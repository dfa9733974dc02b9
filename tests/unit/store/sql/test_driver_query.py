"""Reads past SQLAlchemy: the rows are the driver's, the errors are SQLAlchemy's, so that the writer knows them."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError

from dides.store.sql.driver_query import query
from dides.store.sqlite.store import open_engine


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = open_engine(tmp_path / "dides.db", "OFF", "BEGIN IMMEDIATE")
    yield engine
    engine.dispose()


def test_rows_are_plain_tuples(engine: Engine) -> None:
    with engine.begin() as connection:
        assert query(connection, {"sqlite": "SELECT ?, 2", "postgresql": "no"}, "one") == [("one", 2)]


def test_an_error_is_one_of_sqlalchemy(engine: Engine) -> None:
    with engine.begin() as connection, pytest.raises(OperationalError) as raised:
        query(connection, {"sqlite": "SELECT value FROM nowhere"})
    assert isinstance(raised.value.orig, sqlite3.OperationalError)
    assert raised.value.statement == "SELECT value FROM nowhere"


def test_it_reads_what_its_own_transaction_has_written(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE one (value INTEGER)")
        connection.exec_driver_sql("INSERT INTO one VALUES (1)")
        assert query(connection, {"sqlite": "SELECT value FROM one"}) == [(1,)]


def test_who_cannot_begin_learns_why_from_sqlalchemy(tmp_path: Path, engine: Engine) -> None:
    impatient = open_engine(tmp_path / "dides.db", "OFF", "BEGIN IMMEDIATE", connect_args={"timeout": 0})
    with engine.begin(), pytest.raises(OperationalError, match="locked"), impatient.begin():
        pass
    impatient.dispose()
