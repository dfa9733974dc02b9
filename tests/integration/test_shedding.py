"""A real server that sheds load: heartbeats are refused on their connection, which goes on being good for more."""

import asyncio
from pathlib import Path

import uvicorn

from dides.api.connection import shedding_connection
from dides.api.hotpath import HotPath
from dides.api.overload import Overload
from support.app import OPERATOR, PATIENCE, running_app, until


def request(method: str, path: str, credential: str, body: bytes = b"") -> bytes:
    head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {credential}\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


async def answer(reader: asyncio.StreamReader) -> tuple[int, bytes, bytes]:
    """Read one answer: its status, its head and its body."""
    async with asyncio.timeout(PATIENCE):
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        return int(head.split()[1]), head, await reader.readexactly(length)


async def test_a_connection_outlives_what_was_refused_on_it(tmp_path: Path) -> None:
    overload = Overload(most=0)
    async with running_app(tmp_path, overload=overload) as app:
        hot = app.asgi
        assert isinstance(hot, HotPath)
        own = await app.register("web-1")
        config = uvicorn.Config(
            hot, http=shedding_connection(hot, overload), lifespan="off", log_config=None, port=0, server_header=False
        )
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server._serve())
        await until(lambda: server.started)
        reader, writer = await asyncio.open_connection(*server.servers[0].sockets[0].getsockname()[:2])
        beat = request("PATCH", "/inventory/instances/web-1", own, b'{"status":1}')

        async def said(data: bytes) -> tuple[int, bytes, bytes]:
            writer.write(data)
            return await answer(reader)

        assert (await said(beat))[0] == 200
        overload.shedding = True
        for _ in range(3):
            status, head, body = await said(beat)
            assert (status, b"retry-after: 1\r\n" in head) == (429, True)
            assert b"urn:dides:problem:busy" in body
        assert (await said(request("GET", "/deploy", OPERATOR)))[0] == 404, "operators are served"
        writer.write(beat[:40])
        await asyncio.sleep(0)
        assert (await said(beat[40:]))[0] == 429, "one that comes in pieces finds its refusal in the handler"
        writer.write(beat + beat)
        assert [(await answer(reader))[0] for _ in range(2)] == [429, 429], "and so do two at once"
        assert (await said(request("PATCH", "/inventory/instances/nobody", own, b"{}")))[0] == 403
        overload.shedding = False
        assert (await said(beat))[0] == 200
        writer.close()
        server.should_exit = True
        await serving
