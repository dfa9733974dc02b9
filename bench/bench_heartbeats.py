"""How many heartbeats a second one core takes, against the limit of the server and against a first-day implementation.

Sides, measured in turn in every round: a constant answer by a bare ASGI callable on the same uvicorn; dides with
heartbeats that change nothing; dides with heartbeats that each change a version and are durable before their answer;
the same endpoint in FastAPI and SQLAlchemy's ORM, with SQLite as it comes and with a write-ahead log.
"""

import argparse
import tempfile
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import msgspec

from dides.protocol.messages import Instance
from load.closed import closed_loop
from load.fleet import VERSION, Fleet, changed, unchanged
from load.line import Line
from load.tally import LoadError, Outcome
from load.wire import request_of
from rig.arguments import log, parser_of, run
from rig.coordinator import Coordinator, calm, coordinator
from rig.peers import own_python, peer
from rig.report import Report

SIZES = [1_000, 10_000]
CONSTANT, PLAIN, DURABLE = "constant answer", "dides, unchanged", "dides, changed and durable"
ORM, ORM_WAL = "FastAPI + ORM", "FastAPI + ORM, WAL"


class Side(msgspec.Struct):
    """Something to be asked."""

    url: str
    requests: Iterator[bytes]


async def measure(arguments: argparse.Namespace) -> Report:
    """Measure every fleet size."""
    report = Report(benchmark="heartbeats")
    sizes = arguments.instances or SIZES
    if arguments.quick:
        sizes, arguments.seconds = [400], 1.0
    report.parameters = {
        "instances": sizes,
        "connections": arguments.connections,
        "seconds": arguments.seconds,
        "rounds": arguments.rounds,
    }
    for size in sizes:
        with tempfile.TemporaryDirectory() as directory:
            await measure_size(report, Fleet(size), Path(directory), arguments)
    return report


async def measure_size(report: Report, fleet: Fleet, directory: Path, arguments: argparse.Namespace) -> None:
    """Run all sides at once, and ask one at a time."""
    async with AsyncExitStack() as stack:
        dides = await stack.enter_async_context(coordinator(directory, fleet, *calm()))
        half = fleet.size // 2
        # Of one half each: a version that was changed would be changed back by an unchanged heartbeat.
        plain, changing = range(half), range(half, fleet.size)
        sides = {
            CONSTANT: Side(await stack.enter_async_context(peer("constant.py")), unchanged(fleet, plain)),
            PLAIN: Side(dides.url, unchanged(fleet, plain)),
            DURABLE: Side(dides.url, changed(fleet, changing)),
        }
        for name, journal in ((ORM, "delete"), (ORM_WAL, "wal")) if arguments.peers else ():
            database = ["--database", str(directory / f"{journal}.db"), "--instances", str(fleet.size)]
            url = await stack.enter_async_context(peer("orm.py", *database, "--journal", journal, python=own_python()))
            sides[name] = Side(url, changed(fleet, changing))
        found = await measure_rounds(sides, arguments)
        await check_durable(dides, changing)
    conclude(report, fleet, found)


async def measure_rounds(sides: dict[str, Side], arguments: argparse.Namespace) -> dict[str, list[Outcome]]:
    """Ask the sides in turn, round by round; a first short round warms them up."""
    found: dict[str, list[Outcome]] = {name: [] for name in sides}
    for number in range(arguments.rounds + 1):
        for name, side in sides.items():
            seconds = arguments.seconds if number else min(1.0, arguments.seconds)
            outcome = await closed_loop([side.url], side.requests, connections=arguments.connections, seconds=seconds)
            log(f"round {number}: {name}: {outcome.rate:,.0f}/s, generator {outcome.cpu_share:.0%} busy")
            if number:
                found[name].append(outcome.checked())
    return found


async def check_durable(dides: Coordinator, numbers: range) -> None:
    """Look whether the changes were taken: most instances must show another version than at first."""
    line = Line(dides.url)
    shown = 0
    for number in numbers[:50]:
        request = request_of("GET", dides.fleet.path(number), dides.fleet.credential(number))
        shown += (await line.get(request, Instance)).current.code_version != VERSION
    line.close()
    if not shown:
        raise LoadError("none of 50 instances shows a version that its heartbeats reported")


def conclude(report: Report, fleet: Fleet, found: dict[str, list[Outcome]]) -> None:
    """Add the figures of one fleet size."""
    rates = {name: [each.rate for each in outcomes] for name, outcomes in found.items()}
    goals = {PLAIN: 0.7, DURABLE: 0.4}
    for name, values in rates.items():
        report.add(f"{name}, {fleet.size:,} instances", values, "/s", to=rates[CONSTANT], least=goals.get(name))
    for name in (ORM, ORM_WAL):
        if name in rates:
            report.add(f"{DURABLE} to {name}, {fleet.size:,}", rates[DURABLE], "/s", to=rates[name])
    for name, outcomes in found.items():
        report.add(f"p99 of {name}, {fleet.size:,}", [each.served.p99 for each in outcomes], "ms")
    busiest = max(each.cpu_share for each in found[CONSTANT])
    report.notes.append(f"the generator's core was at most {busiest:.0%} busy against the constant answer")


def main() -> None:
    """Read the arguments and measure."""
    parser = parser_of(__doc__)
    parser.add_argument("--instances", type=int, action="append", help="a fleet size (default: 1,000 and 10,000)")
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=4.0, help="how long a side is asked in a round")
    parser.add_argument("--no-peers", dest="peers", action="store_false", help="leave FastAPI out")
    run(measure, parser.parse_args())


if __name__ == "__main__":
    main()
