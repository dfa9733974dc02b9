"""What the services tell each other beside the store: someone was told something; a step is due."""

import asyncio
from collections.abc import Iterable

from dides.coordinator.feed import Feed


class Signals:
    """Passes news on, once what it tells of is durable."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self._due = asyncio.Event()

    def told(self, names: Iterable[str]) -> None:
        """Wake the waiting queries of instances whose desired state was set."""
        self._feed.publish(names)

    def step_due(self) -> None:
        """Wake the reconciler. Calls that come while a step runs are taken together by the next."""
        self._due.set()

    async def wait_for_step(self, seconds: float) -> None:
        """Return when a step is due, after so many seconds at the latest."""
        try:
            async with asyncio.timeout(seconds):
                await self._due.wait()
        except TimeoutError:
            return

    def step_begins(self) -> None:
        """Note that what was due is being taken care of."""
        self._due.clear()
