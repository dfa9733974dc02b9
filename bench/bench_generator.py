"""How fast the load generator itself is: its share of a core, and against wrk where that is installed.

It asks a server that does nothing at all (a bare protocol that answers without reading) and the constant answer on
uvicorn. As long as the generator's own core is not all busy with a server, that server is what is measured.
"""

import argparse
import asyncio
import re
import shutil
from asyncio.subprocess import PIPE
from contextlib import AsyncExitStack

from load.closed import closed_loop
from load.fleet import Fleet, unchanged
from load.tally import LoadError
from rig.arguments import log, parser_of, run
from rig.peers import peer
from rig.report import Report

GOAL = 60_000.0
CONNECTIONS = 64
RAW, CONSTANT = "a bare protocol", "a constant answer on uvicorn"
SCRIPTS = {RAW: "raw.py", CONSTANT: "constant.py"}


async def measure(arguments: argparse.Namespace) -> Report:
    """Ask each server with each generator in turn."""
    seconds = 1.0 if arguments.quick else arguments.seconds
    requests = unchanged(Fleet(10_000), range(10_000))
    ours: dict[str, list[float]] = {RAW: [], CONSTANT: []}
    busy: dict[str, list[float]] = {RAW: [], CONSTANT: []}
    wrks: dict[str, list[float]] = {RAW: [], CONSTANT: []}
    async with AsyncExitStack() as stack:
        urls = {name: await stack.enter_async_context(peer(script)) for name, script in SCRIPTS.items()}
        for number in range(arguments.rounds):
            for name, url in urls.items():
                outcome = await closed_loop([url], requests, connections=CONNECTIONS, seconds=seconds)
                ours[name].append(outcome.checked().rate)
                busy[name].append(outcome.cpu_share)
                if wrk := shutil.which("wrk"):
                    wrks[name].append(await ask_with_wrk(wrk, url, seconds))
            log(f"round {number}: {ours}, wrk {wrks}")
    report = Report(benchmark="generator", parameters={"seconds": seconds, "rounds": arguments.rounds})
    for name in urls:
        report.add(f"{name}, this generator", ours[name], "/s", least=GOAL if name == RAW else None)
        if wrks[name]:
            report.add(f"{name}, wrk to this generator", wrks[name], "/s", to=ours[name])
        report.add(f"{name}, the generator's core was busy", busy[name])
    return report


async def ask_with_wrk(wrk: str, url: str, seconds: float) -> float:
    """Return the requests a second that wrk counts: with no body, and hardly any header."""
    command = (wrk, "-t1", f"-c{CONNECTIONS}", f"-d{max(1, round(seconds))}", url)
    process = await asyncio.create_subprocess_exec(*command, stdout=PIPE)
    out, _ = await process.communicate()
    found = re.search(rb"Requests/sec:\s*([\d.]+)", out)
    if process.returncode or not found or b"Non-2xx" in out:
        raise LoadError(out.decode())
    return float(found[1])


def main() -> None:
    """Read the arguments and measure."""
    parser = parser_of(__doc__)
    parser.add_argument("--seconds", type=float, default=3.0)
    run(measure, parser.parse_args())


if __name__ == "__main__":
    main()
