"""The moments that updating targets wait for: a timeout, the end of `min_healthy_time`, a further attempt."""

import heapq
from typing import Self


class Timers:
    """One moment (ms) for each number. What has come stays due until it is set anew or dropped."""

    def __init__(self) -> None:
        self._of: dict[int, int] = {}
        self._heap: list[tuple[int, int]] = []
        """Moments to come with their numbers; an outdated one is dropped when it comes up."""
        self._come: set[int] = set()

    def copy(self) -> Self:
        """Return moments that go their own way from here."""
        other = object.__new__(type(self))
        other._of, other._heap, other._come = self._of.copy(), self._heap.copy(), self._come.copy()
        return other

    def clear(self) -> None:
        """Wait for nothing any more."""
        self._of.clear()
        self._heap.clear()
        self._come.clear()

    def put(self, number: int, moment: int | None) -> None:
        """Wait for this moment, and no longer for an earlier one of the same number; None: wait for none."""
        if self._of.get(number) == moment:
            return
        self._come.discard(number)
        if moment is None:
            del self._of[number]
            return
        self._of[number] = moment
        heapq.heappush(self._heap, (moment, number))

    def due(self, now: int) -> list[int]:
        """Return the numbers whose moment has come by `now`, in rising order."""
        while (moment := self.next_moment()) is not None and moment <= now:
            self._come.add(heapq.heappop(self._heap)[1])
        return sorted(self._come)

    def waiting(self) -> list[int]:
        """Return the numbers that wait for a moment, come or not, in rising order."""
        return sorted(self._of)

    def next_moment(self) -> int | None:
        """Return the earliest moment that is still to come, as of the last time that `due` was asked."""
        while self._heap:
            moment, number = self._heap[0]
            if self._of.get(number) == moment and number not in self._come:
                return moment
            heapq.heappop(self._heap)
        return None
