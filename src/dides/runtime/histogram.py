"""How often which values occurred: sizes, and durations in seconds. For whoever measures, on any floor."""

from bisect import bisect_left
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import accumulate
from time import perf_counter

DURATIONS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Bounds for durations, in seconds."""
SIZES = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0)
"""Bounds for how many of something there were."""


class Histogram:
    """Counts values by the first bound that they do not exceed.

    One thread observes, any thread may read: a reader sees every count as it is, and the sum at most one value apart
    from them. Nothing ever goes down.
    """

    def __init__(self, bounds: tuple[float, ...] = DURATIONS) -> None:
        """`bounds` rise; values above the last one are counted apart."""
        self.bounds = bounds
        self.sum = 0.0
        self._counts = [0] * (len(bounds) + 1)

    def observe(self, value: float) -> None:
        """Count a value, which is not negative."""
        self._counts[bisect_left(self.bounds, value)] += 1
        self.sum += value

    @contextmanager
    def timing(self) -> Iterator[None]:
        """Observe how many seconds a block takes; one that fails does not count."""
        begun = perf_counter()
        yield
        self.observe(perf_counter() - begun)

    def cumulative(self) -> list[int]:
        """Return how many values did not exceed each bound, and last how many there were."""
        # Copied in one step, lest the observing thread comes between.
        return list(accumulate(list(self._counts)))
