"""Runs seeds for as long as told, and stops at the first that breaks a property."""

import itertools
import time
from collections.abc import Iterable

from simulator.runs.report import report_failure
from simulator.runs.runs import run_many

EVERY_SECONDS = 10.0


def soak(seeds: Iterable[int], minutes: float | None, workers: int | None) -> int:
    """Run seeds, for so many minutes or until there are no more; return the exit code: 1 when one has failed."""
    began = said = time.monotonic()
    number = 0
    for number, (seed, good) in enumerate(run_many(seeds, workers), start=1):
        if not good:
            print(report_failure(seed))
            return 1
        now = time.monotonic()
        if now - said >= EVERY_SECONDS:
            said = now
            print(_rate(number, now - began), flush=True)
        if minutes is not None and now - began >= 60 * minutes:
            break
    print(f"{_rate(number, time.monotonic() - began)}: every property was kept")
    return 0


def seeds_from(text: str | None, start: int) -> Iterable[int]:
    """Return the seeds of a range such as "0..500", the end left out; without a range all from a start on."""
    if text is None:
        return itertools.count(start)
    first, _, end = text.partition("..")
    return range(int(first), int(end))


def _rate(number: int, seconds: float) -> str:
    return f"{number} seeds in {seconds:.0f} s, {60 * number / max(seconds, 0.001):.0f} seeds per minute"
