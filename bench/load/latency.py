"""Percentiles of latencies."""

import math
from collections.abc import Iterable, Sequence

import msgspec


class Latency(msgspec.Struct, frozen=True):
    """How long answers took, in milliseconds; all 0 when there was none."""

    count: int = 0
    p50: float = 0.0
    p90: float = 0.0
    p99: float = 0.0
    p999: float = 0.0
    max: float = 0.0


def percentile(ordered: Sequence[float], share: float) -> float:
    """Return the smallest value that at least this share of the values, which are in order, does not exceed."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def summarize(seconds: Iterable[float]) -> Latency:
    """Return the percentiles of latencies given in seconds."""
    ordered = sorted(seconds)
    if not ordered:
        return Latency()
    picked = [round(percentile(ordered, share) * 1000, 3) for share in (0.5, 0.9, 0.99, 0.999, 1.0)]
    return Latency(len(ordered), *picked)
