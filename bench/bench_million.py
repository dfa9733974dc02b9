"""One coordinator on one core with 1,000,000 instances, each of which reports every 30 s.

First the heartbeats come at the rate of such a fleet, for a minute, independently of each other; each latency counts
from the moment at which its heartbeat was due. Then the highest rate is looked for at which 99 in 100 are answered
within 100 ms. The yardsticks are the rate that the fleet needs, and a constant answer at the same rate in the same run.
"""

import argparse
import tempfile
from collections.abc import Iterator
from pathlib import Path

import msgspec

from load.arrivals import poisson
from load.closed import closed_loop
from load.fleet import Fleet, mixed
from load.open import open_loop
from load.tally import LoadError, Outcome
from rig.arguments import log, parser_of, run
from rig.coordinator import Coordinator, calm, coordinator
from rig.peers import peer
from rig.report import Report
from rig.usage import peak_mib

MEMORY_GOAL = 1024.0
SUSTAINED_P99 = 100.0
"""Milliseconds."""
YARDSTICK_SECONDS = 5.0
HIGHEST, TRIALS = 1.1, 7
"""Up to where the highest rate is looked for, in terms of what a closed loop reaches, and how often."""


class Load(msgspec.Struct):
    """How to ask."""

    requests: Iterator[bytes]
    connections: int

    async def at(self, rate: float, url: str, seconds: float) -> Outcome:
        """Send at a rate. LoadError when anything but an answer or an orderly refusal comes back."""
        arrivals = poisson(rate)
        outcome = await open_loop([url], self.requests, arrivals, connections=self.connections, seconds=seconds)
        log(
            f"{rate:,.0f}/s for {seconds:.0f} s: served {outcome.rate:,.0f}/s, p99 {outcome.served.p99:.1f} ms, "
            f"shed {outcome.shed}, given up {outcome.given_up}, generator {outcome.cpu_share:.0%} busy"
        )
        wrong = {status: count for status, count in outcome.statuses.items() if status not in (200, 429, 503)}
        if wrong or outcome.lost:
            raise LoadError(f"answers {wrong}, {outcome.lost} connections lost")
        return outcome

    async def at_most(self, url: str, seconds: float) -> Outcome:
        """Ask as fast as it goes."""
        return (await closed_loop([url], self.requests, connections=self.connections, seconds=seconds)).checked()


async def measure(arguments: argparse.Namespace) -> Report:
    """Measure the rate of the fleet, then look for the highest."""
    if arguments.quick:
        arguments.instances, arguments.seconds, arguments.trial_seconds = 10_000, 4.0, 2.0
    fleet = Fleet(arguments.instances)
    needed = arguments.rate or fleet.size / arguments.interval
    report = Report(
        benchmark="million",
        parameters={
            "instances": fleet.size,
            "heartbeat_interval": arguments.interval,
            "rate": round(needed),
            "changed": arguments.changed,
            "connections": arguments.connections,
            "seconds": arguments.seconds,
        },
    )
    load = Load(mixed(fleet, range(fleet.size), arguments.changed), arguments.connections)
    options = calm(3 * arguments.interval)
    with tempfile.TemporaryDirectory() as directory:
        async with coordinator(Path(directory), fleet, *options) as running, peer("constant.py") as constant:
            log(f"{fleet.size:,} instances; it listens after {running.started_in:.1f} s")
            await measure_fleet(report, running, constant, load, needed, arguments.seconds)
            await find_highest(report, running, constant, load, needed, arguments.trial_seconds)
            report.add("memory at its highest", [peak_mib(running.pid)], "MiB")
            report.add("seconds until it listens", [running.started_in], "s")
    return report


async def measure_fleet(
    report: Report, running: Coordinator, constant: str, load: Load, needed: float, seconds: float
) -> None:
    """Send what the fleet sends, to the constant answer before and after."""
    at_start = running.resident_mib
    yardsticks = [await load.at(needed, constant, YARDSTICK_SECONDS)]
    cpu = running.cpu_seconds
    outcome = await load.at(needed, running.url, seconds)
    busy = (running.cpu_seconds - cpu) / outcome.seconds
    yardsticks.append(await load.at(needed, constant, YARDSTICK_SECONDS))
    report.add("heartbeats served, to those due", [outcome.rate], "/s", to=[outcome.offered / seconds], least=0.99)
    for share in ("p50", "p99", "p999"):
        plain = [getattr(each.served, share) for each in yardsticks]
        report.add(f"{share} of a constant answer at that rate", plain, "ms")
        report.add(f"{share} of a heartbeat", [getattr(outcome.served, share)], "ms", to=[sum(plain) / len(plain)])
    report.add("shed, of all", [outcome.shed / outcome.offered])
    report.add("never sent or never answered, of all", [(outcome.given_up + outcome.unanswered) / outcome.offered])
    report.add("the coordinator's core was busy", [busy])
    report.add("memory after the start", [at_start], "MiB")
    report.add("memory after the heartbeats", [running.resident_mib], "MiB", most=MEMORY_GOAL)
    report.notes.append(
        f"the generator's core was {outcome.cpu_share:.0%} busy; it began with a heartbeat "
        f"{outcome.lag.p99:.1f} ms late at most, for 99 in 100"
    )


async def find_highest(
    report: Report, running: Coordinator, constant: str, load: Load, needed: float, seconds: float
) -> None:
    """Halve the interval in which the highest sustained rate lies, again and again."""
    limit = (await load.at_most(constant, YARDSTICK_SECONDS)).rate
    capacity = (await load.at_most(running.url, YARDSTICK_SECONDS)).rate
    low, high = 0.0, capacity * HIGHEST
    for number in range(TRIALS):
        rate = (low + high) / 2 if number else capacity * 0.9
        if sustained(await load.at(rate, running.url, seconds)):
            low = rate
        else:
            high = rate
    report.add("a constant answer, closed loop", [limit], "/s")
    report.add("dides, closed loop, to the constant answer", [capacity], "/s", to=[limit])
    report.add("dides, the highest sustained rate, to the constant answer", [low], "/s", to=[limit])
    report.add("dides, the highest sustained rate, to what the fleet needs", [low], "/s", to=[needed], least=1.0)


def sustained(outcome: Outcome) -> bool:
    """Tell whether all were served in time."""
    all_served = outcome.rate * outcome.seconds >= outcome.offered * 0.9999
    return all_served and outcome.served.p99 < SUSTAINED_P99


def main() -> None:
    """Read the arguments and measure."""
    parser = parser_of(__doc__)
    parser.add_argument("--instances", type=int, default=1_000_000)
    parser.add_argument("--interval", type=float, default=30.0, help="seconds between two heartbeats of an instance")
    parser.add_argument("--rate", type=float, default=0.0, help="heartbeats a second, instead of what follows")
    parser.add_argument("--changed", type=float, default=0.0, help="the share of heartbeats that change a version")
    parser.add_argument("--connections", type=int, default=256)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--trial-seconds", type=float, default=10.0, help="how long a rate is tried in the search")
    run(measure, parser.parse_args())


if __name__ == "__main__":
    main()
