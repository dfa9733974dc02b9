"""Notices that this process has stood still: it was stopped, swapped out, asleep with its machine, or busy with itself.

What has come meanwhile waits in its sockets, and is acted on late: a failure that was reported before a deployment was
triggered, an abort that its sender has given up and repeated elsewhere. So whatever was read, asked for or begun before
a standstill is refused after it (503), and whoever still wants it says so anew.
"""

import asyncio
import time
from collections.abc import Callable

import structlog

from dides.model.errors import StoodStillError

log = structlog.get_logger()
LONGEST = 1.0
"""Seconds between two beats that are no standstill yet."""
BEAT_SECONDS = 0.05


def seconds_awake_or_asleep() -> float:
    """Return seconds that go on while the machine sleeps, where the system has such a clock."""
    clock = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
    return time.clock_gettime(clock)


class Standstill:
    """Counts them. May be asked from any thread; nothing is noticed while nobody watches."""

    def __init__(self, seconds: Callable[[], float] = seconds_awake_or_asleep) -> None:
        """`seconds` is a clock that never goes back."""
        self.count = 0
        """How often this process has stood still, as far as was noticed."""
        self.on_noticed: list[Callable[[], None]] = []
        """Called on the event loop as soon as a standstill is over."""
        self.seconds = seconds
        """A clock that goes on while the process is stopped."""
        self._beat_at: float | None = None

    async def watch(self) -> None:
        """Notice it until cancelled."""
        self.start()
        try:
            while True:
                self.look()
                await asyncio.sleep(BEAT_SECONDS)
        finally:
            self._beat_at = None

    def start(self) -> None:
        """Begin to notice: from now on somebody looks at least twenty times a second, when the process runs."""
        self._beat_at = self.seconds()

    def look(self) -> int:
        """Return how often this process has stood still by now. Call it on the event loop, as often as you like."""
        if self._beat_at is None:
            return self.count
        before, self._beat_at = self._beat_at, self.seconds()
        if self._beat_at - before > LONGEST:
            self.count += 1
            log.warning("this process has stood still", seconds=round(self._beat_at - before, 1))
            for call in self.on_noticed:
                call()
        return self.count

    def check(self, count: int) -> None:
        """Raise StoodStillError when the process has stood still since `look` has returned this."""
        beat_at = self._beat_at
        if self.count != count or (beat_at is not None and self.seconds() - beat_at > LONGEST):
            raise StoodStillError
