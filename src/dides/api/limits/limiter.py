"""Token buckets for as many senders as there are, in memory that grows with the few that exceed their rate alone.

Who keeps to the rate within every short period never empties a bucket, and so has none: it is only counted, and the
counts are dropped at the end of each period. A bucket begins with the first excess, and goes once it is full again.
"""

from collections.abc import Callable
from math import floor

from dides.api.limits.token_bucket import FULL, Rate, seconds_until_free, take

MOST_BUCKETS = 100_000
"""Senders that have a bucket; there may be many more addresses than instances."""
HAS_BUCKET = 1_000_000_000
"""Where a count begins that is looked at no more."""


class Limiter:
    """Says who may do something once more, and who has to wait."""

    def __init__(self, rate: Rate, now: Callable[[], float]) -> None:
        """`now` returns seconds and never goes back."""
        self.refused = 0
        """How often somebody had to wait."""
        self._rate = rate
        self._now = now
        self._period = max(1.0, 1 / rate.per_second)
        self._free = floor(rate.per_second * self._period)
        self._ends = now() + self._period
        self._counts: dict[str, int] = {}
        self._buckets: dict[str, float] = {}

    @property
    def exceeding(self) -> int:
        """How many have a bucket."""
        return len(self._buckets)

    def wait(self, who: str) -> float:
        """Count once more for a sender; return 0.0 when it may go on, else how many seconds it has to wait."""
        if (now := self._now()) >= self._ends:
            self._begin_period(now)
        self._counts[who] = count = self._counts.get(who, 0) + 1
        return 0.0 if count <= self._free else self._from_bucket(who, now)

    def left(self, who: str) -> float:
        """Return what `wait` would, without counting."""
        return seconds_until_free(self._buckets.get(who, FULL), self._rate, self._now())

    def rests_in(self, who: str) -> float:
        """Return in how many seconds the bucket of a sender is full again; 0.0 while half of it or more is left."""
        seconds = max(self._buckets.get(who, FULL) - self._now(), 0.0)
        return seconds if seconds * self._rate.per_second > self._rate.burst / 2 else 0.0

    def _from_bucket(self, who: str, now: float) -> float:
        full_at = self._buckets.get(who)
        if full_at is None:
            if len(self._buckets) >= MOST_BUCKETS:
                return self._refuse(self._ends - now)
            full_at = take(FULL, self._rate, now, self._free)
            self._counts[who] = HAS_BUCKET
        if (seconds := seconds_until_free(full_at, self._rate, now)) > 0:
            return self._refuse(seconds)
        self._buckets[who] = take(full_at, self._rate, now)
        return 0.0

    def _refuse(self, seconds: float) -> float:
        self.refused += 1
        return seconds

    def _begin_period(self, now: float) -> None:
        """Forget the counts, and the buckets that are full again."""
        self._ends = now + self._period
        self._buckets = {who: full_at for who, full_at in self._buckets.items() if full_at > now}
        self._counts = dict.fromkeys(self._buckets, HAS_BUCKET)
