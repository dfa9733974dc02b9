"""One connection: cuts what arrives into answers. What to do with them is the subclass's."""

import asyncio
from typing import Any, TypeVar, cast
from urllib.parse import urlsplit

from load.wire import answer_length

C = TypeVar("C", bound="Connection")
AT_ONCE = 200
"""How many connections are opened at once: more would overflow the queue of a listening socket."""


class Connection(asyncio.Protocol):
    """Hands whole answers to `answered`. At most one request is under way."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Pass a whole answer on, which is nearly always what arrives; else wait for the rest."""
        if self._rest:
            data = self._rest + data
            self._rest = b""
        length = answer_length(data)
        if length == 0:
            self._rest = data
            return
        self.answered(data[:length])

    def connection_lost(self, _: Exception | None) -> None:
        """Tell the subclass."""
        self._transport = None
        self.lost()

    @property
    def is_open(self) -> bool:
        """True until it is closed from either side."""
        return self._transport is not None and not self._transport.is_closing()

    def write(self, request: bytes) -> None:
        """Send a request."""
        assert self._transport
        self._transport.write(request)

    def close(self) -> None:
        """Close it."""
        if self._transport:
            self._transport.close()

    def answered(self, answer: bytes) -> None:
        """Take a whole answer."""
        raise NotImplementedError

    def lost(self) -> None:
        """Hear that the connection has ended."""


async def connect(url: str, connection: C) -> C:
    """Open a connection to the server at a URL."""
    parts = urlsplit(url)
    assert parts.hostname
    assert parts.port
    loop = asyncio.get_running_loop()
    await loop.create_connection(lambda: connection, parts.hostname, parts.port)
    return connection


async def connect_all(urls: list[str], connections: list[C]) -> list[C]:
    """Open connections, to each of the servers in turn."""
    for first in range(0, len(connections), AT_ONCE):
        piece = enumerate(connections[first : first + AT_ONCE], first)
        opening: list[Any] = [connect(urls[number % len(urls)], each) for number, each in piece]
        await asyncio.gather(*opening)
    return connections
