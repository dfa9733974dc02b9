"""How many connections, and held queries, one credential may have: a newer one takes the place of the oldest."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from dides.api.fastpath.asgi import FastPath
from dides.api.fastpath.protocol import answering_connection
from dides.coordinator.settings import Settings
from support.app import OPERATOR, PATIENCE, App, running_app, until
from support.clocks import FakeClock
from support.serving import Serving, Wire, request, serving

LIMITED = Settings(reconcile_interval=3600)


class Served(NamedTuple):
    """The application, its server, and how connections are counted."""

    app: App
    server: Serving
    fast_path: FastPath

    @property
    def sent_away(self) -> int:
        assert self.fast_path.responder.crowd is not None
        return self.fast_path.responder.crowd.sent_away

    @property
    def counted(self) -> int:
        assert self.fast_path.responder.crowd is not None
        return self.fast_path.responder.crowd.credentials

    async def wires(self, number: int) -> list[Wire]:
        return [await self.server.wire() for _ in range(number)]


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    async with running_app(tmp_path, clock=FakeClock(), settings=LIMITED) as app:
        assert isinstance(app.asgi, FastPath)
        async with serving(app.asgi, answering_connection(app.asgi)) as server:
            yield Served(app, server, app.asgi)


def beat(name: str, credential: str) -> bytes:
    return request("PATCH", f"/inventory/instances/{name}", credential, b"{}")


def read(name: str, credential: str) -> bytes:
    """Return a request that takes the usual way."""
    return request("GET", f"/inventory/instances/{name}", credential)


def query(name: str, credential: str, wait: int = 60) -> bytes:
    return request("GET", f"/inventory/instances/{name}/desired?generation=0&wait={wait}", credential)


async def until_held(app: App, number: int) -> None:
    await until(lambda: app.coordinator.waiters.held == number)


@pytest.mark.parametrize("ask", [beat, read])
async def test_a_fifth_connection_takes_the_place_of_the_oldest(
    served: Served, ask: Callable[[str, str], bytes]
) -> None:
    credential = await served.app.register("web-1")
    wires = await served.wires(6)
    for wire in wires:
        assert (await wire.ask(ask("web-1", credential))).status == 200
    assert served.sent_away == 2
    assert [await wire.rest() for wire in wires[:2]] == [b"", b""]
    for wire in wires[2:]:
        assert (await wire.ask(ask("web-1", credential))).status == 200
    assert served.counted == 1
    for wire in wires[2:]:
        wire.close()
    await until(lambda: served.counted == 0)


async def test_one_that_waits_is_answered_before_it_gives_way(served: Served) -> None:
    credential = await served.app.register("web-1")
    wires = await served.wires(5)
    wires[0].send(query("web-1", credential))
    await served.app.until_held("web-1")
    for wire in wires[1:]:
        assert (await wire.ask(beat("web-1", credential))).status == 200
    answer = await wires[0].answer()
    assert (answer.status, b"connection: close" in answer.head) == (200, True)
    assert await wires[0].rest() == b""
    assert not served.app.coordinator.waiters.holds("web-1")


async def test_connections_of_a_proxy_and_of_operators_are_not_counted(served: Served) -> None:
    credentials = {name: await served.app.register(name) for name in ("web-1", "web-2")}
    for wire in await served.wires(6):
        for name, credential in credentials.items():
            assert (await wire.ask(beat(name, credential))).status == 200
        assert (await wire.ask(beat("web-1", credentials["web-1"]))).status == 200
    for wire in await served.wires(6):
        assert (await wire.ask(request("GET", "/deployments", OPERATOR))).status == 200
    assert (served.sent_away, served.counted) == (0, 0)


async def test_a_third_query_takes_the_place_of_the_oldest(served: Served) -> None:
    credential = await served.app.register("web-1")
    wires = await served.wires(3)
    feed = served.app.coordinator.waiters
    for held, wire in enumerate(wires[:2], 1):
        wire.send(query("web-1", credential))
        await until_held(served.app, held)
    wires[2].send(query("web-1", credential))
    first = await wires[0].answer()
    assert (first.status, b'"generation":0' in first.body, feed.held) == (200, True, 2)
    await served.app.deploy("2")
    assert [(await wire.answer()).status for wire in wires[1:]] == [200, 200]


async def test_the_same_holds_for_queries_that_take_the_usual_way(tmp_path: Path) -> None:
    async with running_app(tmp_path, dev=True) as app:
        await app.register("web-1")
        path = "/inventory/instances/web-1/desired?generation=0&wait=60"
        asked = list[asyncio.Task[object]]()
        for held in range(1, 3):
            asked.append(asyncio.create_task(app.get(path)))
            await until_held(app, held)
        asked.append(asyncio.create_task(app.get(path)))
        async with asyncio.timeout(PATIENCE):
            assert await asked[0]
        assert app.coordinator.waiters.held == 2
        app.coordinator.release()
        await asyncio.gather(*asked)
