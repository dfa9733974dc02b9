"""One fixture gives every contract test to every store."""

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from dides.store.interface import Store
from support.clocks import FakeClock
from support.postgres import databases
from support.stores import OPENERS, Opener

Reopen = Callable[[], Store]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture(params=sorted(OPENERS))
def opener(request: pytest.FixtureRequest) -> Opener:
    return OPENERS[request.param]


@pytest.fixture
def reopen(opener: Opener, tmp_path: Path, clock: FakeClock) -> Iterator[Reopen]:
    """Opens the data of this test; whoever calls it closes what it returns."""
    with databases(tmp_path):
        yield lambda: opener(tmp_path, clock)


@pytest.fixture
async def store(reopen: Reopen) -> AsyncIterator[Store]:
    store = reopen()
    yield store
    await store.close()
