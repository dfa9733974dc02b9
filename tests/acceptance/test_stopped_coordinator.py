"""A coordinator that was stopped (SIGSTOP) does not do what it was asked meanwhile."""

import asyncio
import os
import signal
import socket
from pathlib import Path

import httpx2
import pytest

from dides.coordinator.loops.standstill import LONGEST
from support.processes import Processes, running

STOPPED = LONGEST + 1


@pytest.mark.parametrize("options", [(), ("--dev",)], ids=["as usual", "dev"])
async def test_an_abort_that_waited_in_its_socket_is_refused(tmp_path: Path, options: tuple[str, ...]) -> None:
    async with running(tmp_path, "--time-to-live", "600", *options, agents=1) as fleet, fleet.http() as http:
        body = {"code_version": "2", "labels": {}, "configuration": {"waves": [1], "wave_pause": "manual"}}
        deployment = (await http.post("/deploy", json=body)).json()["id"]
        os.kill(fleet.process("coordinator").pid, signal.SIGSTOP)
        with ask(fleet, "/deploy/abort") as waiting:
            await asyncio.sleep(STOPPED)
            os.kill(fleet.process("coordinator").pid, signal.SIGCONT)
            assert (await asyncio.to_thread(waiting.recv, 65536)).startswith(b"HTTP/1.1 503 ")
        assert (await http.get(f"/deployments/{deployment}")).json()["status"] != "aborted"
        assert (await http.post("/deploy/abort")).status_code != 503


def ask(fleet: Processes, path: str) -> socket.socket:
    """Ask on a connection of its own, which nobody accepts yet."""
    url = httpx2.URL(fleet.url)
    connection = socket.create_connection((url.host, url.port))
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {fleet.client().credential}\r\n"
    connection.sendall(f"{head}Content-Length: 2\r\n\r\n{{}}".encode())
    return connection
