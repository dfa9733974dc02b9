"""The time of a database server, as far as this process can know it without asking: never ahead of it."""

import time
from collections.abc import Callable
from threading import Lock

import msgspec

DRIFT = 0.0005
"""By how much the two clocks may differ in speed, as a part of the time that passes; NTP slews by no more than that."""


class _Sample(msgspec.Struct, frozen=True):
    """At `at` (monotonic seconds of this process) the server's time was `time` (ms) or later."""

    at: float
    time: int

    def least(self, at: float) -> float:
        """Return what the server's time is, or was, at the least at another moment."""
        passed = 1000 * (at - self.at)
        return self.time + passed - DRIFT * abs(passed)


class DatabaseClock:
    """A clock that goes like the server's, and is behind by what an answer takes at the most. From any thread.

    Every answer that brings the server's time is a sample: its time was read before the answer arrived. Of all samples
    the one is kept that says the most; it says less as it grows older. One that contradicts it shows that the server's
    clock was set back, or that another server has taken over, and replaces it: then this clock goes back, too.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        """Before the first sample it is 1970."""
        self.monotonic = monotonic
        self._best = _Sample(monotonic(), 0)
        self._lock = Lock()

    def now(self) -> int:
        """Return the time (ms since 1970-01-01 UTC) that it is for the server, at the least."""
        return int(self._best.least(self.monotonic()))

    def sample(self, asked_at: float, its_time: int) -> None:
        """Take up the time (ms) that the server has answered, which was asked for at `asked_at` (monotonic seconds)."""
        new = _Sample(self.monotonic(), its_time)
        with self._lock:
            # Its time is cut to whole milliseconds.
            contradicts = self._best.least(asked_at) > its_time + 1
            if contradicts or new.time >= self._best.least(new.at):
                self._best = new
