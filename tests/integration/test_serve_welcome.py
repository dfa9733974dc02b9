"""What a coordinator says to somebody at a terminal, and only there; what it says can be typed."""

import asyncio
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import httpx2

from dides.cli.demo.fleet import child_environment
from support.commands import PATIENCE, start
from support.processes import Processes, until_async

ENVIRONMENT = {**child_environment(os.environ), "NO_COLOR": "1", "TERM": "xterm"}


def read_lines(terminal: int) -> list[str]:
    """Read what is shown on a terminal up to the line that says what comes next."""
    shown = ""
    while not re.search(r"^Next: .*\n", shown, re.MULTILINE):
        shown += os.read(terminal, 4096).decode()
    return shown.splitlines()


async def test_on_a_terminal_three_lines_say_what_to_do_next(tmp_path: Path) -> None:
    terminal, other_end = pty.openpty()
    options = ("--listen", "127.0.0.1:0", "--data-dir", str(tmp_path / "data"), "--base-path", "/below")
    command = (sys.executable, "-m", "dides", "server", *options)
    server = await asyncio.create_subprocess_exec(*command, stdin=other_end, stdout=other_end, env=ENVIRONMENT)
    os.close(other_end)
    try:
        lines = await asyncio.wait_for(asyncio.to_thread(read_lines, terminal), PATIENCE)
        dashboard, tokens, follows = (line.partition(":  ")[2].strip() for line in lines[-3:])
        assert httpx2.get(dashboard, follow_redirects=True, headers={"Accept": "text/html"}).status_code == 200
        assert dashboard.endswith("/below/")
        assert tokens.endswith(f" in {tmp_path / 'data'}")
        await follow(follows, dashboard, tmp_path)
    finally:
        server.terminate()
        await server.wait()
        os.close(terminal)


async def follow(command: str, dashboard: str, directory: Path) -> None:
    """Do as one is told, and see that an instance registers."""
    words = command.replace("dides agent", f"exec {sys.executable} -m dides agent", 1)
    agent = await asyncio.create_subprocess_shell(
        f"{words} --name web-1 --state-dir {directory / 'state'}", stdout=subprocess.DEVNULL, env=ENVIRONMENT
    )
    processes = Processes(directory)
    processes.url = dashboard.removesuffix("/below/")
    try:
        async with processes.client() as client:
            await until_async(client.count, lambda count: count == 1)
    finally:
        agent.terminate()
        await agent.wait()


async def test_elsewhere_there_are_lines_of_the_log_only(tmp_path: Path) -> None:
    server = await start("server", "--listen", "127.0.0.1:0", "--data-dir", str(tmp_path))
    assert server.stdout is not None
    async with asyncio.timeout(PATIENCE):
        while b'"listening"' not in (line := await server.stdout.readline()):
            assert line.startswith(b"{")
    server.terminate()
    out, _ = await server.communicate()
    assert [line for line in out.splitlines() if not line.startswith(b"{")] == []
