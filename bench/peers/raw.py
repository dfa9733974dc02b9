"""The limit of the generator's check: a bare protocol that answers whatever arrives, without reading it."""

import asyncio
import json
from typing import cast

import uvloop

from peers.constant import BODY

ANSWER = (
    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: "
    + str(len(BODY)).encode()
    + b"\r\n\r\n"
    + BODY
)


class Raw(asyncio.Protocol):
    """Answers once for each piece of data, which is a request where nobody pipelines."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, _: bytes) -> None:
        """Answer."""
        self._transport.write(ANSWER)


async def main() -> None:
    """Serve until SIGTERM."""
    server = await asyncio.get_running_loop().create_server(Raw, "127.0.0.1", 0, backlog=2048)
    host, port = server.sockets[0].getsockname()
    print(json.dumps({"event": "listening", "url": f"http://{host}:{port}"}), flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main())
