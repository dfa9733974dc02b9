"""Time as an argument: whoever needs the time is handed a Clock, so that tests can own it.

Moments are integers, milliseconds since 1970-01-01 UTC; durations in settings and on the wire are seconds.
"""

import time
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
    """The clock of this machine."""

    def now(self) -> int:
        """Return the wall time in milliseconds since 1970-01-01 UTC."""
        return time.time_ns() // 1_000_000

    def monotonic(self) -> float:
        """Return seconds since an arbitrary start; never goes backwards."""
        return time.monotonic()


def milliseconds(seconds: float) -> int:
    """Return a duration in seconds as whole milliseconds, rounded to the nearest."""
    return round(seconds * 1000)


def to_datetime(moment: int) -> datetime:
    """Return a moment (milliseconds since 1970-01-01 UTC) as an aware datetime in UTC."""
    return datetime.fromtimestamp(moment / 1000, UTC)
