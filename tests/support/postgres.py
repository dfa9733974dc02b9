"""Databases on the tests' PostgreSQL server: one for each directory that a test has, made from a template."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import psycopg

from dides.runtime.clock import Clock
from dides.store.interface import Store
from dides.store.postgres.connections import conninfo_of
from dides.store.postgres.database_clock import DatabaseClock
from dides.store.postgres.opening import prepare
from dides.store.postgres.store import PostgresStore
from support.postgres_server import PostgresServer, the_server

TEMPLATE = "migrated"


def open_postgresql(directory: Path, _: Clock) -> Store:
    """Open PostgreSQL on the database of a directory. It has a clock of its own."""
    return PostgresStore(the_server().url(database_of(directory)))


@cache
def database_of(directory: Path) -> str:
    """Return the name of a directory's database, which is migrated and empty at first."""
    server = the_server()
    name = f"t{sha256(str(directory).encode()).hexdigest()[:20]}"
    statement(server, f"CREATE DATABASE {name} TEMPLATE {_template(server)} STRATEGY FILE_COPY")
    return name


@contextmanager
def databases(directory: Path) -> Iterator[None]:
    """Drop the database of a directory, if it has one, once the block is over."""
    yield
    name = f"t{sha256(str(directory).encode()).hexdigest()[:20]}"
    if the_server.cache_info().currsize:
        statement(the_server(), f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@contextmanager
def fresh_database() -> Iterator[str]:
    """Make an empty database, not even migrated, and give its URL."""
    server, name = the_server(), f"f{secrets.token_hex(10)}"
    statement(server, f"CREATE DATABASE {name} STRATEGY FILE_COPY")
    try:
        yield server.url(name)
    finally:
        statement(server, f"DROP DATABASE {name} WITH (FORCE)")


def statement(server: PostgresServer, text: str, database: str = "postgres") -> list[tuple[Any, ...]]:
    """Run a statement on a database, and return its rows."""
    with psycopg.connect(server.url(database), autocommit=True) as connection:
        cursor = connection.execute(text.encode())
        return cursor.fetchall() if cursor.description else []


@cache
def _template(server: PostgresServer) -> str:
    statement(server, f"CREATE DATABASE {TEMPLATE}")
    prepare(conninfo_of(server.url(TEMPLATE)), DatabaseClock())
    return TEMPLATE
