"""How soon the next instance is told once one has reported HEALTHY, while 1,000 other heartbeats a second come in.

From the sending of the heartbeat, and from its answer, to the moment at which the next instance's blocking query is
answered; window 1. The yardstick is the plain round trip of a heartbeat that changes nothing, in the same seconds.
"""

import argparse
import asyncio
import tempfile
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path
from time import perf_counter

from dides.protocol.messages import Directive
from load.agents import Agents, reactions
from load.arrivals import poisson
from load.fleet import Fleet, unchanged
from load.latency import Latency, summarize
from load.line import Line
from load.open import open_loop
from load.tally import LoadError
from rig.arguments import log, parser_of, run
from rig.coordinator import Coordinator, calm, coordinator
from rig.report import Report
from rig.rollouts import roll_out

BACKGROUND = 1_000
"""Instances beside those that are rolled out to."""
PING_PAUSE = 0.01
NEVER = float("inf")


class Round:
    """What happened during one rollout."""

    def __init__(self, sent: Latency, answered: Latency, plain: Latency) -> None:
        self.sent = sent
        self.answered = answered
        self.plain = plain


async def measure(arguments: argparse.Namespace) -> Report:
    """Roll out in every round, with the background on."""
    size = 40 if arguments.quick else arguments.instances
    fleet = Fleet(size + BACKGROUND)
    report = Report(
        benchmark="reaction",
        parameters={"instances": size, "background_per_second": arguments.rate, "rounds": arguments.rounds},
    )
    with tempfile.TemporaryDirectory() as directory:
        async with coordinator(Path(directory), fleet, *calm(), rolling=size) as running:
            agents = Agents(running.url, fleet, size, lambda _: 0.0)
            async with agents.running():
                rounds = [
                    await one_round(running, agents, size, number, arguments) for number in range(arguments.rounds)
                ]
    conclude(report, rounds)
    return report


async def one_round(
    running: Coordinator, agents: Agents, size: int, number: int, arguments: argparse.Namespace
) -> Round:
    """Roll one version out."""
    over = asyncio.Event()
    steady = range(size, running.fleet.size)
    background = open_loop(
        [running.url], unchanged(running.fleet, steady), until(over, arguments.rate), connections=64, seconds=NEVER
    )
    noise = asyncio.create_task(background)
    pinging = asyncio.create_task(ping(running, over))
    await roll_out(running, f"3.{number:09}", 1)
    over.set()
    plain, outcome = await pinging, await noise
    outcome.seconds = 1.0  # it has no end of its own
    outcome.checked()
    turns = agents.turns()
    if len(turns) != size:
        raise LoadError(f"{len(turns)} of {size} instances were told")
    sent, answered = zip(*reactions(turns), strict=True)
    log(f"round {number}: {size} instances, p50 {summarize(sent).p50} ms from sending; plain {plain.p50} ms")
    return Round(summarize(sent), summarize(answered), plain)


async def ping(running: Coordinator, over: asyncio.Event) -> Latency:
    """Measure plain round trips until it is over."""
    line, took = Line(running.url), []
    request = running.fleet.heartbeat(running.fleet.size - 1)
    while not over.is_set():
        begun = perf_counter()
        await line.get(request, Directive)
        took.append(perf_counter() - begun)
        await asyncio.sleep(PING_PAUSE)
    line.close()
    return summarize(took)


def until(over: asyncio.Event, rate: float) -> Iterator[float]:
    """Yield moments at which to send, until it is over."""
    yield from takewhile(lambda _: not over.is_set(), poisson(rate))
    yield NEVER


def conclude(report: Report, rounds: list[Round]) -> None:
    """Add the figures."""
    for share, most in (("p50", None), ("p99", 20.0)):
        plain = [float(getattr(each.plain, share)) for each in rounds]
        sent = [float(getattr(each.sent, share)) for each in rounds]
        answered = [float(getattr(each.answered, share)) for each in rounds]
        report.add(f"{share} of a plain round trip", plain, "ms")
        report.add(f"{share} from sending HEALTHY to the next one's wake", sent, "ms", to=plain)
        report.add(f"{share} from the answer to the next one's wake", answered, "ms", most=most)


def main() -> None:
    """Read the arguments and measure."""
    parser = parser_of(__doc__)
    parser.add_argument("--instances", type=int, default=200, help="how many are rolled out to in a round")
    parser.add_argument("--rate", type=float, default=1000.0, help="heartbeats a second beside the rollout")
    run(measure, parser.parse_args())


if __name__ == "__main__":
    main()
