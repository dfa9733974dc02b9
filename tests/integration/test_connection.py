"""Requests on their connection: answered byte for byte as in front of the framework, and HTTP is kept to."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import TypeVar

import pytest

from dides.api.fastpath.asgi import FastPath
from dides.api.fastpath.protocol import answering_connection
from dides.api.limits.request_limits import BODY_SECONDS
from dides.model.errors import UnavailableError
from dides.store.interface import Store, Transaction
from support.app import OPERATOR, App, running_app, until
from support.hand_wire import HandWire
from support.hot_cases import CASES, DESIRED, HEALTHY, WEB, Case, prepared
from support.serving import Serving, Wire, request, serving
from support.wrapped_store import WrappedStore

T = TypeVar("T")
UNUSUAL = "X-Pad:what has no blank behind its colon is not plain"
OTHER = b'{"code_version":"2","status":1}'


class HeldStore(WrappedStore):
    """A store whose heartbeats wait to be written until a test lets them go, or fail."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.go = asyncio.Event()
        self.go.set()
        self.held = 0
        self.fails = False

    async def write(self, work: Callable[[Transaction], T], *, alone: bool = True) -> T:
        if not alone:
            self.held += 1
            await self.go.wait()
            self.held -= 1
            if self.fails:
                raise UnavailableError("the database was taken away")
        return await super().write(work, alone=alone)


class Scene:
    """A served application whose web-1 has reported HEALTHY, and a connection."""

    def __init__(self, app: App, server: Serving, store: HeldStore, own: str, wire: Wire) -> None:
        self.app = app
        self.server = server
        self.store = store
        self.own = own
        self.wire = wire

    def beat(self, body: bytes = HEALTHY.encode(), *more: str) -> bytes:
        """Return a heartbeat of web-1."""
        return request("PATCH", WEB, self.own, body, *more)

    async def hold(self, data: bytes) -> None:
        """Send a heartbeat, and return once it waits to be written."""
        self.store.go.clear()
        self.wire.send(data)
        await until(lambda: self.store.held == 1)


def serve(app: App, *, keep_alive: int = 75) -> AbstractAsyncContextManager[Serving]:
    assert isinstance(app.asgi, FastPath)
    return serving(app.asgi, answering_connection(app.asgi), keep_alive=keep_alive)


@asynccontextmanager
async def scene(directory: Path, *, keep_alive: int = 75) -> AsyncIterator[Scene]:
    stores: list[HeldStore] = []

    def wrap(store: Store) -> Store:
        stores.append(HeldStore(store))
        return stores[0]

    async with running_app(directory, wrap=wrap) as app, serve(app, keep_alive=keep_alive) as server:
        own = await app.register("web-1")
        here = Scene(app, server, stores[0], own, await server.wire())
        assert (await here.wire.ask(here.beat())).status == 200
        try:
            yield here
        finally:
            stores[0].go.set()


async def ask(app: App, wire: Wire, case: Case, web: str, *more: str) -> bytes:
    asked = await prepared(app, case, web)
    headers = [f"{name}: {value}" for name, value in asked.headers.items()]
    answer = await wire.all_of(request(case.method, asked.path, asked.credential, case.body, *headers, *more))
    if case.deployed:
        await app.send("POST", "/deploy/abort")
    return answer


async def test_both_ways_answer_alike(tmp_path: Path) -> None:
    """Every case of the table that holds the fast path and the routes together, over real connections."""
    answers = []
    for more in ((), (UNUSUAL,)):
        async with running_app(tmp_path / str(len(more))) as app, serve(app) as server:
            given: dict[str, object] = {}
            for number, (name, case) in enumerate(CASES.items(), start=100):
                given[name] = await ask(app, await server.wire(), case, f"web-{number}", *more)
            answers.append({**given, "what is stored": await app.stored_without_times()})
    assert {name: each for name, each in answers[0].items() if each != answers[1][name]} == {}


