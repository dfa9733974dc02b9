"""A fleet for each test, on a real SQLite file."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from dides.store.sqlite import SqliteStore
from support.clocks import FakeClock
from support.hand_fleet import Fleet


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def fleet(tmp_path: Path, clock: FakeClock) -> AsyncIterator[Fleet]:
    store = SqliteStore(tmp_path / "dides.db", clock, synchronous="OFF")
    yield Fleet(store, clock)
    await store.close()
