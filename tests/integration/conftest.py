"""Databases for the tests that need PostgreSQL."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.postgres import database_of, databases


@pytest.fixture
def database(tmp_path: Path) -> Iterator[str]:
    """The name of a database of this test, migrated and empty."""
    with databases(tmp_path):
        yield database_of(tmp_path)
