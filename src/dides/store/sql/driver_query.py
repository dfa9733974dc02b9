"""Reads that are made for every batch of heartbeats, past SQLAlchemy where the database is in this process.

There it takes SQLAlchemy longer to describe the columns of a result than it takes SQLite to find the rows.
"""

import sqlite3
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

Row = Any
"""A row as the driver gives it: a plain tuple, or on PostgreSQL something that behaves like one."""


def ask(connection: Connection, statements: Mapping[str, str], *parameters: object) -> list[Row]:
    """Return the rows that a statement selects; `statements` has it by the name of the kind of database.

    Raises the errors of SQLAlchemy, on every database.
    """
    dialect = connection.dialect.name
    if dialect == "sqlite":
        return run(connection, statements[dialect], *parameters)
    return list(connection.exec_driver_sql(statements[dialect], parameters).fetchall())


def run(connection: Connection, statement: str, *parameters: Any) -> list[Row]:
    """Run a statement that writes nothing on SQLite, in the transaction that has begun; return its rows.

    Raises the errors of SQLAlchemy.
    """
    driver = connection.connection.driver_connection
    assert driver is not None, "an SQLite connection is not taken away"
    try:
        found: list[Row] = driver.execute(statement, parameters).fetchall()
    except sqlite3.Error as error:
        raise DBAPIError.instance(statement, parameters, error, sqlite3.Error, dialect=connection.dialect) from error
    return found
