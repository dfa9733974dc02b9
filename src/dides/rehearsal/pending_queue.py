"""The pending targets of a deployment in their order, by their value of `spread_by`, without those put off."""

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator, Mapping
from typing import Self

from dides.model.deployment import Target


class Line:
    """Who is told next. The cost of a turn does not grow with the number of those who wait."""

    def __init__(self) -> None:
        self._waiting: dict[str, list[tuple[int, int]]] = {}
        """Per value, (-position, number) in rising order: the next one is at the list's end, where taking is cheap."""

    def copy(self) -> Self:
        """Return a line that goes its own way from here."""
        other = object.__new__(type(self))
        other._waiting = {value: waiting.copy() for value, waiting in self._waiting.items()}
        return other

    def __iter__(self) -> Iterator[int]:
        return (number for waiting in self._waiting.values() for _, number in reversed(waiting))

    def form(self, targets: Iterable[Target]) -> None:
        """Let these targets wait, and no others."""
        self._waiting = {}
        for target in targets:
            self._waiting.setdefault(target.spread, []).append(_place(target))
        for waiting in self._waiting.values():
            waiting.sort()

    def join(self, target: Target) -> None:
        """Let a target wait at its position."""
        insort(self._waiting.setdefault(target.spread, []), _place(target))

    def leave(self, target: Target) -> None:
        """Let a waiting target go."""
        waiting = self._waiting[target.spread]
        del waiting[bisect_left(waiting, _place(target))]

    def first(self, limit: int, of_each: Mapping[str, int] | None) -> list[int]:
        """Return the numbers of up to `limit` next targets in order; with `of_each` up to so many of each value."""
        if of_each is None:
            return self._first_of(dict.fromkeys(self._waiting, limit))[:limit]
        return self._first_of(of_each)

    def _first_of(self, of_each: Mapping[str, int]) -> list[int]:
        places = [place for value, most in of_each.items() for place in self._waiting.get(value, [])[: -most - 1 : -1]]
        if len(of_each) > 1:
            places.sort(reverse=True)
        return [number for _, number in places]


def _place(target: Target) -> tuple[int, int]:
    return -target.position, target.id
