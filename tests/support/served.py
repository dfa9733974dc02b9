"""The application behind the server that serves it, and connections to it on which a test says every byte itself."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import NamedTuple

import uvicorn

from dides.api.connection import Answering, answering_connection
from dides.api.hotpath import HotPath
from support.app import PATIENCE, App, until


class Answered(NamedTuple):
    """One answer."""

    status: int
    head: bytes
    body: bytes

    @property
    def timeless(self) -> tuple[bytes, bytes]:
        """Head and body without the moment at which they were sent."""
        lines = self.head.split(b"\r\n")
        return b"\r\n".join(line for line in lines if not line.lower().startswith(b"date:")), self.body


class Wire:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def say(self, data: bytes) -> None:
        """Send bytes."""
        self.writer.write(data)

    async def hear(self, method: str = "PATCH") -> Answered:
        """Wait for one answer."""
        async with asyncio.timeout(PATIENCE):
            head = await self.reader.readuntil(b"\r\n\r\n")
            length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
            body = await self.reader.readexactly(int(length or 0)) if method != "HEAD" else b""
        return Answered(int(head.split()[1]), head, body)

    async def ask(self, data: bytes) -> Answered:
        """Send a request and wait for its answer."""
        self.say(data)
        return await self.hear(data.partition(b" ")[0].decode())

    async def is_closed(self) -> bool:
        """Wait until the server has closed; return whether nothing came before."""
        async with asyncio.timeout(PATIENCE):
            return await self.reader.read() == b""

    def close(self) -> None:
        self.writer.close()


class Served:
    """A server."""

    def __init__(self, server: uvicorn.Server, serving: "asyncio.Task[None]") -> None:
        self.server = server
        self._serving = serving
        self._wires: list[Wire] = []

    @property
    def connections(self) -> list[Answering]:
        """The server's ends of the connections that are open."""
        return [each for each in self.server.server_state.connections if isinstance(each, Answering)]

    async def connect(self) -> Wire:
        """Open a connection."""
        address = self.server.servers[0].sockets[0].getsockname()[:2]
        self._wires.append(Wire(*await asyncio.open_connection(*address)))
        return self._wires[-1]

    async def end(self) -> None:
        """Close every connection, and stop."""
        for wire in self._wires:
            wire.close()
            with contextlib.suppress(ConnectionError):
                await wire.writer.wait_closed()
        await self.stop()

    async def stop(self) -> None:
        """End it as a signal does, and wait."""
        self.server.should_exit = True
        async with asyncio.timeout(PATIENCE):
            await self._serving


@contextlib.asynccontextmanager
async def served(app: App, *, keep_alive: int = 75) -> AsyncIterator[Served]:
    """Serve an application, whose connections may idle for `keep_alive` seconds."""
    assert isinstance(app.asgi, HotPath)
    config = uvicorn.Config(
        app.asgi,
        http=answering_connection(app.asgi),
        lifespan="off",
        log_config=None,
        port=0,
        server_header=False,
        timeout_keep_alive=keep_alive,
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server._serve())
    await until(lambda: server.started)
    here = Served(server, serving)
    try:
        yield here
    finally:
        await here.end()


def request(method: str, path: str, credential: str | None, body: bytes = b"", *more: str) -> bytes:
    """Return the bytes of a request; `more` are further header lines."""
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", *more]
    if credential is not None:
        lines.append(f"Authorization: Bearer {credential}")
    return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode() + body
