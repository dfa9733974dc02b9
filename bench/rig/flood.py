"""The load generator in a process of its own, so that what is measured beside it does not wait in its loop."""

import asyncio
import sys
from asyncio.subprocess import DEVNULL, PIPE

import msgspec

from load.fleet import Fleet
from load.tally import LoadError, Outcome
from rig.peers import BENCH

NICE = 5
"""Whoever measures beside it on the same core goes first."""


async def flood(url: str, fleet: Fleet, **options: float) -> Outcome:
    """Run `python -m load` with these options; LoadError when it fails."""
    given = [word for name, value in options.items() for word in (f"--{name}", repr(value))]
    size = ("--instances", str(fleet.size), "--seed", fleet.seed, "--nice", str(NICE))
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "load", "--url", url, *size, *given),
        stdin=DEVNULL,
        stdout=PIPE,
        env={"PYTHONPATH": f"{BENCH}:{BENCH.parent / 'tests'}"},
    )
    try:
        out, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    if process.returncode:
        raise LoadError(f"the generator ended with {process.returncode}")
    return msgspec.json.decode(out, type=Outcome)
