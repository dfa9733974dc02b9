"""A real coordinator with a registered fleet, on a core of its own."""

import asyncio
import functools
import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from dides.protocol.messages import Directive
from load.fleet import Fleet
from load.line import Line
from rig.cores import SERVER_CORE, children_on
from rig.fill import fill
from rig.usage import cpu_seconds, resident_mib
from support.processes import Processes

LIMITS = ("--instance-requests", "--instance-changes")
"""Flags that limit what one instance may send; few of them stand for many here."""
FOREVER = 86_400
"""A time to live, in seconds, within which nobody falls silent while something else is measured."""
START_PATIENCE = 900.0


class Coordinator(msgspec.Struct):
    """A running coordinator."""

    processes: Processes
    fleet: Fleet
    started_in: float
    """Seconds from the start of the process until it listened."""

    @property
    def url(self) -> str:
        """Where it listens."""
        return self.processes.url

    @property
    def pid(self) -> int:
        """Its process."""
        return self.processes.process("coordinator").pid

    @property
    def resident_mib(self) -> float:
        """The memory that it holds now."""
        return resident_mib(self.pid)

    @property
    def cpu_seconds(self) -> float:
        """The processor time that it has used so far."""
        return cpu_seconds(self.pid)


@asynccontextmanager
async def coordinator(
    directory: Path,
    fleet: Fleet,
    *options: str,
    database: str | None = None,
    filled: bool = False,
    rolling: int = 0,
    core: int | None = SERVER_CORE,
) -> AsyncIterator[Coordinator]:
    """Run a coordinator whose fleet is registered, for as long as the block lasts.

    `database` is a URL, by default the embedded one; `filled` when the fleet is in it already. The first
    `rolling` instances are those to be rolled out to.
    """
    processes = Processes(directory)
    processes.data.path.mkdir(parents=True, exist_ok=True)
    if not filled:
        await fill(database or f"sqlite:///{processes.data.database}", fleet, rolling)
    chosen = [*options, *(("--database", database) if database else ())]
    try:
        begun = asyncio.get_running_loop().time()
        with children_on(core):
            await processes.start_coordinator(*chosen, patience=START_PATIENCE)
        started = Coordinator(processes, fleet, asyncio.get_running_loop().time() - begun)
        await check_answers(started)
        yield started
    finally:
        await processes.stop()


async def check_answers(running: Coordinator) -> None:
    """Send one heartbeat and look at all of its answer: what is measured next must be the real thing."""
    line = Line(running.url)
    directive = await line.get(running.fleet.heartbeat(0), Directive)
    line.close()
    assert directive.name == running.fleet.name(0), directive
    assert not directive.update_needed, directive


def lasting(time_to_live: float = FOREVER) -> list[str]:
    """Return the options with which nobody falls silent within so many seconds, and may report as often as it can."""
    unlimited = [each for name in LIMITS if name in known_flags() for each in (name, "0")]
    return ["--heartbeat-interval", "30", "--time-to-live", str(time_to_live), *unlimited]


def calm(time_to_live: float = FOREVER) -> list[str]:
    """Return the same, and that no heartbeat is shed, where that is an option."""
    unlimited = ["--max-heartbeats", "1000000"] if "--max-heartbeats" in known_flags() else []
    return [*lasting(time_to_live), *unlimited]


@functools.cache
def known_flags() -> frozenset[str]:
    """Return the flags of this build's `dides server`."""
    environment = {**os.environ, "COLUMNS": "200", "NO_COLOR": "1", "TERM": "dumb"}
    told = subprocess.run(
        [sys.executable, "-m", "dides", "server", "--help"], capture_output=True, text=True, check=True, env=environment
    )
    return frozenset(re.findall(r"--[a-z][a-z-]+", told.stdout))
