"""What a refusal costs the event loop, for which everybody waits, in CPU time: a busy machine changes little of that.

Nobody may keep the loop for long, least of all without a credential.
"""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from dides.api.fastpath.asgi import FastPath
from dides.api.fastpath.protocol import answering_connection
from support.app import OPERATOR, App, running_app
from support.hand_wire import HandWire
from support.hostile import with_credential, without_credential

pytestmark = pytest.mark.asyncio(loop_scope="module")
MOST_SECONDS = 0.020
TRIES = 3


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def app(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[App]:
    async with running_app(tmp_path_factory.mktemp("app")) as running:
        yield running


async def cost(app: App, data: bytes) -> tuple[int, float]:
    """Return how a request is answered, and how many seconds the thread of the event loop works for that."""
    assert isinstance(app.asgi, FastPath)
    wire = HandWire(app.asgi, answering_connection(app.asgi))
    begun = time.thread_time()
    await wire.send_all(data)
    await wire.transport.wait(lambda: bool(wire.transport.said))
    spent = time.thread_time() - begun
    wire.hang_up()
    await asyncio.sleep(0)
    return wire.statuses[0], spent


async def too_dear(app: App, requests: dict[str, bytes]) -> dict[str, float]:
    """Return the requests that cost too much however often they are tried, and how much; all are refused."""
    found = {}
    for name, data in requests.items():
        costs: list[float] = []
        while len(costs) < TRIES and (not costs or costs[-1] >= MOST_SECONDS):
            status, spent = await cost(app, data)
            assert 303 <= status < 500, name
            costs.append(spent)
        if costs[-1] >= MOST_SECONDS:
            found[name] = min(costs)
    return found


async def test_without_a_credential(app: App) -> None:
    assert await too_dear(app, without_credential()) == {}


async def test_with_one(app: App) -> None:
    assert await too_dear(app, with_credential(await app.register("web-1"), OPERATOR)) == {}
