"""Sheds load before it queues: while the event loop comes late, what can wait is refused at once.

How late it comes is how long every request waits, whoever sends it. Heartbeats of instances that nothing is awaited of
are refused first, and cheaply, so that operators and the instances that a rollout waits for go on being served. It ends
as soon as the loop is in time again.
"""

import asyncio

from dides.histogram import Histogram
from dides.model.instance import Brief

LOOK_SECONDS = 0.02
LATE_SECONDS, IN_TIME_SECONDS = 0.1, 0.05
"""When shedding begins, and when it ends."""


class Overload:
    """Watches the event loop that it runs on."""

    def __init__(self) -> None:
        self.late = 0.0
        """How late the loop came at the last look, in seconds."""
        self.lags = Histogram()
        """How late it came at every look, in seconds."""
        self.shedding = False
        self.shed = 0
        """How many requests were refused."""

    async def watch(self) -> None:
        """Look until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + LOOK_SECONDS
            await asyncio.sleep(LOOK_SECONDS)
            self.late = max(0.0, loop.time() - due)
            self.lags.observe(self.late)
            self.shedding = self.late > (IN_TIME_SECONDS if self.shedding else LATE_SECONDS)

    def sheds(self, brief: Brief) -> bool:
        """Tell whether a request of an instance is to be refused now."""
        if not self.shedding or brief.awaited:
            return False
        self.shed += 1
        return True
