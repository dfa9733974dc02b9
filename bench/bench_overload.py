"""What is left of a coordinator that is asked three times as much as it can do.

First its capacity in a closed loop, then three times that in an open loop over many connections for 20 s, one heartbeat
in a hundred with a change. Meanwhile an operator reads GET /deploy, and rollouts go on over agents that come again when
they are turned away. The yardsticks are the capacity, and the operator and the rollouts of the same run without load.
"""

import argparse
import asyncio
import statistics
import tempfile
from pathlib import Path
from time import perf_counter

import msgspec

from dides.runtime.datadir import OPERATOR_FILE
from load.agents import Agents
from load.fleet import Fleet
from load.latency import summarize
from load.line import Line
from load.tally import SHED, LoadError, Outcome
from load.wire import request_of, status_of
from rig.arguments import log, parser_of, run
from rig.coordinator import Coordinator, coordinator, known_flags, lasting
from rig.flood import flood
from rig.report import Report
from rig.rollouts import makespan, roll_out

ROLLING, WINDOW, APPLY = 20, 4, 0.3
CHANGED = 0.01
PAUSE = 0.05
"""Seconds between two looks of the operator, and between two probes."""
IDLE_ROLLOUTS = 3
GET_READY = 2.0
"""Seconds for the generator to start."""
PATIENCE = 1.0
"""Seconds that a heartbeat waits for a free connection; then its agent would send a newer one."""
NORMAL, IN_A_ROW = 2.0, 20
"""Latency is normal again when so many probes in a row take no longer than this many times the idle p99."""


class Look(msgspec.Struct):
    """One question and its answer."""

    at: float
    seconds: float
    status: int


class Watch:
    """Asks the same thing over and over, over a connection of its own, and keeps how long each answer took."""

    def __init__(self, url: str, request: bytes, expected: tuple[int, ...]) -> None:
        self._line = Line(url)
        self._request = request
        self._expected = expected
        self.looks: list[Look] = []

    async def run(self) -> None:
        """Ask until cancelled; LoadError at an answer that nobody should get."""
        while True:
            begun = perf_counter()
            try:
                status = status_of(await self._line.ask(self._request))
            except OSError:
                status = 0
            if status not in (0, *SHED, *self._expected):
                raise LoadError(f"{self._request!r} was answered with {status}")
            self.looks.append(Look(begun, perf_counter() - begun, status))
            await asyncio.sleep(PAUSE)

    def answered(self, begin: float, end: float) -> list[float]:
        """Return how long the answers to what was asked in a time took, in seconds; not those that turned it away."""
        return [each.seconds for each in self.looks if begin <= each.at < end and each.status in self._expected]

    def turned_away(self, begin: float, end: float) -> float:
        """Return the share of what was asked in a time that was not answered."""
        asked = [each for each in self.looks if begin <= each.at < end]
        return sum(each.status not in self._expected for each in asked) / max(1, len(asked))

    def normal_after(self, moment: float, limit: float) -> float:
        """Return the seconds from a moment until answers take no longer than the limit; infinite if they still do."""
        later = [each for each in self.looks if each.at >= moment]
        for first in range(len(later) - IN_A_ROW + 1):
            row = later[first : first + IN_A_ROW]
            if all(each.status in self._expected and each.seconds <= limit for each in row):
                return row[0].at - moment
        return float("inf")


class Found(msgspec.Struct):
    """What was found in one round."""

    capacity: Outcome
    overload: Outcome
    idle: tuple[float, float]
    """From when to when nothing else went on, by the monotonic clock; and the overload likewise."""
    loaded: tuple[float, float]
    idle_makespans: list[float]
    loaded_makespans: list[float]


async def measure(arguments: argparse.Namespace) -> Report:
    """Measure round by round; each has both of its sides."""
    if arguments.quick:
        arguments.instances, arguments.seconds, arguments.connections = 1_000, 4.0, 300
    fleet = Fleet(arguments.instances + ROLLING)
    options = lasting()
    if arguments.max_heartbeats and "--max-heartbeats" in known_flags():
        options += ["--max-heartbeats", str(arguments.max_heartbeats)]
    with tempfile.TemporaryDirectory() as directory:
        async with coordinator(Path(directory), fleet, *options, rolling=ROLLING) as running:
            operator = request_of("GET", "/deploy", running.processes.data.token(OPERATOR_FILE))
            watches = (
                Watch(running.url, operator, (200, 404)),  # 404 between two rollouts
                Watch(running.url, fleet.heartbeat(ROLLING), (200,)),  # of one that never changes
            )
            found = await all_rounds(running, watches, arguments)
    report = Report(
        benchmark="overload",
        parameters={
            "instances": fleet.size,
            "times": arguments.times,
            "seconds": arguments.seconds,
            "connections": arguments.connections,
            "changed": CHANGED,
            "rounds": arguments.rounds,
        },
    )
    conclude_heartbeats(report, found, arguments.seconds)
    conclude_others(report, found, *watches)
    return report


