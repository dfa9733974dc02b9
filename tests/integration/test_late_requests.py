"""Whatever waited in the sockets while the process stood still is refused, and may be sent again."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest

from dides.api.connections.late_requests import Backlog, punctual_connection
from dides.api.fastpath.asgi import FastPath
from dides.api.fastpath.protocol import answering_connection
from dides.api.traffic import Traffic
from dides.coordinator.loops.standstill import LONGEST
from support.app import OPERATOR, App, running_app, until
from support.serving import Answered, Serving, Wire, request, serving

WEB = "/inventory/instances/web-1"
ABORT = request("POST", "/deploy/abort", OPERATOR, b"{}")


class Scene:
    """A server that is made to stand still between what is sent to it and its next look."""

    def __init__(self, app: App, server: Serving, credential: str) -> None:
        self.app, self.server = app, server
        self.credential = credential
        self._now = 0.0
        app.coordinator.standstill.seconds = lambda: self._now
        app.coordinator.standstill.start()

    def stand_still(self) -> None:
        """Everything that was sent before, in this turn of the loop, is read after it."""
        self._now += 2 * LONGEST

    def failed(self, *more: str) -> bytes:
        """Return a report of a failure, which does not say what it is about; with more headers it is not plain."""
        return request("PATCH", WEB, self.credential, b'{"status":3}', *more)


@asynccontextmanager
async def standing(directory: Path, *, plain: bool = True) -> AsyncIterator[Scene]:
    """Serve an application in which web-1 is about to be told 2; without `plain` nothing is answered on connections."""
    async with running_app(directory) as app:
        assert isinstance(app.asgi, FastPath)
        backlog = Backlog(app.coordinator.standstill)
        connection = answering_connection(app.asgi, backlog) if plain else punctual_connection(backlog, Traffic())
        async with serving(app.asgi, connection) as server:
            backlog.listen(server.server.servers[0].sockets[0])
            own = await app.register("web-1")
            await app.beat("web-1", own, status=1, code_version="1")
            await app.deploy("2")
            yield Scene(app, server, own)


def is_refused(answer: Answered) -> bool:
    problem = msgspec.json.decode(answer.body)
    assert problem["request_id"].encode() in answer.head
    return answer.status == 503 and problem["type"].endswith(":stood-still") and b"retry-after: 1\r\n" in answer.head


async def nothing_happened(app: App) -> bool:
    """Tell whether the deployment goes on, and nothing was heard of web-1."""
    deployment = await app.get("/deployments/1")
    return (deployment["status"], deployment["progress"]["updating"]) == ("running", 1)


@pytest.mark.parametrize("plain", [True, False], ids=["connection", "routes"])
@pytest.mark.parametrize("what", ["report", "unusual report", "abort", "query"])
async def test_what_came_before_is_refused_and_what_comes_after_is_not(
    tmp_path: Path, what: str, *, plain: bool
) -> None:
    async with standing(tmp_path, plain=plain) as here:
        wire = await here.server.wire()
        asked = {
            "report": here.failed(),
            "unusual report": here.failed("Expect: nothing"),
            "abort": ABORT,
            "query": request("GET", f"{WEB}/desired?generation=0&wait=5", here.credential),
        }[what]
        wire.send(asked)
        here.stand_still()
        assert is_refused(await wire.answer())
        assert await nothing_happened(here.app)
        assert (await wire.ask(asked)).status == 200


async def test_it_holds_for_everybody_though_one_alone_noticed(tmp_path: Path) -> None:
    async with standing(tmp_path) as here:
        wires = [await here.server.wire() for _ in range(3)]
        for wire, asked in zip(wires, (here.failed(), ABORT, here.failed()), strict=True):
            wire.send(asked)
        here.stand_still()
        assert [is_refused(await wire.answer()) for wire in wires] == [True, True, True]
        assert await nothing_happened(here.app)
        assert (await wires[0].ask(request("GET", "/deploy", OPERATOR))).status == 200


async def test_a_connection_that_was_not_accepted_yet_is_late_too(tmp_path: Path) -> None:
    async with standing(tmp_path) as here:
        noticing = await here.server.wire()
        with socket.create_connection(here.server.server.servers[0].sockets[0].getsockname()[:2]) as late:
            late.sendall(ABORT)
            noticing.send(here.failed())
            here.stand_still()
            assert is_refused(await noticing.answer())
            late.setblocking(False)
            await until(lambda: len(here.server.server.server_state.connections) == 2)
            assert is_refused(await answer_on(late))
        assert await nothing_happened(here.app)


@pytest.mark.parametrize("plain", [True, False], ids=["connection", "routes"])
@pytest.mark.parametrize("what", ["report", "abort"])
async def test_a_request_of_which_the_rest_comes_after_it_is_refused(tmp_path: Path, what: str, *, plain: bool) -> None:
    async with standing(tmp_path, plain=plain) as here:
        asked, wire = {"report": here.failed(), "abort": ABORT}[what], await here.server.wire()
        wire.send(asked[:-1])
        await until(lambda: has_begun(wire))
        here.stand_still()
        assert is_refused(await wire.ask(asked[-1:]))
        assert await nothing_happened(here.app)
        assert (await wire.ask(asked)).status == 200


async def test_what_stood_in_line_for_its_turn_is_refused(tmp_path: Path) -> None:
    async with standing(tmp_path) as here:
        assert isinstance(here.app.asgi, FastPath)
        await here.app.send("POST", "/deploy/abort")
        queue = here.app.asgi.responder._fair_queue
        queue._most = 0
        own = await here.app.register("web-2")
        await here.app.beat("web-2", own, status=1)
        wire = await here.server.wire()
        wire.send(request("PATCH", "/inventory/instances/web-2", own, b'{"status":3}'))
        await until(lambda: queue.waiting == 1)
        here.stand_still()
        queue._most = 1
        queue._turn_over()
        assert is_refused(await wire.answer())
        assert (await here.app.get("/inventory/instances/web-2"))["status"] == 1


def has_begun(wire: Wire) -> bool:
    """Tell whether the server has read the beginning of a request."""
    return bool(getattr(wire.served, "_begun", b"") or wire.served.scope)


async def answer_on(client: socket.socket) -> Answered:
    """Read one answer from a plain socket."""
    reader, writer = await asyncio.open_connection(sock=client.dup())
    answer = await Wire(reader, writer, None).answer()
    writer.close()
    return answer
