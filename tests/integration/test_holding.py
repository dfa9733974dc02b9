"""A query that is held on its connection is answered as one that goes the usual way, byte for byte."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from dides.api.connections.timed import limited_connection
from dides.api.fastpath.asgi import FastPath
from dides.api.fastpath.load_shedding import Overload
from dides.api.fastpath.protocol import Answering, answering_connection
from dides.api.limits.request_limits import PIPELINED
from dides.api.traffic import Traffic
from support.app import OPERATOR, App, running_app, until
from support.serving import Serving, Wire, serving

PATH = "/inventory/instances/web-1/desired"
MADE_UP_ID = re.compile(rb"[0-9a-f]{32}")
LONG = f"{PATH}?generation=1&wait=30"


class Noting:
    """Notes what comes to the application."""

    def __init__(self, app: FastPath) -> None:
        self.app = app
        self.paths: list[str] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.paths.append(scope["path"])
        await self.app(scope, receive, send)


class Stage:
    """An application with web-1, which is at version 2 and at generation 1; a server that holds queries."""

    def __init__(self, app: App, served: Serving, noting: Noting, own: str) -> None:
        self.app = app
        self.served = served
        self.noting = noting
        self.own = own

    def query(self, path: str = LONG, *lines: str) -> bytes:
        """Return a plain query, with more headers."""
        return request(path, f"Authorization: Bearer {self.own}", "X-Request-ID: the-same", *lines)

    def beat(self, length: int) -> bytes:
        """Return the head of a heartbeat."""
        own = f"Authorization: Bearer {self.own}"
        lines = (own, "X-Request-ID: a-heartbeat", f"Content-Length: {length}")
        return request(PATH.removesuffix("/desired"), *lines, method="PATCH")

    async def held(self, *lines: str) -> Wire:
        """Return a connection on which a query is held."""
        wire, before = await self.served.wire(), self.app.coordinator.waiters.held
        wire.send(self.query(LONG, *lines))
        await until(lambda: self.app.coordinator.waiters.held > before)
        assert self.noting.paths == [], "it is held on the connection"
        return wire

    async def assign(self, version: str = "3") -> None:
        """Tell web-1 something new, and let it get there: its generation is one higher then."""
        await self.app.deploy(version)
        await self.app.beat("web-1", self.own, status=1, code_version=version)
        assert (await self.app.send("POST", "/deploy/progress")).json()["status"] == "completed"


def request(path: str, *lines: str, method: str = "GET", version: str = "HTTP/1.1") -> bytes:
    return "\r\n".join((f"{method} {path} {version}", "Host: x", *lines, "", "")).encode("latin-1")


@asynccontextmanager
async def staged(directory: Path, overload: Overload | None = None) -> AsyncIterator[Stage]:
    overload = overload or Overload()
    async with running_app(directory, overload=overload) as app:
        assert isinstance(app.asgi, FastPath)
        own = await app.register("web-1")
        await app.beat("web-1", own, status=1, code_version="1")
        noting = Noting(app.asgi)
        async with serving(noting, answering_connection(app.asgi)) as served:
            stage = Stage(app, served, noting, own)
            await stage.assign("2")
            yield stage


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with staged(tmp_path) as stage:
        yield stage


def cases(own: str) -> dict[str, bytes]:
    """Return requests; those whose name begins with "plain" never come to the application."""
    auth, same = f"Authorization: Bearer {own}", "X-Request-ID: the-same"
    now, short = f"{PATH}?generation=0&wait=60", f"{PATH}?generation=1&wait=0.05"

    def ask(*lines: str, path: str = now, **others: str) -> bytes:
        return request(path, auth, same, *lines, **others)

    return {
        "plain: news": ask(),
        "plain: nothing new": ask(path=short),
        "plain: no wait": ask(path=f"{PATH}?generation=1&wait=0"),
        "plain: from the future": ask(path=f"{PATH}?generation=999&wait=0"),
        "plain: more headers": ask("Accept: */*", "User-Agent: x (y; z)", "Accept-Encoding: gzip, deflate"),
        "plain: keep-alive": ask("Connection: Keep-Alive"),
        "other letters": ask().replace(b"Authorization", b"AUTHORIZATION").replace(b"Bearer", b"bearer"),
        "two credentials": request(now, "Authorization: Bearer x", auth, same),
        "nobody's host": ask().replace(b"Host: x\r\n", b""),
        "close": ask("Connection: close"),
        "keep-alive and more": ask("Connection: keep-alive, x"),
        "another hop's close": ask("Proxy-Connection: close"),
        "an empty body": ask("Content-Length: 0"),
        "a body": ask("Content-Length: 2") + b"{}",
        "a length that is none": ask("Content-Length: x"),
        "chunks": ask("Transfer-Encoding: chunked") + b"0\r\n\r\n",
        "expects": ask("Expect: 100-continue", "Content-Length: 2") + b"{}",
        "upgrade": ask("Connection: upgrade", "Upgrade: websocket"),
        "upgrade to nothing": ask("Upgrade: h2c"),
        "HTTP/1.0": ask(version="HTTP/1.0"),
        "HTTP/1.0 that stays": ask("Connection: keep-alive", version="HTTP/1.0"),
        "HTTP/2": ask(version="HTTP/2.0"),
        "no version": ask().replace(b" HTTP/1.1", b""),
        "no blank": ask().replace(b"Host: x", b"Host:x"),
        "two blanks": ask().replace(b"Host: x", b"Host:  x"),
        "a blank behind": ask().replace(b"Host: x", b"Host: x "),
        "a tab": ask().replace(b"Host: x", b"Host:\tx"),
        "a blank before the colon": ask("X-A : b"),
        "an empty header": ask("X-A:"),
        "an empty header and a blank": ask("X-A: "),
        "another alphabet": ask("X-A: \xe9"),
        "a control character": ask("X-A: \x01"),
        "NUL": ask("X-A: \x00"),
        "an underscore": ask("X_A: b"),
        "no name": ask(": b"),
        "folded": ask("X-A: b", " c"),
        "bare line feeds": ask().replace(b"\r\n", b"\n"),
        "one bare line feed": ask().replace(b"Host: x\r\n", b"Host: x\n"),
        "a bare carriage return": ask().replace(b"Host: x\r\n", b"Host: x\r"),
        "a blank line before": b"\r\n" + ask(),
        "large": ask("X-A: " + "b" * 5000),
        "no credential": request(now, same),
        "nobody's credential": request(now, "Authorization: Bearer x", same),
        "the operator's": request(now, f"Authorization: Bearer {OPERATOR}", same),
        "another scheme": request(now, "Authorization: Basic eDp5", same),
        "nobody": ask(path=now.replace("web-1", "nobody")),
        "an escaped name": ask(path=now.replace("-", "%2D")),
        "a name that is none": ask(path=now.replace("web", "WEB")),
        "a slash behind": ask(path=now.replace("?", "/?")),
        "no parameters": ask(path=PATH),
        "a lone question mark": ask(path=f"{PATH}?"),
        "the other way round": ask(path=f"{PATH}?wait=0&generation=0"),
        "too long": ask(path=f"{PATH}?generation=0&wait=60.1"),
        "one more": ask(path=f"{now}&x=1"),
        "a fragment": ask(path=f"{now}#x"),
        "an address": ask(path=f"http://x{now}"),
        "HEAD": ask(path=short, method="HEAD"),
        "POST": ask("Content-Length: 0", path=short, method="POST"),
        "in lower case": ask(method="get"),
        "two blanks before the path": ask().replace(b"GET ", b"GET  "),
        "a query and half of another": ask() + ask()[:20] + b"\x00",
        "two": ask() + ask(path=short),
        "garbage behind": ask() + b"\x00\r\n\r\n",
        "a heartbeat": ask("Content-Length: 2", path=PATH.removesuffix("/desired"), method="PATCH") + b"{}",
    }


async def test_both_ways_answer_alike(stage: Stage) -> None:
    table, differ = cases(stage.own), {}
    async with serving(stage.noting.app, limited_connection(Traffic())) as usual:
        for name, sent in table.items():
            stage.noting.paths.clear()
            held = MADE_UP_ID.sub(b"", await (await stage.served.wire()).all_of(sent))
            assert (PATH not in stage.noting.paths) or not name.startswith("plain"), name
            expected = MADE_UP_ID.sub(b"", await (await usual.wire()).all_of(sent))
            if held != expected:
                differ[name] = (held, expected)
            assert held.startswith(b"HTTP/1.1 "), name
    assert differ == {}


async def test_a_query_that_comes_in_pieces_goes_the_usual_way(stage: Stage) -> None:
    wire, sent = await stage.served.wire(), stage.query(f"{PATH}?generation=1&wait=0")
    for cut in range(1, len(sent)):
        wire.served.data_received(sent[:cut])
        wire.served.data_received(sent[cut:])
        assert (await wire.answer())[0] == 200, cut
        wire.send(sent)
        assert (await wire.answer())[0] == 200, cut
    assert len(stage.noting.paths) == len(sent) - 1


async def test_what_only_looks_like_a_query_is_part_of_what_came_before(stage: Stage) -> None:
    wire = await stage.served.wire()
    wire.served.data_received(request("/healthz").removesuffix(b"Host: x\r\n\r\n") + b"X-A: ")
    wire.served.data_received(stage.query())
    status, head, _ = await wire.answer()
    assert (status, b"x-request-id: the-same\r\n" in head) == (200, True)
    assert stage.noting.paths == ["/healthz"]


async def test_what_looks_like_a_query_may_be_the_body_of_a_heartbeat(stage: Stage) -> None:
    wire, body = await stage.served.wire(), stage.query()
    wire.served.data_received(stage.beat(len(body)))
    wire.served.data_received(body)
    assert (await wire.answer())[0] == 400
    wire.send(stage.query(f"{PATH}?generation=0&wait=30"))
    assert (await wire.answer())[0] == 200


async def test_a_query_behind_a_heartbeat_that_is_being_stored_is_answered_after_it(stage: Stage) -> None:
    wire, body = await stage.served.wire(), b'{"message":"something new"}'
    wire.served.data_received(stage.beat(len(body)) + body)
    wire.served.data_received(stage.query(f"{PATH}?generation=0&wait=30"))
    ids = [(await wire.answer())[1].split(b"x-request-id: ")[1].split(b"\r\n")[0] for _ in range(2)]
    assert ids == [b"a-heartbeat", b"the-same"]
    assert stage.noting.paths == []


async def test_it_is_answered_once_there_is_news_and_the_connection_goes_on(stage: Stage) -> None:
    wire = await stage.held()
    assert wire.served.timeout_keep_alive_task is None, "nobody is cut off while a query is held"
    await stage.assign()
    status, _, body = await wire.answer()
    assert (status, b'"generation":2' in body) == (200, True)
    assert wire.served.timeout_keep_alive_task is not None
    wire.send(request("/deployments", f"Authorization: Bearer {OPERATOR}"))
    assert (await wire.answer())[0] == 200
    wire.send(stage.query(f"{PATH}?generation=1&wait=30"))
    assert (await wire.answer())[0] == 200
    wire.send(stage.query(f"{PATH}?generation=2&wait=30"))
    await until(lambda: stage.app.coordinator.waiters.holds("web-1"))
    assert wire.served.timeout_keep_alive_task is None
    assert stage.noting.paths == ["/deployments"]
    assert stage.served.server.server_state.total_requests == 3


async def test_what_comes_while_a_query_is_held_is_answered_after_it(stage: Stage) -> None:
    wire = await stage.held()
    for sent in (
        stage.query(f"{PATH}?generation=1&wait=20").replace(b"the-same", b"second"),
        request("/healthz", "X-Request-ID: third")[:9],
        request("/healthz", "X-Request-ID: third")[9:],
    ):
        wire.served.data_received(sent)
    assert wire.served.flow.read_paused, "or it could send without end"
    await stage.assign()
    ids = [(await wire.answer())[1].split(b"x-request-id: ")[1].split(b"\r\n")[0] for _ in range(3)]
    assert ids == [b"the-same", b"second", b"third"]
    assert not wire.served.flow.read_paused


async def test_another_query_that_comes_while_one_is_held_is_held_after_it(stage: Stage) -> None:
    wire = await stage.held()
    wire.served.data_received(stage.query(f"{PATH}?generation=2&wait=20"))
    await stage.assign("3")
    assert b'"generation":2' in (await wire.answer())[2]
    await until(lambda: stage.app.coordinator.waiters.holds("web-1"))
    assert not wire.served.flow.read_paused
    await stage.assign("4")
    assert b'"generation":3' in (await wire.answer())[2]
    assert stage.noting.paths == []


async def test_one_that_hangs_up_is_not_held(stage: Stage) -> None:
    wires = [await stage.held() for _ in range(2)]
    wires[0].close()
    wires[1].writer.transport.abort()
    await until(lambda: stage.app.coordinator.waiters.held == 0)
    (await stage.held()).writer.write_eof()
    await until(lambda: stage.app.coordinator.waiters.held == 0)
    await until(lambda: not stage.served.server.server_state.connections)


async def test_one_that_hangs_up_at_the_moment_of_the_news_does_no_harm(stage: Stage) -> None:
    gone, stays = await stage.held(), await stage.held()
    stage.app.coordinator.waiters.publish(["web-1"])
    gone.served.transport.abort()
    await stage.assign()
    assert (await stays.answer())[0] == 200


async def test_a_waking_without_news_is_no_answer(stage: Stage) -> None:
    wire = await stage.held()
    stage.app.coordinator.waiters.publish(["web-1"])
    await until(lambda: stage.app.coordinator.waiters.holds("web-1"))
    await stage.assign()
    assert b'"generation":2' in (await wire.answer())[2]


@pytest.mark.parametrize("released", [True, False])
async def test_when_the_server_stops_what_is_held_is_answered_and_the_connection_closed(
    stage: Stage, *, released: bool
) -> None:
    wire = await stage.held()
    wire.served.data_received(request("/healthz"))
    if released:  # as on SIGTERM
        stage.served.server.should_exit = True
        wire.served.shutdown()
        stage.app.coordinator.release()
    else:
        wire.served.shutdown()
        await stage.assign()
    said = await wire.rest()
    assert said.startswith(b"HTTP/1.1 200 OK\r\n")
    assert said.count(b"HTTP/1.1") == 1
    assert b"\r\nconnection: close\r\n" in said


async def test_one_that_is_gone_when_the_server_stops_is_told_so_and_the_connection_closed(stage: Stage) -> None:
    wire = await stage.held()
    wire.served.shutdown()
    assert (await stage.app.send("DELETE", PATH.removesuffix("/desired"))).status_code == 204
    said = await wire.rest()
    assert said.startswith(b"HTTP/1.1 410 ")
    assert b"\r\nconnection: close\r\n" in said


async def test_one_whose_instance_is_gone_hears_it_from_the_routes_and_goes_on(stage: Stage) -> None:
    wire = await stage.held()
    wire.served.data_received(request("/healthz"))
    assert (await stage.app.send("DELETE", PATH.removesuffix("/desired"))).status_code == 204
    assert [(await wire.answer())[0] for _ in range(2)] == [410, 200]


async def test_one_that_does_not_read_its_answers_fills_no_memory(stage: Stage) -> None:
    wire, sent = await stage.served.wire(), stage.query(f"{PATH}?generation=1&wait=0")
    wire.reader._transport.pause_reading()  # type: ignore[attr-defined]
    served: Answering = wire.served
    for _ in range(100_000):
        served.data_received(sent)
        await asyncio.sleep(0)
        if served.flow.write_paused:
            break
    full = served.transport.get_write_buffer_size()
    for _ in range(100):
        served.data_received(sent)
        await asyncio.sleep(0)
    assert served.transport.get_write_buffer_size() == full
    assert len(served.pipeline) == PIPELINED, "the usual way lets as many wait"
    wire.writer.transport.abort()


async def test_while_load_is_shed_it_is_refused_unless_something_is_awaited_of_it(tmp_path: Path) -> None:
    overload = Overload(most=0)
    async with staged(tmp_path, overload) as stage:
        idle = await stage.app.register("web-2")
        await stage.app.beat("web-2", idle, status=1, code_version="2")
        overload.shedding = True
        wire = await stage.served.wire()
        wire.send(request("/inventory/instances/web-2/desired?generation=0&wait=30", f"Authorization: Bearer {idle}"))
        status, head, body = await wire.answer()
        assert (status, b"retry-after: 1\r\n" in head, b"urn:dides:problem:busy" in body) == (429, True, True)
        await stage.app.deploy("3")
        wire.send(stage.query(f"{PATH}?generation=0&wait=30"))
        assert (await wire.answer())[0] == 200
        assert stage.noting.paths == []
