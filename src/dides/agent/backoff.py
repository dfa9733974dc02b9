"""How long to wait before knocking again: exponential backoff with full jitter."""

from random import Random

BASE = 0.5
CAP = 30.0
LONGEST_REQUEST = 60.0


class Backoff:
    """Delays in seconds, each drawn evenly from nought to a ceiling that doubles from 0.5 to 30.

    The full jitter spreads a fleet that lost its coordinator at one moment.
    """

    def __init__(self, random: Random) -> None:
        self._random = random
        self._failures = 0

    def next_delay(self, asked: float | None = None, *, cap: float = CAP) -> float:
        """Return the next delay; `asked` seconds, when the coordinator said so (Retry-After), are waited first.

        `cap` is the highest ceiling, in seconds.
        """
        ceiling = min(cap, CAP, BASE * 2 ** min(self._failures, 16))
        self._failures += 1
        return min(asked or 0.0, LONGEST_REQUEST) + self._random.uniform(0, ceiling)

    def reset(self) -> None:
        """Start over: the coordinator has answered."""
        self._failures = 0
