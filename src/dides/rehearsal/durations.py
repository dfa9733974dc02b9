"""How long one update takes in a rehearsal: as it was in past deployments, or as somebody says."""

import statistics
from random import Random
from typing import TypeAlias

import msgspec


class Normal(msgspec.Struct, frozen=True, kw_only=True):
    """A bell curve around `mean_ms`; what would be shorter than 1 ms takes 1 ms."""

    mean_ms: float
    spread_ms: float = 0.0
    """The standard deviation; 0: every update takes equally long."""

    def draw(self, random: Random) -> int:
        """Return how long one update takes, in whole milliseconds."""
        return max(1, round(random.gauss(self.mean_ms, self.spread_ms)))


class Recorded(msgspec.Struct, frozen=True, kw_only=True):
    """The durations of past updates; each draw is one of them, and leaves it there (a bootstrap)."""

    durations_ms: tuple[int, ...]
    deployments: tuple[int, ...]
    """The deployments that they come from, newest first."""

    @property
    def mean_ms(self) -> float:
        """Their mean."""
        return statistics.fmean(self.durations_ms)

    @property
    def spread_ms(self) -> float:
        """Their standard deviation."""
        return statistics.pstdev(self.durations_ms)

    def draw(self, random: Random) -> int:
        """Return how long one update takes, in whole milliseconds."""
        return random.choice(self.durations_ms)


Durations: TypeAlias = Normal | Recorded
