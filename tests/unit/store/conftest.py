"""A writer for each test, on a real SQLite file."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, event

from dides.store.writer import Writer
from support.sqlite import sqlite_engine
from support.writers import a_writer


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = sqlite_engine(tmp_path / "dides.db", synchronous="FULL")
    yield engine
    engine.dispose()


@pytest.fixture
def commits(engine: Engine) -> list[str]:
    """Grows with every commit and rollback of a whole transaction."""
    happened: list[str] = []
    event.listen(engine, "commit", lambda _: happened.append("commit"))
    event.listen(engine, "rollback", lambda _: happened.append("rollback"))
    return happened


@pytest.fixture
def writer(engine: Engine) -> Iterator[Writer]:
    writer = a_writer(engine)
    yield writer
    writer.close()
