"""A token bucket as one number: the moment at which it is full again (the generic cell rate algorithm).

A bucket holds `burst` tokens at most and gains `rate` a second. That moment is all that is to be remembered of it, and
nothing at all once it has passed: then the bucket is full.
"""

import msgspec

FULL = float("-inf")
"""A bucket that nothing has been taken from."""
ROUNDING = 1e-9
"""A part of a token that sums of floats may lack."""


class Rate(msgspec.Struct, frozen=True):
    """How often something may be done."""

    per_second: float
    burst: float
    """How many may be done at once after a rest."""


def seconds_until_free(full_at: float, rate: Rate, now: float) -> float:
    """Return how long it takes until a bucket has a token; 0.0 when it has one now."""
    missing = max(full_at - now, 0.0) * rate.per_second
    lacking = missing + 1 - rate.burst
    return lacking / rate.per_second if lacking > ROUNDING else 0.0


def take(full_at: float, rate: Rate, now: float, tokens: float = 1.0) -> float:
    """Return the bucket without some of its tokens."""
    return max(full_at, now) + tokens / rate.per_second
