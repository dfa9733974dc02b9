"""Numbers the reports of an agent process, so that a coordinator knows those that come late, twice, or from another.

A report is sent again under its number for as long as nothing else is to be said and the next one is not due: its first
sending may have been taken, and only the answer lost. A process that wakes up at another time than it fell asleep, as
in a virtual machine that was put back to a snapshot or copied while it ran, goes on under a new session: the numbers
that it would give out have been given out before, or are by its copy.
"""

import secrets

import msgspec

from dides.protocol.messages import Heartbeat
from dides.runtime.clock import Clock

LEAP_MS = 60_000
"""By how much the clock has to have gone another way than the process before it has woken up at another time."""


class Numbering:
    """The session of one process, and the number of its last report."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._sequence = 0
        self._open: Heartbeat | None = None
        """What was sent last, unless that was answered or another report is due."""
        self._begin()

    def sign(self, heartbeat: Heartbeat) -> Heartbeat:
        """Return a report with its session and its number."""
        if abs(self._clock.now() - self._expected_ms()) > LEAP_MS:
            self._begin()
        if heartbeat != self._open:
            self._sequence += 1
            self._open = heartbeat
        return msgspec.structs.replace(heartbeat, session=self._session, sequence=self._sequence)

    def close(self) -> None:
        """Give the next report a number of its own: the last one was answered, or the next one is due."""
        self._open = None

    def _begin(self) -> None:
        """Draw a session."""
        self._session = secrets.token_hex(8)
        self._sequence = 0
        self._open = None
        self._offset_ms = self._clock.now() - 1000 * self._clock.monotonic()

    def _expected_ms(self) -> float:
        """Return what the clock should show if it has gone as the process has."""
        return self._offset_ms + 1000 * self._clock.monotonic()
