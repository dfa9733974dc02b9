"""Histograms: how many runs fall into each of some equally wide ranges."""

import math
from collections import Counter
from collections.abc import Sequence

import msgspec


class Bin(msgspec.Struct, frozen=True):
    """The runs with a value from `low` up to `high`; the last bin of a histogram includes its `high`."""

    low: float
    high: float
    runs: int


def bins_of(values: Sequence[float], most: int, *, whole: bool) -> list[Bin]:
    """Return at most so many equally wide bins over at least one value; those of whole values begin at whole values.

    Worked: 1 to 12 in at most 10 bins are 6 bins of two whole values each, `Bin(1, 3)` for 1 and 2 and so on.
    """
    low, high = min(values), max(values)
    if low == high:
        return [Bin(low, high, len(values))]
    width = math.ceil((high - low + 1) / most) if whole else (high - low) / most
    number = math.floor((high - low) / width) + 1 if whole else most
    # The greatest value belongs to the last bin, not to one of its own.
    places = Counter(min(number - 1, int((value - low) / width)) for value in values)
    return [Bin(low + width * place, low + width * (place + 1), places[place]) for place in range(number)]
