"""Running one shell command: in a group of its own, for a limited time, with its output kept short."""

import asyncio
import os
import signal
from asyncio.subprocess import Process
from collections.abc import Mapping

import msgspec

from dides.agent.process.output import Output
from dides.agent.process.process_groups import PATIENCE, end_group, signal_group
from dides.model.state import State

SHELL = "/bin/sh"
TRIM_EVERY = 0.25
HIDDEN = ("DIDES_REGISTRATION_TOKEN", "NOTIFY_SOCKET")
"""Variables of the agent that are none of the command's business."""


class Ended(msgspec.Struct, frozen=True):
    """How a command ended."""

    code: int | None
    """The exit code, negative for the signal that killed it; None when it would not end at all."""
    in_time: bool
    tail: str = ""
    """The end of its output."""

    def describe(self, what: str, limit: float) -> str:
        """Return how it ended, in words; `what` is the command's role and `limit` was its time in seconds."""
        if not self.in_time:
            return f"the {what} took more than {limit:g} s and was ended"
        if self.code is not None and self.code < 0:
            return f"the {what} was killed by signal {-self.code}"
        return f"the {what} exited with {self.code}"


async def run_command(command: str, variables: Mapping[str, str], output: Output, limit: float) -> Ended:
    """Run a shell command to its end, or for `limit` seconds; its output goes to `output`.

    What the command leaves running when it exits by itself is left alone; when it is killed or takes too long, its
    whole group is ended, and so it is when this is cancelled. Raises OSError when it cannot be started.
    """
    process = await asyncio.create_subprocess_exec(
        *(SHELL, "-c", command),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=output.descriptor,
        stderr=output.descriptor,
        env={**inherit(os.environ), **variables},
        start_new_session=True,
    )
    return await _wait_for_end(process, output, limit)


def describe_environment(name: str, deployment: int | None, state: State, previous: State) -> dict[str, str]:
    """Return the variables that a command sees; what is unknown is empty."""
    return {
        "DIDES_CODE_VERSION": state.code_version or "",
        "DIDES_CONFIGURATION_VERSION": state.configuration_version or "",
        "DIDES_PREVIOUS_CODE_VERSION": previous.code_version or "",
        "DIDES_PREVIOUS_CONFIGURATION_VERSION": previous.configuration_version or "",
        "DIDES_INSTANCE": name,
        "DIDES_DEPLOYMENT": "" if deployment is None else str(deployment),
    }


def inherit(environment: Mapping[str, str]) -> dict[str, str]:
    """Return what a command inherits of the agent's own environment."""
    return {name: value for name, value in environment.items() if name not in HIDDEN}


async def _wait_for_end(process: Process, output: Output, limit: float) -> Ended:
    """See a process through to its end; if that is cut short, so is its group."""
    exited = asyncio.create_task(process.wait())
    over = False
    try:
        in_time = await _follow(exited, output, limit)
        if not in_time or (process.returncode or 0) < 0:
            await end_group(process.pid)
        over = True
    finally:
        if not over:
            signal_group(process.pid, signal.SIGKILL)
        await asyncio.wait({exited}, timeout=PATIENCE)
        exited.cancel()
    return Ended(process.returncode, in_time, output.tail())


async def _follow(exited: asyncio.Task[int], output: Output, limit: float) -> bool:
    """Wait for the exit and keep the output short meanwhile; False when `limit` seconds passed first."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + limit
    while not exited.done() and loop.time() < deadline:
        await asyncio.wait({exited}, timeout=min(TRIM_EVERY, deadline - loop.time()))
        output.trim()
    return exited.done()
