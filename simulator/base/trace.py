"""What happened in a world, in order: for people when a property breaks, and as a digest to compare two runs."""

import hashlib
from collections.abc import Callable


class Trace:
    """Who did what at which virtual time (seconds)."""

    def __init__(self, time: Callable[[], float]) -> None:
        self._time = time
        self._lines: list[tuple[float, str, str]] = []

    def note(self, who: str, what: str) -> None:
        """Add a line."""
        self._lines.append((self._time(), who, what))

    def lines(self) -> list[str]:
        """Return all of it as text, oldest first."""
        return [f"{moment:10.3f}  {who:<10}  {what}" for moment, who, what in self._lines]


def digest_of(lines: list[str]) -> str:
    """Return a hash of everything that happened, and when."""
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
