"""The time of a simulated world."""

from simulator.base.loop import VirtualLoop

EPOCH = 1_767_600_000_000
"""2026-01-05 08:00 UTC, in milliseconds: when every world begins."""


class VirtualClock:
    """The clock that all coordinators of a world share, as servers share that of their database."""

    def __init__(self, loop: VirtualLoop) -> None:
        self._loop = loop

    def now(self) -> int:
        """Return the wall time in milliseconds since 1970-01-01 UTC."""
        return EPOCH + int(self._loop.time() * 1000)

    def monotonic(self) -> float:
        """Return seconds since the world began."""
        return self._loop.time()
