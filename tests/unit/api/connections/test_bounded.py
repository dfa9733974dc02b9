"""Limits on heads and on how requests are written, on a connection with an application that answers everything."""

import asyncio
import json
from typing import Any

import pytest

from dides.api.connections import early_refusals
from dides.api.connections.early_refusals import ACCEPT, REASONS, SILENT, EarlyRefusal
from dides.api.connections.timed import limited_connection
from dides.api.limits.request_limits import (
    CHUNKS,
    COOKIE_BYTES,
    HEAD_BYTES,
    HEAD_LINES,
    LINGER_SECONDS,
    PIPELINED,
    TARGET_BYTES,
)
from dides.api.traffic import Traffic
from support.app import until
from support.hand_wire import Echo, HandWire

GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: x\r\n"


class Scene:
    def __init__(self) -> None:
        self.app, self.traffic = Echo(), Traffic()
        self.wire = HandWire(self.app, limited_connection(self.traffic))

    @property
    def problem(self) -> Any:
        """The last answer, which is a problem document."""
        head, _, body = self.wire.transport.said.rpartition(b"\r\n\r\n")
        assert b"content-type: application/problem+json\r\n" in head
        assert b"connection: close" in head
        return json.loads(body)


def with_headers(*lines: bytes) -> bytes:
    return b"GET / HTTP/1.1\r\nHost: x\r\n" + b"".join(line + b"\r\n" for line in lines) + b"\r\n"


ALLOWED = {
    "as many lines as there may be": with_headers(*[b"x:"] * (HEAD_LINES - 1)),
    "as large a head as there may be": with_headers(b"x: " + b"x" * (HEAD_BYTES - len(with_headers(b"x: ")))),
    "as long a target as there may be": b"GET /" + b"x" * (TARGET_BYTES - 1) + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    "as many cookies as there may be": with_headers(b"Cookie: " + b"a" * (COOKIE_BYTES - 1), b"Cookie: b"),
    "HTTP/1.0": b"GET / HTTP/1.0\r\nHost: x\r\n\r\n",
    "HTTP/1.0 without a host, as health checks ask": b"GET / HTTP/1.0\r\n\r\n",
    "an upgrade that is not taken": with_headers(b"Connection: Upgrade", b"Upgrade: h2c"),
    "blank lines before": b"\r\n\r\n" + GET,
}
REFUSED = {
    "one line too many": (with_headers(*[b"x:"] * HEAD_LINES), 431, "head"),
    "half a million lines": (b"GET / HTTP/1.1\r\nHost: x\r\n" + b"x:\r\n" * 500_000, 431, "head"),
    "a byte too much": (with_headers(b"x: " + b"x" * (HEAD_BYTES - len(with_headers(b"x: ")) + 1)), 431, "head"),
    "a header without an end": (b"GET / HTTP/1.1\r\nHost: x\r\nx: " + b"x" * HEAD_BYTES, 431, "head"),
    "a name without an end": (b"GET / HTTP/1.1\r\nHost: x\r\n" + b"x" * HEAD_BYTES, 431, "head"),
    "blanks without an end": (b"GET / HTTP/1.1\r\nHost: x\r\nx:" + b" " * HEAD_BYTES, 431, "head"),
    "a cookie too many": (with_headers(b"Cookie: " + b"a" * COOKIE_BYTES, b"Cookie: b"), 431, "head"),
    "trailers without an end": (
        POST + b"Transfer-Encoding: chunked\r\n\r\n0\r\n" + b"x: y\r\n" * HEAD_LINES,
        431,
        "head",
    ),
    "a byte too much of a target": (b"GET /" + b"x" * TARGET_BYTES + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414, "target"),
    "a target without an end": (b"GET /" + b"x" * HEAD_BYTES, 414, "target"),
    "too many chunks": (POST + b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * (CHUNKS + 1), 413, "chunks"),
    "no host": (b"GET / HTTP/1.1\r\n\r\n", 400, "host"),
    "two hosts": (with_headers(b"Host: x"), 400, "host"),
    "two hosts in HTTP/1.0": (b"GET / HTTP/1.0\r\nHost: x\r\nHost: y\r\n\r\n", 400, "host"),
    "two credentials": (with_headers(b"Authorization: Bearer a", b"authorization: Bearer a"), 400, "authorization"),
    "HTTP/0.9": (b"GET /\r\n\r\n", 400, "version"),
    "HTTP/2.0": (b"GET / HTTP/2.0\r\nHost: x\r\n\r\n", 400, "version"),
    "HTTP/1.2": (b"GET / HTTP/1.2\r\nHost: x\r\n\r\n", 400, "malformed"),
    "two lengths": (POST + b"Content-Length: 1\r\nContent-Length: 1\r\n\r\nx", 400, "malformed"),
    "a length and chunks": (POST + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400, "malformed"),
    "a blank before a colon": (b"GET / HTTP/1.1\r\nHost : x\r\n\r\n", 400, "malformed"),
    "a tunnel": (b"CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n", 400, "malformed"),
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400, "malformed"),
}


@pytest.mark.parametrize("data", ALLOWED.values(), ids=ALLOWED)
@pytest.mark.parametrize("size", [1000, 10**6])
async def test_what_keeps_to_the_limits_is_answered(data: bytes, size: int) -> None:
    scene = Scene()
    for start in range(0, len(data), size):
        scene.wire.send(data[start : start + size])
    assert await scene.wire.answered() == [200]
    assert not scene.traffic.refused_early


