"""A fleet for each test, on a real SQLite file."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from support.clocks import FakeClock
from support.hand_fleet import Fleet
from support.sqlite import sqlite_store


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def fleet(tmp_path: Path, clock: FakeClock) -> AsyncIterator[Fleet]:
    store = sqlite_store(tmp_path / "dides.db", clock)
    yield Fleet(store, clock)
    await store.close()
