"""Sheds load before it queues: while the event loop comes late, what can wait is refused at once.

How late it comes is how long every request waits, whoever sends it. Plain requests of instances stand in line for their
turn (`fair_queue`), and are refused where the line ends. Of those that come in a less plain way, as tasks, only so
many are taken in one turn while the loop comes late, and the rest are refused. Never those of instances that something
is awaited of: so operators and rollouts go on being served. It ends as soon as the line is shorter, the loop in time.
"""

import asyncio

from dides.api.fastpath.fair_queue import FairQueue
from dides.model.instance import InstanceSummary
from dides.runtime.histogram import Histogram

LOOK_SECONDS = 0.02
LATE_SECONDS, IN_TIME_SECONDS = 0.05, 0.015
"""When shedding begins, and when it ends."""
MOST_IN_A_TURN = 750
"""Requests of instances that nothing is awaited of: some 30 ms of work."""


class Overload:
    """Watches the event loop that it runs on."""

    def __init__(self, most: int = MOST_IN_A_TURN) -> None:
        """`most` is how many requests may be taken in one turn of the loop while load is shed."""
        self.late = 0.0
        """How late the loop came at the last look, in seconds."""
        self.lags = Histogram()
        """How late it came at every look, in seconds."""
        self.shedding = False
        self.shed = 0
        """How many requests were refused."""
        self.fair_queue = FairQueue()
        """Who waits for a turn of the loop."""
        self._most = most
        self._taken = 0

    @property
    def refuses(self) -> bool:
        """Whether requests that can wait are refused now."""
        return self.shedding or self.fair_queue.is_full

    async def watch(self) -> None:
        """Look until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + LOOK_SECONDS
            await asyncio.sleep(LOOK_SECONDS)
            self.late = max(0.0, loop.time() - due)
            self.lags.observe(self.late)
            self.shedding = self.late > (IN_TIME_SECONDS if self.shedding else LATE_SECONDS)

    def sheds(self, summary: InstanceSummary) -> bool:
        """Tell whether a request of an instance is to be refused now."""
        if not self.shedding or summary.awaited:
            return False
        if self._taken < self._most:
            if self._taken == 0:
                asyncio.get_running_loop().call_soon(self._turn_over)
            self._taken += 1
            return False
        self.shed += 1
        return True

    def _turn_over(self) -> None:
        self._taken = 0
