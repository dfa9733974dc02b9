"""What a heartbeat, a step, a trigger, a start and the memory cost as the fleet grows: 1,000 to 1,000,000 instances.

One coordinator for each size, all at once, asked in turn in every round; the yardstick is the smallest fleet. A cost
is processor time of the coordinator, which a busy neighbour changes less than elapsed time. A step is one that settles
a target and tells the next, in a deployment over the whole fleet, taken by hand (POST /deploy/progress).
"""

import argparse
import asyncio
import tempfile
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from time import perf_counter

import msgspec

from dides.protocol.messages import Deployment, Directive
from dides.runtime.datadir import OPERATOR_FILE
from load.closed import closed_loop
from load.fleet import Fleet, changed, unchanged
from load.line import Line
from load.tally import LoadError
from load.wire import request_of
from rig.arguments import log, parser_of, run
from rig.coordinator import Coordinator, calm, coordinator
from rig.report import Report, spread

SIZES = [1_000, 10_000, 100_000, 1_000_000]
WINDOW, STEPS = 5, 40
"""How many targets are updating at once, and how many steps are taken in a round."""
RESERVED = 400
"""The first instances belong to the steps; heartbeats come from the others."""
VERSION = "3.000000000"
FLAT, TRIGGER_GOAL, TRIGGER_SIZE = 1.3, 2.0, 100_000


class Found(msgspec.Struct):
    """What was found for one size, a value for each round."""

    unchanged: list[float] = []
    """Microseconds of processor time for each heartbeat."""
    changed: list[float] = []
    step: list[float] = []
    """Milliseconds from the request to the answer."""
    trigger: list[float] = []
    start: list[float] = []
    mib: list[float] = []


class Subject:
    """A coordinator with a fleet of one size, and what is sent to it."""

    def __init__(self, running: Coordinator) -> None:
        self.running = running
        self.found = Found(start=[running.started_in])
        self._line = Line(running.url)
        self._token = running.processes.data.token(OPERATOR_FILE)
        self._settled = 0
        size = running.fleet.size
        half = (RESERVED + size) // 2
        self._unchanged = unchanged(running.fleet, range(RESERVED, half))
        self._changed = changed(running.fleet, range(half, size))

    async def trigger(self) -> None:
        """Trigger a deployment over the whole fleet."""
        body = f'{{"code_version":"{VERSION}","labels":{{}},"configuration":{{"batch_size":{WINDOW}}}}}'
        begun = perf_counter()
        triggered = await self._line.get(request_of("POST", "/deploy", self._token, body.encode()), Deployment)
        self.found.trigger.append(perf_counter() - begun)
        if triggered.progress.total != self.running.fleet.size or triggered.progress.updating != WINDOW:
            raise LoadError(f"the deployment began with {triggered.progress}")

    async def measure(self, seconds: float) -> None:
        """Measure one round."""
        self.found.unchanged.append(await self._heartbeats(self._unchanged, seconds))
        self.found.changed.append(await self._heartbeats(self._changed, seconds))
        self.found.step.append(spread([await self._step() for _ in range(STEPS)]).median * 1000)
        log(f"{self.running.fleet.size:,} instances: {self.found}")

    async def _heartbeats(self, requests: Iterator[bytes], seconds: float) -> float:
        cpu = self.running.cpu_seconds
        outcome = await closed_loop([self.running.url], requests, connections=64, seconds=seconds)
        return (self.running.cpu_seconds - cpu) / outcome.checked().offered * 1e6

    async def _step(self) -> float:
        """Let the next instance report HEALTHY, and return the seconds of the step which follows."""
        await self._line.get(self.running.fleet.heartbeat(self._settled, VERSION), Directive)
        self._settled += 1
        begun = perf_counter()
        deployment = await self._line.get(request_of("POST", "/deploy/progress", self._token, b"{}"), Deployment)
        took = perf_counter() - begun
        if (deployment.progress.succeeded, deployment.progress.updating) != (self._settled, WINDOW):
            raise LoadError(f"step {self._settled} left {deployment.progress}")
        return took


async def measure(arguments: argparse.Namespace) -> Report:
    """Start every size, then measure them in turn."""
    sizes = [1_000, 5_000] if arguments.quick else sorted(arguments.instances or SIZES)
    seconds = 0.5 if arguments.quick else arguments.seconds
    report = Report(
        benchmark="fleet",
        parameters={"instances": sizes, "steps": STEPS, "window": WINDOW, "rounds": arguments.rounds},
    )
    async with AsyncExitStack() as stack:
        subjects = [await start(stack, size) for size in sizes]
        for _ in range(arguments.rounds):
            for subject in subjects:
                await subject.measure(seconds)
        for subject in subjects:
            subject.found.mib.append(subject.running.resident_mib)
    conclude(report, {size: subject.found for size, subject in zip(sizes, subjects, strict=True)})
    return report


async def start(stack: AsyncExitStack, size: int) -> Subject:
    """Start a coordinator with so many instances, and a deployment over all of them."""
    directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    begun = perf_counter()
    manual = [*calm(), "--reconcile-interval", "0"]
    subject = Subject(await stack.enter_async_context(coordinator(directory, Fleet(size), *manual)))
    await subject.trigger()
    await asyncio.sleep(1.0)
    log(f"{size:,} instances are there after {perf_counter() - begun:.1f} s: {subject.found}")
    return subject


def conclude(report: Report, found: dict[int, Found]) -> None:
    """Add the figures: each size to the smallest, of which the largest has the goal."""
    smallest, largest = min(found), max(found)
    for what, field, unit in (
        ("an unchanged heartbeat, CPU", "unchanged", "µs"),
        ("a changed heartbeat, CPU", "changed", "µs"),
        ("a step", "step", "ms"),
    ):
        base = getattr(found[smallest], field)
        for size, its in found.items():
            most = FLAT if size == largest else None
            report.add(f"{what}, {size:,} instances", getattr(its, field), unit, to=base, most=most)
    for size, its in found.items():
        most = TRIGGER_GOAL if size == TRIGGER_SIZE else None
        report.add(f"trigger over {size:,} targets", its.trigger, "s", most=most)
        report.add(f"start with {size:,} instances", its.start, "s", to=None)
        report.add(f"memory with {size:,} instances, in use", its.mib, "MiB", to=found[smallest].mib)
    grown = (found[largest].mib[0] - found[smallest].mib[0]) / (largest - smallest) * 100_000
    report.add("memory for each 100,000 instances more", [grown], "MiB")


def main() -> None:
    """Read the arguments and measure."""
    parser = parser_of(__doc__)
    parser.add_argument("--instances", type=int, action="append", help="a fleet size (default: 1k, 10k, 100k and 1M)")
    parser.add_argument(
        "--seconds", type=float, default=3.0, help="how long heartbeats of each kind are sent in a round"
    )
    run(measure, parser.parse_args())


if __name__ == "__main__":
    main()
