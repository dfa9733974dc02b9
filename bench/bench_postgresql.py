"""The same heartbeats against one, two and three coordinators on one PostgreSQL, and one on SQLite.

The generator takes the coordinators in turn, connection by connection. All of it shares this machine's cores: the
coordinators, PostgreSQL and the generator. On two cores a second coordinator can add no more than what the first one
leaves free; what this shows is that several work together and what they cost each other, not how far they scale.
"""

import argparse
import tempfile
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import msgspec

from load.closed import closed_loop
from load.fleet import Fleet, changed, unchanged
from load.tally import Outcome
from rig.arguments import log, parser_of, run
from rig.coordinator import calm, coordinator
from rig.fill import fill
from rig.postgresql import postgresql, version_of
from rig.report import Report

SQLITE = "SQLite, 1 coordinator"
COORDINATORS = 3


class Side(msgspec.Struct):
    """Some coordinators, and what they are asked."""

    urls: list[str]
    requests: dict[str, Iterator[bytes]]


async def measure(arguments: argparse.Namespace) -> Report:
    """Run all coordinators at once, and ask the sides in turn."""
    if arguments.quick:
        arguments.instances, arguments.seconds = 1_000, 1.0
    fleet = Fleet(arguments.instances)
    report = Report(benchmark="postgresql")
    async with AsyncExitStack() as stack:
        sides = await start(stack, fleet, report)
        found: dict[tuple[str, str], list[Outcome]] = {}
        for number in range(arguments.rounds + 1):  # the first one warms up
            for name, side in sides.items():
                for kind, requests in side.requests.items():
                    size = {"connections": arguments.connections, "seconds": arguments.seconds}
                    outcome = (await closed_loop(side.urls, requests, **size)).checked()
                    log(f"round {number}: {name}, {kind}: {outcome.rate:,.0f}/s")
                    if number:
                        found.setdefault((name, kind), []).append(outcome)
    report.parameters |= {
        "instances": fleet.size,
        "connections": arguments.connections,
        "seconds": arguments.seconds,
        "rounds": arguments.rounds,
    }
    for (name, kind), outcomes in found.items():
        base = [each.rate for each in found[side_name(1), kind]]
        report.add(f"{name}, {kind}", [each.rate for each in outcomes], "/s", to=base)
        report.add(f"p99 of {name}, {kind}", [each.served.p99 for each in outcomes], "ms")
    report.notes.append("ratios are to one coordinator on PostgreSQL; everything shares the machine's cores")
    return report


async def start(stack: AsyncExitStack, fleet: Fleet, report: Report) -> dict[str, Side]:
    """Start the databases and the coordinators."""
    places = [Path(stack.enter_context(tempfile.TemporaryDirectory())) for _ in range(COORDINATORS + 2)]
    database = await stack.enter_async_context(postgresql(places.pop()))
    report.parameters["postgresql"] = version_of(database)
    alone = await stack.enter_async_context(coordinator(places.pop(), fleet, *calm(), core=None))
    await fill(database, fleet)
    urls = []
    for place in places:
        one = coordinator(place, fleet, *calm(), database=database, filled=True, core=None)
        urls.append((await stack.enter_async_context(one)).url)
    on_postgresql = {side_name(number): urls[:number] for number in range(1, COORDINATORS + 1)}
    sides = {SQLITE: [alone.url], **on_postgresql}
    return {name: Side(of, heartbeats(fleet, series)) for series, (name, of) in enumerate(sides.items(), 2)}


def side_name(coordinators: int) -> str:
    """Return what a side is called."""
    return f"PostgreSQL, {coordinators} coordinator{'s' if coordinators > 1 else ''}"


def heartbeats(fleet: Fleet, series: int) -> dict[str, Iterator[bytes]]:
    """Return what is sent, by kind; each from one half of the fleet."""
    half = fleet.size // 2
    return {
        "unchanged": unchanged(fleet, range(half)),
        "changed": changed(fleet, range(half, fleet.size), series=series),
    }


def main() -> None:
    """Read the arguments and measure."""
    parser = parser_of(__doc__)
    parser.add_argument("--instances", type=int, default=10_000)
    parser.add_argument("--connections", type=int, default=96)
    parser.add_argument("--seconds", type=float, default=4.0)
    run(measure, parser.parse_args())


if __name__ == "__main__":
    main()
