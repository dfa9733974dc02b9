"""The dashboard in a real browser: 10,000 instances with 200 changes a second, and a timeline of 1,000 targets.

Time to the first map, and the time between two frames (requestAnimationFrame) while changes come in; 60 frames a
second are 16.7 ms. The browser shares one core with the generator, the coordinator has the other, and no GPU draws.
The yardstick of the frames is a page of the same browser on which nothing happens.
"""

import argparse
import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from itertools import cycle
from pathlib import Path
from typing import Any

import msgspec
from playwright.async_api import Browser, CDPSession, Page

from load.arrivals import poisson
from load.fleet import HEALTHY, Fleet
from load.latency import summarize
from load.open import open_loop
from load.tally import LoadError
from rig.arguments import NotInThisBuildError, log, parser_of, run
from rig.coordinator import Coordinator, calm, coordinator
from rig.report import Report
from support.browser import chromium, launched, sign_in, visiting

DEGRADED = 2
LONG_FRAME_MS = 50
FRAMES = """(seconds) => new Promise((done) => {
  const frames = [];
  let last = performance.now();
  const until = last + seconds * 1000;
  const frame = (now) => {
    frames.push(now - last);
    last = now;
    if (now < until) requestAnimationFrame(frame); else done(frames.slice(1));
  };
  requestAnimationFrame(frame);
})"""
MAP_IS_THERE = """(size) =>
  document.querySelector('#count').textContent.replace(/\\D/g, '').includes(String(size)) && performance.now()"""
TIMELINE_IS_THERE = """(size) => [...document.querySelectorAll('[data-count]')]
  .reduce((sum, each) => sum + Number(each.textContent.replace(/\\D/g, '')), 0) === size && performance.now()"""


class Frames(msgspec.Struct):
    """The times between frames (ms), of all rounds of one kind, and how busy the page was."""

    p50: list[float] = []
    p99: list[float] = []
    long: list[float] = []
    busy: list[float] = []

    def add(self, milliseconds: list[float], busy: float) -> None:
        """Take a round; `busy` is the processor time of the page's main thread, in percent."""
        found = summarize([each / 1000 for each in milliseconds])
        self.p50.append(found.p50)
        self.p99.append(found.p99)
        self.busy.append(busy)
        self.long.append(100 * sum(each > LONG_FRAME_MS for each in milliseconds) / len(milliseconds))


async def measure(arguments: argparse.Namespace) -> Report:
    """Look at both pages in every round."""
    if chromium() is None:
        raise NotInThisBuildError("there is no Chromium here")
    size, targets = (300, 50) if arguments.quick else (arguments.instances, arguments.targets)
    parameters = {"instances": size, "targets": targets, "changes_per_second": arguments.rate}
    report = Report(benchmark="dashboard", parameters={**parameters, "rounds": arguments.rounds})
    first, idle, busy, timeline = [], Frames(), Frames(), Frames()
    with tempfile.TemporaryDirectory() as directory:
        async with (
            coordinator(Path(directory), Fleet(size), *calm(), rolling=targets) as running,
            launched() as browser,
        ):
            await begin_rollout(running)
            for number in range(arguments.rounds):
                async with looking(browser, running, "/", MAP_IS_THERE, size) as (page, after):
                    first.append(after)
                    idle.add(*await frames(page, arguments.seconds))
                    busy.add(*await frames_while_changing(page, running, range(size), arguments))
                log(f"round {number}: first map after {after:.0f} ms; p99 {idle.p99[-1]} idle, {busy.p99[-1]} busy")
                async with looking(browser, running, "/ui/deployments/1", TIMELINE_IS_THERE, targets) as (page, _):
                    timeline.add(*await frames_while_changing(page, running, range(targets), arguments))
    report.add("from the start of the navigation to the whole map", first, "ms")
    conclude(report, "the map, nothing changing", idle, idle)
    conclude(report, f"the map, {arguments.rate:g} changes a second", busy, idle)
    conclude(report, "the timeline, the same", timeline, idle)
    return report


def conclude(report: Report, what: str, found: Frames, yardstick: Frames) -> None:
    """Add the figures of one kind."""
    report.add(f"{what}: p50 between frames", found.p50, "ms", to=yardstick.p50)
    report.add(f"{what}: p99", found.p99, "ms", to=yardstick.p99)
    report.add(f"{what}: frames over {LONG_FRAME_MS} ms", found.long, "%")
    report.add(f"{what}: processor time of the page's main thread", found.busy, "%")


async def begin_rollout(running: Coordinator) -> None:
    """Have a deployment in flight; nobody applies anything."""
    async with running.processes.http() as http:
        body = {
            "code_version": "2.000000000",
            "labels": {"role": "rolling"},
            "configuration": {"batch_size": "50%", "update_timeout": 86_400},
        }
        answer = await http.post("/deploy", json=body)
    if answer.status_code != 201:
        raise LoadError(answer.text)


@asynccontextmanager
async def looking(
    browser: Browser, running: Coordinator, path: str, condition: str, size: int
) -> AsyncIterator[tuple[Page, float]]:
    """Open a page, wait until it shows what it is to show, and yield it with the milliseconds that this took."""
    async with visiting(browser, running.url) as visit:
        await sign_in(visit, running.processes)
        await visit.page.goto(running.url + path, wait_until="commit")
        after: Any = await (await visit.page.wait_for_function(condition, arg=size)).json_value()
        await visit.live()
        yield visit.page, float(after)


async def frames(page: Page, seconds: float) -> tuple[list[float], float]:
    """Return the milliseconds between the frames of so many seconds, and how busy the page was, in percent."""
    devtools = await page.context.new_cdp_session(page)
    await devtools.send("Performance.enable", {"timeDomain": "threadTicks"})
    before = await busy_seconds(devtools)
    found: list[float] = await page.evaluate(FRAMES, seconds)
    busy = await busy_seconds(devtools) - before
    await devtools.detach()
    return found, 100 * busy / seconds


async def busy_seconds(devtools: CDPSession) -> float:
    """Return the processor time that the main thread of a page has used."""
    metrics = (await devtools.send("Performance.getMetrics"))["metrics"]
    return next(float(each["value"]) for each in metrics if each["name"] == "TaskDuration")


async def frames_while_changing(
    page: Page, running: Coordinator, numbers: range, arguments: argparse.Namespace
) -> tuple[list[float], float]:
    """Return the same while these instances change their status."""
    load = asyncio.create_task(
        open_loop(
            [running.url],
            changing(running.fleet, numbers),
            poisson(arguments.rate),
            connections=16,
            seconds=arguments.seconds + 1,
        )
    )
    found = await frames(page, arguments.seconds)
    (await load).checked()
    return found


def changing(fleet: Fleet, numbers: range) -> Iterator[bytes]:
    """Yield heartbeats with which one instance after the other becomes DEGRADED, and then HEALTHY again."""
    for status in cycle((DEGRADED, HEALTHY)):
        yield from (fleet.heartbeat(number, status=status) for number in numbers)


def main() -> None:
    """Read the arguments and measure."""
    parser = parser_of(__doc__)
    parser.add_argument("--instances", type=int, default=10_000)
    parser.add_argument("--targets", type=int, default=1_000)
    parser.add_argument("--rate", type=float, default=200.0, help="changes a second")
    parser.add_argument("--seconds", type=float, default=10.0, help="how long frames are watched each time")
    run(measure, parser.parse_args())


if __name__ == "__main__":
    main()
