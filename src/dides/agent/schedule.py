"""When an instance reports: once in every interval, at a moment of its own that nothing but chance has chosen.

A fleet whose heartbeats waited for one event (a coordinator that came back) would report together for ever after, if
each counted its next interval from there. So the moments are drawn once and kept: over reports that come in between,
over failures, over an outage.
"""

from math import ceil
from random import Random


class Rhythm:
    """The moments at which one instance reports. All times are monotonic seconds."""

    def __init__(self, random: Random, interval: float, now: float) -> None:
        self._interval = interval
        self._due = now + random.uniform(0, interval)

    def left(self, now: float) -> float:
        """Return the seconds that are left until the next moment; nought once it has come."""
        return max(0.0, self._due - now)

    def skip(self, now: float, seconds: float) -> None:
        """Let those moments pass that are not at least so many seconds away."""
        missing = now + seconds - self._due
        if missing > 0:
            self._due += ceil(missing / self._interval) * self._interval

    def pace(self, now: float, interval: float) -> None:
        """Take up another interval at once: what is left is stretched or shrunk with it.

        That keeps a fleet spread, over all of the new interval, and costs no report more when it changes often.
        """
        self._due = now + (self._due - now) * interval / self._interval
        self._interval = interval
