"""Servers to compare with, each a script in bench/peers, on the coordinator's core."""

import asyncio
import sys
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from dides.cli.demo.fleet import end, find_url
from rig.cores import SERVER_CORE, children_on

BENCH = Path(__file__).parents[1]
OWN_PYTHON = BENCH.parent / ".venv-bench" / "bin" / "python"
START_PATIENCE = 300.0


class NoPeersError(Exception):
    """The packages of bench/requirements.txt are not there."""


@asynccontextmanager
async def peer(script: str, *arguments: str, python: str = sys.executable) -> AsyncIterator[str]:
    """Run a peer for as long as the block lasts; yields its URL."""
    command = (python, str(BENCH / "peers" / script), *arguments)
    with children_on(SERVER_CORE):
        process = await asyncio.create_subprocess_exec(
            *command, stdin=DEVNULL, stdout=PIPE, env={"PYTHONPATH": str(BENCH)}
        )
    try:
        assert process.stdout
        async with asyncio.timeout(START_PATIENCE):
            line = await process.stdout.readline()
        url = find_url(line)
        assert url, f"{script} said {line!r}"
        yield url
    finally:
        await end(process)


def own_python() -> str:
    """Return the interpreter that has the peers' packages; NoPeersError where it was not made yet."""
    if not OWN_PYTHON.exists():
        raise NoPeersError("Run 'make bench-setup' first: it makes .venv-bench with what dides is compared to.")
    return str(OWN_PYTHON)
