"""Shares the event loop between heartbeats, of which there may be thousands at once, and everybody else.

A turn of the loop reads from every connection on which something has come. Were all of it answered at once, an
operator's request, which takes several turns, would wait for thousands of heartbeats in each of them. So only so many
are answered in one turn, and the others wait for the next ones, in the order in which they came. That costs them
nothing: the same work is done, in the same order. The line has an end, and those of instances that something is awaited
of do not stand in it. Each instance has one place in it, however many connections it has: its next request goes to the
end of the line once the one before it is answered.
"""

import asyncio
from collections import deque
from collections.abc import Callable

MOST = 400
"""Requests that are answered in one turn: some six milliseconds of work.

A turn has a price of its own, for one when it hands the interpreter to the thread that writes: with 100, operators wait
a third as long, and at three times the capacity a quarter less is served.
"""
LONGEST_LINE = 3000
"""Requests that wait for their turn; whoever comes then would wait for longer than is worth it, some 50 ms."""


class FairQueue:
    """Who is answered in this turn of the event loop, and who in the next ones."""

    def __init__(self, most: int = MOST, longest: int = LONGEST_LINE) -> None:
        self._most = most
        self._longest = longest
        self._taken = 0
        self._waiting: deque[str] = deque()
        """The instances in line."""
        self._requests: dict[str, list[Callable[[], None]]] = {}
        """What waits, by instance."""
        self._number = 0

    @property
    def waiting(self) -> int:
        """How many requests wait."""
        return self._number

    @property
    def is_full(self) -> bool:
        """Whether nobody should be made to wait any more."""
        return self._number >= self._longest

    def is_now(self) -> bool:
        """Tell whether one more may be answered in this turn, and count it; otherwise it has to `wait`."""
        if self._taken >= self._most or self._waiting:
            return False
        if self._taken == 0:
            asyncio.get_running_loop().call_soon(self._turn_over)
        self._taken += 1
        return True

    def wait(self, instance: str, answer: Callable[[], None]) -> None:
        """Call back in one of the next turns."""
        self._number += 1
        if (requests := self._requests.get(instance)) is not None:
            requests.append(answer)
            return
        self._requests[instance] = [answer]
        self._waiting.append(instance)

    def _turn_over(self) -> None:
        self._taken = min(self._most, self._number)
        if self._taken:
            asyncio.get_running_loop().call_soon(self._turn_over)
        for _ in range(self._taken):
            self._next()()

    def _next(self) -> Callable[[], None]:
        """Take the first request out of the line; another one of the same instance goes to its end."""
        self._number -= 1
        instance = self._waiting.popleft()
        requests = self._requests[instance]
        answer = requests.pop(0)
        if requests:
            self._waiting.append(instance)
        else:
            del self._requests[instance]
        return answer
