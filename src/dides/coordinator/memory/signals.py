"""What the services tell each other beside the store: a step is due."""

import asyncio


class Signals:
    """Passes news on, once what it tells of is durable."""

    def __init__(self) -> None:
        self._due = asyncio.Event()

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
