"""What an agent makes of answers that no coordinator gives, from a real socket: it waits for a better one."""

import asyncio
import gzip
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest

from dides.client.errors import RefusedError, UnreachableError
from dides.client.instance import InstanceClient
from dides.protocol.messages import Directive, Heartbeat, InstanceSpec, Registered

DIRECTIVE: dict[str, object] = {
    "name": "web-1",
    "desired": {"code_version": "1.0", "configuration_version": None},
    "generation": 7,
    "deployment_id": 42,
    "update_needed": True,
    "apply": "if_changed",
    "heartbeat_interval": 10,
}
INSTANCE: dict[str, object] = {
    "name": "web-1",
    "ip": "10.0.0.1",
    "labels": {},
    "status": 0,
    "current": {"code_version": None, "configuration_version": None},
    "desired": None,
    "generation": 0,
    "message": "",
    "registered_at": "2026-11-30T00:00:00Z",
    "last_heartbeat_at": None,
    "reachable": True,
}
REGISTERED: dict[str, object] = {"instance": INSTANCE, "credential": "secret", "heartbeat_interval": 10}


class Impatient(InstanceClient):
    longest_answer_seconds = 0.3


@asynccontextmanager
async def answering(body: bytes, *, head: str = "", pause: float = 0.0, status: int = 200) -> AsyncIterator[Impatient]:
    """Answer every request with a body, a byte at a time where there is a pause; yield a client of that server."""
    lines = [
        f"HTTP/1.1 {status} X",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        *head.split("\n"),
    ]

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answers.append(asyncio.current_task())
        with suppress(ConnectionError):
            asked.append((await reader.readuntil(b"\r\n\r\n")).decode().lower())
            writer.write("\r\n".join([*filter(None, lines), "", ""]).encode())
            for piece in [body[n : n + 1] for n in range(len(body))] if pause else [body]:
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(pause)
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()

    asked: list[str] = []
    answers: list[asyncio.Task[None] | None] = []
    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with Impatient(f"http://127.0.0.1:{port}", "secret") as client:
            yield client
        await asyncio.gather(*filter(None, answers), return_exceptions=True)
    assert all("accept-encoding: identity" in request for request in asked)


def encoded(answer: dict[str, object], **changes: object) -> bytes:
    return json.dumps(answer | changes).encode()


async def beat(client: InstanceClient) -> Directive:
    return await client.heartbeat("web-1", Heartbeat())


async def register(client: InstanceClient) -> Registered:
    return await client.register(InstanceSpec(name="web-1", ip="10.0.0.1"), "token")


async def test_a_proper_answer_is_taken() -> None:
    async with answering(encoded(DIRECTIVE, heard_of_later=[[]])) as client:
        assert (await beat(client)).generation == 7
    async with answering(encoded(REGISTERED)) as client:
        assert (await register(client)).credential == "secret"


@pytest.mark.parametrize(
    "changes",
    [
        {"desired": {"code_version": "1\u0000", "configuration_version": None}},
        {"desired": {"code_version": "1 0", "configuration_version": None}},
        {"desired": {"code_version": None, "configuration_version": "x" * 129}},
        {"desired": {"code_version": None, "configuration_version": ""}},
        {"desired": {"code_version": "1\n", "configuration_version": None}},
        {"generation": -1},
        {"generation": 2**60},
        {"deployment_id": 0},
        {"heartbeat_interval": 0},
        {"heartbeat_interval": 1e300},
        {"name": "web-2"},
        {"name": "../etc"},
        {"apply": 1},
    ],
)
async def test_a_directive_that_no_coordinator_gives_is_none(changes: dict[str, object]) -> None:
    async with answering(encoded(DIRECTIVE, **changes)) as client:
        with pytest.raises(UnreachableError):
            await beat(client)


@pytest.mark.parametrize(
    "changes",
    [
        {"credential": "a\r\nb"},
        {"credential": ""},
        {"credential": "x" * 2000},
        {"heartbeat_interval": -1},
        {"instance": INSTANCE | {"name": "web-2"}},
    ],
)
async def test_a_registration_that_no_coordinator_gives_is_none(changes: dict[str, object]) -> None:
    async with answering(encoded(REGISTERED, **changes)) as client:
        with pytest.raises(UnreachableError):
            await register(client)
        assert client.credential == "secret"


@pytest.mark.parametrize("body", [b"\xff\xfe", b'{"name": "\xff"}', b'{"x": ' + b"[" * 500_000, b"", b"null"])
async def test_what_cannot_be_read_is_no_answer(body: bytes) -> None:
    async with answering(body) as client:
        with pytest.raises(UnreachableError):
            await beat(client)


async def test_a_byte_at_a_time_is_not_waited_for() -> None:
    began = time.monotonic()
    async with answering(encoded(DIRECTIVE) + b" " * 1000, pause=0.05) as client:
        with pytest.raises(UnreachableError, match=r"in full within 0\.3 s"):
            await beat(client)
    assert time.monotonic() - began < 8


async def test_a_bomb_is_not_unpacked() -> None:
    bomb = gzip.compress(b" " * 50_000_000)
    async with answering(bomb, head="Content-Encoding: gzip") as client:
        with pytest.raises(UnreachableError, match="an encoding that it was not asked for"):
            await beat(client)


@pytest.mark.parametrize("status", [200, 500])
async def test_too_long_an_answer_is_not_read_to_its_end(status: int) -> None:
    async with answering(encoded(DIRECTIVE) + b" " * 2_000_000, status=status) as client:
        with pytest.raises(UnreachableError, match="more than 1048576 bytes"):
            await beat(client)


async def test_the_status_is_the_one_of_the_answer_whatever_its_body_says() -> None:
    body = encoded({"type": "about:blank", "title": "Gone", "status": 410})
    async with answering(body, status=400) as client:
        with pytest.raises(RefusedError) as refused:
            await beat(client)
    assert refused.value.status == 400
