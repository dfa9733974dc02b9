"""Empty databases of both kinds, and their way from one revision of the schema to another."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from sqlalchemy import Engine, create_engine

from dides.store.sqlite.store import open_engine
from dides.store.upgrade import configuration
from support.postgres import fresh_database


@contextmanager
def empty_database(kind: str, directory: Path) -> Iterator[Engine]:
    """Yield an empty database: `sqlite`, in a directory, or `postgresql`."""
    if kind == "sqlite":
        with disposing(open_engine(directory / "dides.db", "FULL", "BEGIN IMMEDIATE")) as engine:
            yield engine
        return
    # As SQLAlchemy would connect by itself: each transaction is one.
    with fresh_database() as url, disposing(create_engine(url.replace("postgresql:", "postgresql+psycopg:"))) as engine:
        yield engine


@contextmanager
def disposing(engine: Engine) -> Iterator[Engine]:
    """Dispose of an engine once the block is over, however it ends: a connection left open fails some later test."""
    try:
        yield engine
    finally:
        engine.dispose()


def go(engine: Engine, revision: str, *, down: bool = False) -> None:
    """Bring a database to a revision of the schema."""
    config = configuration()
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        (command.downgrade if down else command.upgrade)(config, revision)
