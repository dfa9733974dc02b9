"""A coordinator and an agent start with whatever standard streams they are given."""

import asyncio
import os
from pathlib import Path

import pytest

from support.commands import PATIENCE, start_redirected
from support.ports import free_port
from support.processes import Processes, until_async

CLOSED = "<&- >&- 2>&-"


@pytest.mark.parametrize("redirection", [CLOSED, ">&-"])
async def test_they_work_with_closed_streams(tmp_path: Path, redirection: str) -> None:
    processes = Processes(tmp_path)
    processes.url = f"http://127.0.0.1:{free_port()}"
    data = ("--data-dir", str(processes.data.path))
    listen = ("--listen", processes.url.removeprefix("http://"))
    coordinator = await start_redirected(redirection, "server", *listen, *data)
    agent = await start_redirected(
        redirection,
        *("agent", "--server", processes.url, "--name", "web-1", "--state-dir", str(tmp_path / "web-1")),
        DIDES_REGISTRATION_TOKEN=await token_of(processes),
    )
    try:
        async with processes.client() as client:
            await until_async(lambda: client.count(status=1), lambda count: count == 1)
        assert standard_streams_of(coordinator.pid) <= {os.devnull}
    finally:
        for process in (agent, coordinator):
            process.terminate()
            await process.communicate()
    assert coordinator.returncode == 0


async def token_of(processes: Processes) -> str:
    """Wait for the registration token, and return it."""
    async with asyncio.timeout(PATIENCE):
        while not (processes.data.path / "registration-token").exists():
            await asyncio.sleep(0.02)
    return processes.data.token("registration-token")


def standard_streams_of(pid: int) -> set[str]:
    """Return what the standard streams of a process that are no pipes lead to, where the system tells."""
    places = [Path(f"/proc/{pid}/fd/{number}") for number in range(3)]
    return {str(each.readlink()) for each in places if each.exists() and each.readlink().is_absolute()}
