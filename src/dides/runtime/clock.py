"""Time as an argument: whoever needs the time is handed a Clock, so that tests can own it.

Moments are integers, milliseconds since 1970-01-01 UTC; durations in settings and on the wire are seconds.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Tells the time. Wall time for what is stored, monotonic time for how long something took."""

    def now(self) -> int:
        """Return the wall time in milliseconds since 1970-01-01 UTC."""
        ...

    def monotonic(self) -> float:
        """Return seconds since an arbitrary start; never goes backwards."""
        ...


class SystemClock:
    """The clock of this machine, but for one thing: while the process runs, its wall time never goes back.

    When the machine's clock is set back, time goes on from where it was, and is ahead of the machine by that much until
    the machine has caught up or the process ends. What was stored a moment ago would otherwise lie in the future, and
    neither deadlines nor silence would be noticed for as long.
    """

    def __init__(self, wall: Callable[[], int] = time.time_ns) -> None:
        """`wall` gives nanoseconds since 1970-01-01 UTC."""
        self._wall = wall
        self._last = 0
        self._ahead = 0

    def now(self) -> int:
        """Return the wall time in milliseconds since 1970-01-01 UTC."""
        wall = self._wall() // 1_000_000
        if wall >= self._last:
            self._ahead = 0
        else:
            self._ahead = max(self._ahead, self._last - wall)
        self._last = wall + self._ahead
        return self._last

    @staticmethod
    def monotonic() -> float:
        """Return seconds since an arbitrary start; never goes backwards."""
        return time.monotonic()


def to_datetime(moment: int) -> datetime:
    """Return a moment (milliseconds since 1970-01-01 UTC) as an aware datetime in UTC."""
    return datetime.fromtimestamp(moment / 1000, UTC)
