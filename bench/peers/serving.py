"""Serves an ASGI application as dides serves its own: uvicorn, uvloop, httptools, the same settings."""

import asyncio
import gc
import json
import socket
from typing import Any

import uvicorn
import uvloop

KEEP_ALIVE_SECONDS = 75


class _Server(uvicorn.Server):
    """Says where it listens, as dides does."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        assert sockets
        gc.collect()
        gc.freeze()
        print(json.dumps({"event": "listening", "url": "http://{}:{}".format(*sockets[0].getsockname())}), flush=True)


def serve(application: Any) -> None:
    """Serve on a free port of the loopback address until SIGTERM."""
    config = uvicorn.Config(
        application,
        http="httptools",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
    )
    listening = socket.create_server(("127.0.0.1", 0), backlog=2048)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_Server(config).serve(sockets=[listening]))
