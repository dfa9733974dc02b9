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


def query(connection: Connection, statements: Mapping[str, str], *parameters: Any) -> list[Row]:
    """Return the rows of a statement that writes nothing, in the transaction that has begun.

    `statements` has it by the name of the kind of database. Raises the errors of SQLAlchemy, on every database.
    """
    dialect = connection.dialect
    statement = statements[dialect.name]
    if dialect.name != "sqlite":
        return list(connection.exec_driver_sql(statement, parameters).fetchall())
    driver = connection.connection.driver_connection
    assert driver is not None, "an SQLite connection is not taken away"
    try:
        found: list[Row] = driver.execute(statement, parameters).fetchall()
    except sqlite3.Error as error:
        raise DBAPIError.instance(statement, parameters, error, sqlite3.Error, dialect=dialect) from error
    return found
