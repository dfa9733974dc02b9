"""How long to wait before knocking again: exponential backoff with full jitter."""

from random import Random

BASE = 0.5
CAP = 30.0
LONGEST_REQUEST = 60.0
TERMINAL_CAP, LONGEST_TERMINAL_REQUEST = 4.0, 10.0
"""Seconds: the highest ceiling of a command at a terminal, and the most that it waits because it is asked to."""


class Backoff:
    """Delays in seconds, each drawn evenly from nought to a ceiling that doubles with every failure.

    The full jitter spreads a fleet that lost its coordinator at one moment.
    """

    def __init__(self, random: Random) -> None:
        self._random = random
        self.failures = 0

    def next_delay(
        self, asked: float | None = None, *, base: float = BASE, cap: float = CAP, spread: float = CAP
    ) -> float:
        """Return the next delay; the first ceiling is `base` seconds, the highest one `cap`.

        When the coordinator asks for `asked` seconds (Retry-After), these are waited first, and the jitter comes on
        top, over as long again but no more than `spread` seconds: a fleet that was sent away with one answer at one
        moment must not return at one moment.
        """
        ceiling = min(cap, base * 2 ** min(self.failures, 16))
        self.failures += 1
        first = min(asked or 0.0, max(LONGEST_REQUEST, spread))
        return first + self._random.uniform(0, max(ceiling, min(first, spread)))

    def next_delay_at_terminal(self, asked: float | None = None) -> float:
        """Return the next delay, in seconds, of a command that a person waits for: a short one."""
        first = min(asked or 0.0, LONGEST_TERMINAL_REQUEST)
        return self.next_delay(first, cap=TERMINAL_CAP, spread=TERMINAL_CAP)

    def reset(self) -> None:
        """Start over: the coordinator has answered."""
        self.failures = 0
