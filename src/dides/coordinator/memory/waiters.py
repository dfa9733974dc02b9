"""Tells waiting queries that an instance's desired state has changed, within this process."""

import asyncio
from collections import defaultdict, deque
from collections.abc import Iterable

MOST_HELD = 2
"""Queries of one instance that are held at once; a newer one takes the place of the oldest."""
MOST_IN_A_TURN = 100
"""How many are woken in one turn of the event loop: each of them is then answered, and others want to be served too."""


class Waiter(asyncio.Future[bool]):
    """Done once its instance's desired state may have changed, its time is over, or the coordinator stops.

    It is True when it has to make room for a newer one, and False else.

    One small object and a timer, and no task: tens of thousands of these are held at once.
    """

    __slots__ = ("name", "timer")

    def __init__(self, name: str, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop=loop)
        self.name = name
        self.timer: asyncio.TimerHandle | None = None
        """What ends it in time; None once it is over."""


class Waiters:
    """Wakes those who wait for an instance. Everything happens on one event loop."""

    def __init__(self) -> None:
        # Kept and woken in order, so that a simulation with the same seed takes the same course in every process.
        self._waits: defaultdict[str, dict[Waiter, None]] = defaultdict(dict)
        self._due: deque[Waiter] = deque()
        self.held = 0
        """How many wait now."""
        self.woken = 0
        """How often somebody who waited was told of a change."""
        self.closed = False
        """True once the coordinator stops: nobody is kept waiting any more."""

    def wait(self, name: str, seconds: float) -> Waiter:
        """Return what is done once the instance's desired state changes, after `seconds`, or when all are let go.

        Look at the instance in the same turn of the loop: then no change falls between the two. Whoever gives up before
        it is done says so (`leave`).
        """
        loop = asyncio.get_running_loop()
        if len(self._waits[name]) >= MOST_HELD:
            self._end(next(iter(self._waits[name])), makes_room=True)
        wait = Waiter(name, loop)
        wait.timer = loop.call_later(seconds, self._end, wait)
        self._waits[name][wait] = None
        self.held += 1
        return wait

    def leave(self, wait: Waiter) -> None:
        """Let go of a wait, whether or not it is over; it does not become done by this."""
        if wait.timer is None:
            return
        wait.timer.cancel()
        wait.timer = None
        self.held -= 1
        self._waits[wait.name].pop(wait, None)
        if not self._waits[wait.name]:
            del self._waits[wait.name]

    def let_go(self, wait: Waiter) -> None:
        """Make one wait no longer, as if there were a newer one in its place."""
        self._end(wait, makes_room=True)

    def holds(self, name: str) -> bool:
        """Tell whether anybody waits for an instance who has not been told of a change."""
        return name in self._waits

    def publish(self, names: Iterable[str]) -> None:
        """Wake everyone who waits for these instances: in order, and so many in each of the next turns of the loop."""
        idle = not self._due
        for name in sorted(names):
            waiting = self._waits.pop(name, ())
            self.woken += len(waiting)
            self._due.extend(waiting)
        if idle and self._due:
            self._due[0].get_loop().call_soon(self._wake)

    def publish_all(self) -> None:
        """Wake everyone."""
        self.publish(list(self._waits))

    def close(self) -> None:
        """Wake everyone; whoever is woken looks at `closed`."""
        self.closed = True
        self.publish_all()

    def _wake(self) -> None:
        for _ in range(min(MOST_IN_A_TURN, len(self._due))):
            self._end(self._due.popleft())
        if self._due:
            self._due[0].get_loop().call_soon(self._wake)

    def _end(self, wait: Waiter, *, makes_room: bool = False) -> None:
        self.leave(wait)
        if not wait.done():
            wait.set_result(makes_room)
