"""A clock that a test moves by hand."""

MONDAY = 1_767_600_000_000
"""2026-01-05 08:00 UTC, in milliseconds: an ordinary morning."""


class FakeClock:
    """Stands still until it is advanced. Wall and monotonic time move together, unless the wall is set apart."""

    def __init__(self, now: int = MONDAY) -> None:
        self._now = now
        self._monotonic = 1000.0

    def now(self) -> int:
        """Return the wall time in milliseconds since 1970-01-01 UTC."""
        return self._now

    def monotonic(self) -> float:
        """Return seconds since an arbitrary start."""
        return self._monotonic

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._now += round(seconds * 1000)
        self._monotonic += seconds

    def set_wall(self, now: int) -> None:
        """Jump the wall clock alone, as an operator or NTP may."""
        self._now = now
