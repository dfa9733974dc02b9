"""Time limits of a connection, by a clock that a test holds."""

import asyncio
from typing import Any

import pytest

from dides.api.connections.timed import limited_connection
from dides.api.limits.request_limits import BODY_SECONDS, HEAD_SECONDS, WRITE_SECONDS
from dides.api.traffic import Traffic
from support.app import until
from support.hand_wire import Echo, HandWire

GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n"
KEEP_ALIVE = 75


class Scene:
    def __init__(self) -> None:
        self.app, self.traffic = Echo(), Traffic()
        self.wire = HandWire(self.app, limited_connection(self.traffic))

    def trickle(self, data: bytes, seconds: float) -> float:
        """Send the same again and again, a second apart, until the connection ends or time is over; return when."""
        begun = self.wire.loop.now
        while self.wire.loop.now - begun < seconds and not self.wire.leaving:
            self.wire.send(data)
            self.wire.loop.advance(1)
        return self.wire.loop.now - begun


async def test_a_silent_connection_is_closed() -> None:
    scene = Scene()
    scene.wire.loop.advance(HEAD_SECONDS - 0.1)
    assert not scene.wire.leaving
    scene.wire.loop.advance(0.1)
    assert scene.wire.leaving
    assert (scene.wire.statuses, scene.traffic.refused_early) == ([], {"silent": 1})


async def test_so_is_one_on_which_blank_lines_come() -> None:
    scene = Scene()
    assert scene.trickle(b"\r\n", 100) == HEAD_SECONDS


async def test_and_one_on_which_they_come_after_a_request() -> None:
    scene = Scene()
    scene.wire.send(GET)
    await scene.wire.answered()
    scene.wire.loop.advance(50)
    assert scene.trickle(b"\r\n", 100) == HEAD_SECONDS


@pytest.mark.parametrize("before", [b"", GET], ids=["the first request", "a later one"])
async def test_a_head_has_its_time_however_much_of_it_comes(before: bytes) -> None:
    scene = Scene()
    if before:
        scene.wire.send(before)
        await scene.wire.answered()
    scene.wire.send(b"GET / HTTP/1.1\r\nx: ")
    assert scene.trickle(b"x", 100) == HEAD_SECONDS
    assert scene.wire.statuses[-1] == 408
    assert scene.traffic.refused_early == {"slow": 1}


async def test_a_body_has_its_own_time_however_much_of_it_comes() -> None:
    scene = Scene()
    scene.wire.send(POST[:20])
    scene.wire.loop.advance(HEAD_SECONDS - 1)
    scene.wire.send(POST[20:])
    assert scene.trickle(b"x", 99) == BODY_SECONDS
    assert scene.wire.statuses == [408]
    await until(lambda: scene.app.torn == 1)


async def test_chunks_of_nothing_but_their_heads_do_not_help() -> None:
    scene = Scene()
    scene.wire.send(b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5;")
    assert scene.trickle(b"x", 99) == BODY_SECONDS


async def test_a_head_behind_one_that_is_answered_late_has_its_time_too() -> None:
    scene = Scene()
    scene.app.go.clear()
    scene.wire.send(GET + b"GET / HTTP/1.1\r\n")
    await until(lambda: len(scene.app.seen) == 1)
    scene.wire.loop.advance(HEAD_SECONDS)
    assert scene.wire.statuses == []
    scene.app.go.set()
    assert await scene.wire.answered(2) == [200, 408]


async def test_what_was_not_read_is_not_late() -> None:
    scene = Scene()
    scene.app.go.clear()
    scene.wire.send(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 200000\r\n\r\n" + b"x" * 150_000)
    assert not scene.wire.transport.is_reading_now
    scene.wire.loop.advance(10 * BODY_SECONDS)
    assert not scene.wire.leaving
    scene.app.go.set()
    await until(lambda: scene.wire.transport.is_reading_now)
    scene.wire.send(b"x" * 50_000)
    assert await scene.wire.answered() == [200]


async def test_a_request_that_is_answered_late_is_not_slow() -> None:
    scene = Scene()
    scene.app.go.clear()
    scene.wire.send(GET)
    scene.wire.loop.advance(1000)
    scene.app.go.set()
    assert await scene.wire.answered() == [200]


async def test_an_answer_that_began_before_a_body_that_never_comes_is_not_interrupted() -> None:
    async def stream(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"one", "more_body": True})
        await go.wait()
        await send({"type": "http.response.body", "body": b"two", "more_body": False})

    go, wire = asyncio.Event(), HandWire(stream, limited_connection(Traffic()))
    wire.send(POST)
    await until(lambda: b"one" in wire.transport.said)
    wire.loop.advance(BODY_SECONDS)
    assert not wire.leaving
    go.set()
    await until(lambda: wire.leaving)
    assert wire.transport.said.endswith(b"3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n")
    assert wire.statuses == [200]


async def test_one_that_idles_may_do_so_for_longer() -> None:
    scene = Scene()
    scene.wire.send(GET)
    await scene.wire.answered()
    scene.wire.loop.advance(KEEP_ALIVE - 0.1)
    assert not scene.wire.leaving
    scene.wire.loop.advance(0.1)
    assert scene.wire.leaving


async def test_who_does_not_read_has_its_time() -> None:
    scene = Scene()
    scene.wire.send(GET)
    await scene.wire.answered()
    scene.wire.served.pause_writing()
    scene.wire.loop.advance(WRITE_SECONDS / 2)
    scene.wire.served.resume_writing()
    scene.wire.served.pause_writing()
    scene.wire.loop.advance(WRITE_SECONDS / 2)
    assert not scene.wire.leaving
    scene.wire.loop.advance(WRITE_SECONDS / 2)
    assert scene.wire.transport.aborted


async def test_and_so_has_one_whose_connection_closes_behind_an_answer() -> None:
    scene = Scene()
    scene.wire.transport.unread = 1
    scene.wire.send(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    await scene.wire.answered()
    assert (scene.wire.transport.closed, scene.wire.transport.aborted) == (True, False)
    scene.wire.loop.advance(WRITE_SECONDS)
    assert scene.wire.transport.aborted


async def test_nobody_waits_for_one_that_idles_and_has_not_read() -> None:
    scene = Scene()
    scene.wire.transport.unread = 1
    scene.wire.send(GET)
    await scene.wire.answered()
    scene.wire.loop.advance(KEEP_ALIVE)
    assert scene.wire.transport.aborted


@pytest.mark.parametrize("data", [b"", b"GET", POST, GET, b"GET /\r\n\r\n"])
@pytest.mark.parametrize("error", [None, ConnectionResetError()])
async def test_no_timer_keeps_what_is_lost(data: bytes, error: Exception | None) -> None:
    scene = Scene()
    scene.wire.send(data)
    scene.wire.served.pause_writing()
    await asyncio.sleep(0)
    scene.wire.hang_up(error)
    assert scene.wire.loop.waiting == []
