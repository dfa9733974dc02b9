"""An HTTP proxy that passes nothing on: it writes down what it is asked, and answers with a page of its own."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

PAGE = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 13\r\nConnection: close\r\n\r\n<p>nobody</p>"


class HttpProxy:
    """The proxy: where it is, and what came to it."""

    def __init__(self) -> None:
        self.url = ""
        self.heard = b""

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Write down one request's head, and answer it."""
        self.heard += await reader.readuntil(b"\r\n\r\n")
        writer.write(PAGE)
        writer.close()
        await writer.wait_closed()


@asynccontextmanager
async def http_proxy() -> AsyncIterator[HttpProxy]:
    """Run a proxy for as long as the block lasts."""
    proxy = HttpProxy()
    async with await asyncio.start_server(proxy.answer, "127.0.0.1", 0) as server:
        host, port = server.sockets[0].getsockname()
        proxy.url = f"http://{host}:{port}"
        yield proxy