async def test_plain_heartbeats_never_come_to_the_application(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Or the comparison above would compare one way with itself."""
    asked = []

    async def note(self: FastPath, name: str, *_: object) -> None:
        asked.append(name)
        raise AssertionError

    async with scene(tmp_path) as here:
        monkeypatch.setattr(FastPath, "_heartbeat", note)
        for body in (b"", b"{}", HEALTHY.encode(), OTHER, b'{"status":2,"message":"x","observed":0}'):
            assert (await here.wire.ask(here.beat(body))).status == 200
        assert asked == []
        assert (await here.wire.ask(here.beat(b"{}", UNUSUAL))).status == 500
    assert asked == ["web-1"]


async def test_a_heartbeat_in_pieces(tmp_path: Path) -> None:
    async with scene(tmp_path) as here:
        beat = here.beat(OTHER)
        end = beat.index(b"\r\n\r\n") + 4
        connection = here.wire.served
        for pieces in ([beat[:end], beat[end:]], [beat[:end], beat[end:-3], beat[-3:]], [beat[:5], beat[5:]]):
            for piece in pieces[:-1]:
                here.wire.send(piece)
                await until(lambda: connection._begun != b"" or connection._in_message)
            assert (await here.wire.ask(pieces[-1])).status == 200
            assert (connection._begun, connection._in_message) == (b"", False)


async def test_one_that_begins_plainly_and_does_not_end_so(tmp_path: Path) -> None:
    async with scene(tmp_path) as here:
        beat = here.beat(OTHER)
        end = beat.index(b"\r\n\r\n") + 4
        connection = here.wire.served
        here.wire.send(beat[:end])
        await until(lambda: connection._begun != b"")
        here.wire.send(beat[end:] + request("GET", WEB, OPERATOR))
        assert [(await here.wire.answer()).status for _ in range(2)] == [200, 200]


async def test_what_comes_behind_one_that_waits_is_answered_after_it(tmp_path: Path) -> None:
    async with scene(tmp_path) as here:
        await here.hold(here.beat(OTHER))
        here.wire.send(here.beat(HEALTHY.encode()) + request("GET", WEB, OPERATOR))
        connection = here.wire.served
        await until(lambda: connection._behind != b"")
        here.store.go.set()
        answers = [await here.wire.answer() for _ in range(3)]
        assert [each.status for each in answers] == [200, 200, 200]
        assert b'"code_version":"1"' in answers[2].body, "the second one was taken before the third was read"
        assert (await here.wire.ask(here.beat())).status == 200, "and the connection is as good as before"


async def test_a_sender_that_hangs_up_meanwhile(tmp_path: Path) -> None:
    async with scene(tmp_path) as here:
        await here.hold(here.beat(OTHER))
        here.wire.close()
        await until(lambda: not here.server.server.server_state.connections)
        here.store.go.set()
        current = (await here.app.get(WEB))["current"]
        assert current["code_version"] in ("1", "2")
        await until(lambda: not here.app.coordinator.heartbeats.waiting)
        assert (await (await here.server.wire()).ask(here.beat(OTHER))).status == 200


async def test_a_server_that_stops_answers_first_and_then_closes(tmp_path: Path) -> None:
    async with scene(tmp_path) as here:
        await here.hold(here.beat(OTHER))
        here.server.server.should_exit = True
        connection = here.wire.served
        await until(lambda: connection._is_last)
        here.store.go.set()
        answer = await here.wire.answer()
        assert (answer.status, b"connection: close\r\n" in answer.head) == (200, True)
        assert await here.wire.rest() == b""


async def test_one_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    async with scene(tmp_path) as here:
        here.store.fails = True
        answer = await here.wire.ask(here.beat(OTHER))
        assert (answer.status, b"retry-after: 1\r\n" in answer.head) == (503, True)
        here.store.fails = False
        assert (await here.wire.ask(here.beat(OTHER))).status == 200


async def test_one_whose_sender_is_decommissioned_meanwhile(tmp_path: Path) -> None:
    async with scene(tmp_path) as here:
        await here.hold(here.beat(OTHER))
        assert (await here.app.send("DELETE", WEB)).status_code == 204
        here.store.go.set()
        assert (await here.wire.answer()).status == 410
        assert (await here.wire.ask(request("GET", "/deploy", OPERATOR))).status == 404


async def test_a_connection_that_idles_is_closed_and_one_that_is_used_is_not(tmp_path: Path) -> None:
    async with scene(tmp_path, keep_alive=1) as here:
        loop = asyncio.get_running_loop()
        used, until_time = 0, loop.time() + 2.5
        while loop.time() < until_time:
            assert (await here.wire.ask(here.beat())).status == 200
            used += 1
            await asyncio.sleep(0.2)  # This is how often the sender reports.
        last = loop.time()
        assert await here.wire.rest() == b""
        assert loop.time() - last > 0.5
        assert used > 5


async def test_one_that_does_not_read_its_answers_waits_as_ever(tmp_path: Path) -> None:
    async with scene(tmp_path) as here:
        connection = here.wire.served
        connection.flow.pause_writing()
        here.wire.send(here.beat())
        await until(lambda: connection.cycle is not None)
        assert not connection.cycle.response_started
        connection.flow.resume_writing()
        assert (await here.wire.answer()).status == 200


@pytest.mark.parametrize("repeated", ["Host: localhost", "Authorization: Bearer x"])
@pytest.mark.parametrize("more", [(), (UNUSUAL,)], ids=["plainly", "the usual way"])
async def test_what_is_said_twice_is_refused_in_whatever_way_it_came(
    tmp_path: Path, repeated: str, more: tuple[str, ...]
) -> None:
    async with scene(tmp_path) as here:
        answer = await here.wire.ask(here.beat(HEALTHY.encode(), repeated, *more))
        assert (answer.status, b"connection: close\r\n" in answer.head) == (400, True)
        assert await here.wire.rest() == b""


async def test_no_host_is_refused_in_whatever_way_it_came(tmp_path: Path) -> None:
    async with scene(tmp_path) as here:
        for more in ((), (UNUSUAL,)):
            wire = await here.server.wire()
            assert (
                await wire.ask(here.beat(HEALTHY.encode(), *more).replace(b"Host: localhost\r\n", b""))
            ).status == 400


async def test_one_that_nobody_knows_is_refused_before_its_body_comes(tmp_path: Path) -> None:
    async with scene(tmp_path) as here:
        for path in (WEB, "/deploy", "/inventory/instances/nobody"):
            for credential in ("nobody's", None):
                wire = await here.server.wire()
                head = request("PATCH" if path != "/deploy" else "POST", path, credential, b"x" * 15_000)[:-15_000]
                answer = await wire.ask(head)
                assert (answer.status, b"connection: close\r\n" in answer.head) == (401, True)
                assert await wire.rest() == b""


async def test_the_rest_of_a_plain_one_has_its_time(tmp_path: Path) -> None:
    async with scene(tmp_path) as here:
        assert isinstance(here.app.asgi, FastPath)
        wire = HandWire(here.app.asgi, answering_connection(here.app.asgi))
        beat = here.beat(OTHER)
        wire.send(beat[:-20])
        for _ in range(19):
            wire.loop.advance(BODY_SECONDS / 20)
            wire.send(beat[-1:])
        assert wire.statuses == []
        wire.loop.advance(BODY_SECONDS / 20)
        assert (wire.statuses, wire.leaving) == ([408], True)
        assert (await here.app.get(WEB))["current"]["code_version"] == "1"


async def test_no_time_limit_holds_for_one_that_came_whole(tmp_path: Path) -> None:
    async with scene(tmp_path) as here:
        assert isinstance(here.app.asgi, FastPath)
        wire = HandWire(here.app.asgi, answering_connection(here.app.asgi))
        wire.send(here.beat())
        assert wire.statuses == [200]
        wire.send(request("GET", f"{DESIRED}?generation=0&wait=60", here.own))
        wire.loop.advance(74)
        assert not wire.leaving
        wire.hang_up()
        assert wire.loop.waiting == []
