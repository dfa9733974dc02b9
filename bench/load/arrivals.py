"""When requests are meant to be sent: evenly, or as the agents of a large fleet do, independently of each other."""

from collections.abc import Iterator
from random import Random


def even(rate: float) -> Iterator[float]:
    """Yield moments, in seconds from the start, at equal distances."""
    number = 0
    while True:
        yield number / rate
        number += 1


def poisson(rate: float, seed: int = 1) -> Iterator[float]:
    """Yield moments of a Poisson process: many senders that do not know of each other."""
    random = Random(seed)
    now = 0.0
    while True:
        now += random.expovariate(rate)
        yield now


ARRIVALS = {"even": even, "poisson": poisson}
