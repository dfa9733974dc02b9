"""The application behind real sockets, in this process, so that a test can see both ends of a connection."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any, NamedTuple

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from support.app import PATIENCE, Asgi, until

CLOSE = b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Request-ID: last\r\nConnection: close\r\n\r\n"


class Answered(NamedTuple):
    """One answer."""

    status: int
    head: bytes
    body: bytes


class Wire:
    """One connection: what the client sends and reads, and what the server makes of it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, served: Any) -> None:
        self.reader = reader
        self.writer = writer
        self.served = served
        """The protocol at the server's end; what a test gives to `data_received` came in one segment."""

    def send(self, data: bytes) -> None:
        """Send bytes."""
        self.writer.write(data)

    async def answer(self) -> Answered:
        """Read one answer."""
        async with asyncio.timeout(PATIENCE):
            head = await self.reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
            return Answered(int(head.split()[1]), head, await self.reader.readexactly(length))

    async def ask(self, data: bytes) -> Answered:
        """Send a request and read its answer."""
        self.send(data)
        return await self.answer()

    async def all_of(self, request: bytes) -> bytes:
        """Return all that is said to a request, and to another one that ends the connection."""
        self.send(request)
        async with asyncio.timeout(PATIENCE):
            try:
                said = await self.reader.readuntil(b"\r\n\r\n")
            except asyncio.IncompleteReadError as error:
                return error.partial
            self.send(CLOSE)
            return said + await self.reader.read()

    async def rest(self) -> bytes:
        """Return all that is said until the server hangs up."""
        async with asyncio.timeout(PATIENCE):
            return await self.reader.read()

    def close(self) -> None:
        """Hang up."""
        self.writer.close()


class Serving:
    """A server."""

    def __init__(self, server: uvicorn.Server) -> None:
        self.server = server
        self._wires: list[Wire] = []

    @property
    def url(self) -> str:
        """Where it listens."""
        host, port = self.server.servers[0].sockets[0].getsockname()[:2]
        return f"http://{host}:{port}"

    async def wire(self) -> Wire:
        """Connect."""
        connections = self.server.server_state.connections
        before = set(connections)
        reader, writer = await asyncio.open_connection(*self.server.servers[0].sockets[0].getsockname()[:2])
        await until(lambda: len(connections - before) == 1)
        (served,) = connections - before
        self._wires.append(Wire(reader, writer, served))
        return self._wires[-1]

    async def stop(self) -> None:
        """Hang up everywhere; the server then has nobody to wait for."""
        self.server.should_exit = True
        for each in self._wires:
            each.close()
            with suppress(ConnectionError):
                await each.writer.wait_closed()


@asynccontextmanager
async def serving(
    asgi: Asgi, connection: type[HttpToolsProtocol] = HttpToolsProtocol, *, keep_alive: int = 75
) -> AsyncIterator[Serving]:
    """Serve an application for as long as the block lasts; a connection may idle for `keep_alive` seconds."""
    config = uvicorn.Config(
        asgi,
        http=connection,
        lifespan="off",
        log_config=None,
        access_log=False,
        port=0,
        server_header=False,
        date_header=False,
        timeout_keep_alive=keep_alive,
        timeout_graceful_shutdown=round(PATIENCE),
    )
    server = uvicorn.Server(config)
    served = Serving(server)
    running = asyncio.create_task(server._serve())
    await until(lambda: server.started)
    try:
        yield served
    finally:
        await served.stop()
        await running


def request(method: str, path: str, credential: str | None, body: bytes = b"", *more: str) -> bytes:
    """Return the bytes of a request; `more` are further header lines."""
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", *more]
    if credential is not None:
        lines.append(f"Authorization: Bearer {credential}")
    if body or method != "GET":
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body