async def all_rounds(running: Coordinator, watches: tuple[Watch, Watch], arguments: argparse.Namespace) -> list[Found]:
    """Run every round, with the agents there and the operator looking all the while."""
    agents = Agents(running.url, running.fleet, ROLLING, lambda _: APPLY)
    looking = [asyncio.create_task(watch.run()) for watch in watches]
    async with agents.running():
        found = [await one_round(running, number, arguments) for number in range(arguments.rounds)]
    for task in looking:
        if task.done():
            task.result()
        task.cancel()
    return found


async def one_round(running: Coordinator, number: int, arguments: argparse.Namespace) -> Found:
    """Without load, at capacity, overloaded, and afterwards."""
    begun = perf_counter()
    idle = [makespan(await roll_out(running, f"3.{number}.{each}", WINDOW)) for each in range(IDLE_ROLLOUTS)]
    ended = perf_counter()
    senders = {"first": ROLLING, "changed": CHANGED}
    capacity = (await flood(running.url, running.fleet, **senders, connections=64, seconds=5)).checked()
    log(f"capacity {capacity.rate:,.0f}/s; idle rollouts {idle}")
    at = perf_counter() + GET_READY
    overloading = flood(
        running.url,
        running.fleet,
        **senders,
        rate=capacity.rate * arguments.times,
        connections=arguments.connections,
        seconds=arguments.seconds,
        patience=PATIENCE,
        at=at,
    )
    flooding = asyncio.create_task(overloading)
    loaded = await roll_out_during(running, flooding, f"4.{number}", arguments.seconds)
    overload = await flooding
    log(f"overload: {overload.statuses}, served {overload.rate:,.0f}/s; rollouts {loaded}")
    await asyncio.sleep(IN_A_ROW * PAUSE * 4)
    over = overload.begun + arguments.seconds
    return Found(capacity, overload, (begun, ended), (overload.begun, over), idle, loaded)


async def roll_out_during(
    running: Coordinator, flooding: "asyncio.Task[Outcome]", version: str, seconds: float
) -> list[float]:
    """Roll out again and again while the load lasts, and return how long each took."""
    await asyncio.sleep(GET_READY + 1.0)  # and it opens its connections
    until = perf_counter() + seconds * 0.7
    took: list[float] = []
    while not took or (perf_counter() < until and not flooding.done()):
        took.append(makespan(await roll_out(running, f"{version}.{len(took)}", WINDOW)))
    return took


def conclude_heartbeats(report: Report, found: list[Found], seconds: float) -> None:
    """Add what became of the heartbeats."""
    loads = [each.overload for each in found]
    capacity = [each.capacity.rate for each in found]
    report.add("capacity, closed loop", capacity, "/s")
    report.add("offered, to capacity", [each.offered / seconds for each in loads], "/s", to=capacity)
    report.add("served under overload, to capacity", [each.rate for each in loads], "/s", to=capacity, least=0.8)
    report.add("p99 of what was served", [each.served.p99 for each in loads], "ms")
    report.add("p99 of what was shed", [each.refused.p99 for each in loads], "ms")
    report.add("shed (429, 503), of all offered", [each.shed / each.offered for each in loads])
    silent = [each.without_retry_after / max(1, each.shed) for each in loads]
    report.add("shed without Retry-After, of all shed", silent, most=0)
    report.add("never sent, of all offered", [each.given_up / each.offered for each in loads])
    report.add("errors and lost connections, of all offered", [each.errors / each.offered for each in loads], most=0)
    busiest, latest = max(each.cpu_share for each in loads), max(each.lag.p99 for each in loads)
    report.notes.append(
        f"the generator's core was up to {busiest:.0%} busy with it, and shared with the operator, the agents and the "
        f"probes; 99 in 100 heartbeats began at most {latest:.1f} ms late"
    )


def conclude_others(report: Report, found: list[Found], operator: Watch, probe: Watch) -> None:
    """Add what became of the operator and of the rollouts."""
    idle = [summarize(operator.answered(*each.idle)) for each in found]
    loaded = [summarize(operator.answered(*each.loaded)) for each in found]
    report.add("operator p50, to idle", [each.p50 for each in loaded], "ms", to=[each.p50 for each in idle])
    report.add("operator p99, to idle", [each.p99 for each in loaded], "ms", to=[each.p99 for each in idle])
    report.add("operator turned away, of all", [operator.turned_away(*each.loaded) for each in found], most=0)
    usual = [statistics.median(each.idle_makespans) for each in found]
    under_load = [statistics.median(each.loaded_makespans) for each in found]
    report.add("rollouts, to idle", under_load, "s", to=usual)
    limits = [summarize(probe.answered(*each.idle)).p99 / 1000 * NORMAL for each in found]
    recovered = [probe.normal_after(each.loaded[1], limit) for each, limit in zip(found, limits, strict=True)]
    report.add("until latency is normal again", recovered, "s")


def main() -> None:
    """Read the arguments and measure."""
    parser = parser_of(__doc__)
    parser.set_defaults(rounds=3)
    parser.add_argument("--instances", type=int, default=10_000)
    parser.add_argument("--times", type=float, default=3.0, help="what is offered, in terms of the capacity")
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--connections", type=int, default=2_000)
    parser.add_argument("--max-heartbeats", type=int, default=0, help="passed on to the server, where it knows that")
    run(measure, parser.parse_args())


if __name__ == "__main__":
    main()
