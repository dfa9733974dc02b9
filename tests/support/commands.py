"""Commands of dides as processes, with the environment and the standard streams that a test gives them."""

import asyncio
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from typing import NamedTuple

from dides.cli.demo.fleet import child_environment

PATIENCE = 60.0


class Ended(NamedTuple):
    """How a command ended, and what it printed."""

    code: int
    out: str
    err: str


async def start(*arguments: str, **variables: str) -> Process:
    """Start `dides ARGUMENTS` with these variables, and without other settings for dides."""
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "dides", *arguments),
        stdin=DEVNULL,
        stdout=PIPE,
        stderr=PIPE,
        env={**child_environment(os.environ), **variables},
    )


async def finish(process: Process) -> Ended:
    """Wait for the end of a command."""
    async with asyncio.timeout(PATIENCE):
        out, err = await process.communicate()
    assert process.returncode is not None
    return Ended(process.returncode, out.decode(), err.decode())


async def run(*arguments: str, **variables: str) -> Ended:
    """Run `dides ARGUMENTS` to its end."""
    return await finish(await start(*arguments, **variables))


async def start_redirected(redirection: str, *arguments: str, **variables: str) -> Process:
    """Start `dides ARGUMENTS` with the shell's redirections of its standard streams, such as `>&-`."""
    return await asyncio.create_subprocess_exec(
        *("/bin/sh", "-c", f'exec "$@" {redirection}', "sh", sys.executable, "-m", "dides", *arguments),
        stdin=DEVNULL,
        stdout=PIPE,
        stderr=PIPE,
        env={**child_environment(os.environ), **variables},
    )


async def redirected(redirection: str, *arguments: str, **variables: str) -> Ended:
    """Run `dides ARGUMENTS` so to its end."""
    return await finish(await start_redirected(redirection, *arguments, **variables))


async def unread(*arguments: str, **variables: str) -> Ended:
    """Run `dides ARGUMENTS` with nobody at the other end of its standard output."""
    reading, writing = os.pipe()
    os.close(reading)
    try:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "dides", *arguments),
            stdin=DEVNULL,
            stdout=writing,
            stderr=PIPE,
            env={**child_environment(os.environ), **variables},
        )
    finally:
        os.close(writing)
    _, err = await process.communicate()
    assert process.returncode is not None
    return Ended(process.returncode, "", err.decode())