@pytest.mark.parametrize(("data", "status", "reason"), REFUSED.values(), ids=REFUSED)
@pytest.mark.parametrize("size", [1000, 10**6])
async def test_what_breaks_a_limit_is_refused_and_the_connection_closes(
    data: bytes, status: int, reason: str, size: int
) -> None:
    scene = Scene()
    for start in range(0, len(data), size):
        scene.wire.send(data[start : start + size])
    assert (scene.wire.statuses, scene.problem["status"]) == ([status], status)
    assert scene.traffic.refused_early == {reason: 1}
    assert scene.wire.leaving
    await asyncio.sleep(0)
    assert [scope["path"] for scope in scene.app.seen] == (["/"] if status in (413, 431) and b"chunked" in data else [])


async def test_an_endless_header_is_refused_before_much_of_it_was_read() -> None:
    scene = Scene()
    scene.wire.send(b"GET / HTTP/1.1\r\nHost: x\r\nx: ")
    sent = 0
    while not scene.wire.leaving:
        scene.wire.send(b"x" * 1000)
        sent += 1000
    assert sent <= HEAD_BYTES + 1000


async def test_what_comes_after_a_refusal_is_discarded_until_the_sender_goes_or_a_moment_is_over() -> None:
    scene = Scene()
    scene.wire.send(b"GET /\r\n\r\n")
    said = scene.wire.transport.said
    for _ in range(3):
        scene.wire.send(GET)
    assert (scene.wire.transport.said, scene.app.seen) == (said, [])
    assert not scene.wire.transport.closed
    scene.wire.loop.advance(LINGER_SECONDS)
    assert scene.wire.transport.aborted


async def test_one_head_that_ends_where_the_next_one_begins_is_no_larger_for_that() -> None:
    scene = Scene()
    large = with_headers(b"x: " + b"x" * (HEAD_BYTES - 1000))
    both = large + large
    for start in range(0, len(both), HEAD_BYTES - 2000):
        scene.wire.send(both[start : start + HEAD_BYTES - 2000])
    assert await scene.wire.answered(2) == [200, 200]


async def test_what_is_discarded_is_read_even_where_reading_had_paused() -> None:
    scene = Scene()
    scene.wire.send(POST + b"Transfer-Encoding: chunked\r\n\r\n11170\r\n" + b"x" * 0x11170 + b"nothing")
    assert scene.wire.statuses == [400]
    assert scene.wire.transport.is_reading_now


async def test_a_refusal_waits_for_the_answers_before_it() -> None:
    scene = Scene()
    scene.app.go.clear()
    scene.wire.send(GET + GET + b"GET /\r\n\r\n" + GET)
    await until(lambda: len(scene.app.seen) == 1)
    assert scene.wire.statuses == []
    scene.app.go.set()
    assert await scene.wire.answered(3) == [200, 200, 400]
    assert scene.wire.leaving


async def test_a_body_that_breaks_off_is_refused_behind_what_came_before_it() -> None:
    scene = Scene()
    scene.app.go.clear()
    scene.wire.send(GET + POST + b"Transfer-Encoding: chunked\r\n\r\nnothing")
    await until(lambda: len(scene.app.seen) == 1)
    scene.app.go.set()
    assert await scene.wire.answered(2) == [200, 400]
    assert len(scene.app.seen) == 1, "the second one never came to the application"


async def test_an_application_that_reads_such_a_body_is_told_that_its_sender_is_gone() -> None:
    scene = Scene()
    scene.wire.send(POST + b"Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n")
    await until(lambda: len(scene.app.seen) == 1)
    scene.wire.send(b"nothing")
    assert scene.wire.statuses == [400]
    await until(lambda: scene.app.torn == 1)
    assert scene.wire.statuses == [400]


async def test_an_answer_before_the_body_says_that_the_connection_closes() -> None:
    scene = Scene()
    scene.wire.send(b"POST /early HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nx")
    assert await scene.wire.answered() == [200]
    assert b"connection: close\r\n" in scene.wire.transport.said
    assert scene.wire.transport.ended
    assert not scene.wire.transport.closed, "or its sender would lose the answer"
    scene.wire.send(b"x" * 999 + GET)
    assert len(scene.app.seen) == 1


async def test_one_whose_body_has_come_keeps_the_connection() -> None:
    scene = Scene()
    scene.wire.send(b"POST /early HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx")
    assert await scene.wire.answered() == [200]
    scene.wire.send(GET)
    assert await scene.wire.answered(2) == [200, 200]
    assert b"connection: close" not in scene.wire.transport.said


async def test_what_comes_behind_a_body_is_no_header() -> None:
    scene = Scene()
    scene.wire.send(
        POST + b"Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nAuthorization: Bearer x\r\nHost: y\r\n\r\n"
    )
    assert await scene.wire.answered() == [200]
    assert [name for name, _ in scene.app.seen[0]["headers"]] == [b"host", b"transfer-encoding"]


async def test_who_sends_many_requests_at_once_is_answered_some_of_them() -> None:
    scene = Scene()
    scene.wire.send(GET * 5000)
    assert len(scene.wire.served.pipeline) == PIPELINED
    assert await scene.wire.answered(PIPELINED + 1) == [200] * (PIPELINED + 1)
    await until(lambda: scene.wire.leaving)
    assert len(scene.app.seen) == PIPELINED + 1


async def test_an_upgrade_is_not_taken_and_what_comes_behind_is_answered() -> None:
    scene = Scene()
    scene.wire.send(with_headers(b"Connection: Upgrade", b"Upgrade: websocket") + GET)
    assert await scene.wire.answered(2) == [200, 200]


def test_the_metric_names_every_reason() -> None:
    refusals = [value for value in vars(early_refusals).values() if isinstance(value, EarlyRefusal)]
    assert sorted({ACCEPT, SILENT, *(refusal.reason for refusal in refusals)}) == sorted(REASONS)
