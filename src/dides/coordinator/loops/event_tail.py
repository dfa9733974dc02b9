"""Follows the event log for those who listen to it: dashboards, and whoever else keeps a stream open.

One look at the log serves all of them: it is read on from where it was left, a few times a second and only while
somebody listens, and its newest events are kept. Since every coordinator reads the same log, a stream that ends at one
of them can go on at another.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from itertools import takewhile

from dides.model.errors import UnavailableError
from dides.store.interface import Store
from dides.store.records import Event

LOOK_SECONDS = 0.2
"""How long events wait to be noticed."""
PIECE = 500
"""Events that are read, or handed on, at once."""
KEPT = 2000
"""The newest events that are kept in memory; whoever is further behind reads the log."""


class Tail:
    """The end of the event log, on one event loop."""

    def __init__(self, store: Store) -> None:
        self.listeners = 0
        """How many listen now."""
        self._store = store
        self._closed = False
        self._kept: deque[Event] = deque(maxlen=KEPT)
        self._newest: int | None = None
        """The id of the newest event that was looked at; None while nobody looks."""
        self._trouble: UnavailableError | None = None
        """Why the last look failed."""
        self._begun = self._ended = 0
        """How many looks."""
        self._wanted = asyncio.Event()
        self._moved = asyncio.Event()
        self._looked = asyncio.Event()

    async def follow(
        self, last: int | None, deployment_id: int | None, patience: float
    ) -> AsyncGenerator[tuple[int, list[Event]], None]:
        """Yield the events after `last` (None: those yet to come), of one deployment or of all, as they happen.

        Each piece comes with the id to go on from should this end, which it does at a stop; it is empty at first, and
        when nothing has happened for `patience` seconds. UnavailableError as soon as the log cannot be read.
        """
        self.listeners += 1
        self._wanted.set()
        try:
            at = await self._begin(last)
            if not self._closed:
                yield at, []
            while not self._closed:
                moved = self._moved
                at, found = await self._beyond(at, deployment_id)
                if found:
                    yield at, found
                elif not await _is_set(moved, patience):
                    yield at, []
                self._check()
        finally:
            self.listeners -= 1

    async def run(self) -> None:
        """Look for new events while anybody listens, until cancelled. UnavailableError."""
        while True:
            await self._wanted.wait()
            await self._look()
            await asyncio.sleep(LOOK_SECONDS)
            if not self.listeners:
                self._wanted.clear()
                self._newest = None

    def close(self) -> None:
        """End every stream now, and those that are begun later at once."""
        self._closed = True
        self._move()
        self._looked.set()

    async def _look(self) -> None:
        """Take up what has happened since the last look, or that it cannot be known."""
        self._begun += 1
        self._trouble = None
        try:
            await self._take_up()
        except UnavailableError as error:
            self._trouble = error
            self._move()
            raise
        finally:
            self._ended = self._begun
            self._looked.set()
            self._looked = asyncio.Event()

    async def _take_up(self) -> None:
        if self._newest is None or await self._is_put_back(self._newest):
            self._kept.clear()
            self._newest = await self._end()
            self._move()
        while found := await self._read(self._newest, None):
            self._kept.extend(found)
            self._newest = found[-1].id
            self._move()

    async def _is_put_back(self, newest: int) -> bool:
        """Tell whether the log ends before what was read of it, as after the database was put back to an older copy."""
        return await self._end() < newest

    async def _end(self) -> int:
        found = await self._store.read(lambda tx: tx.events.page(None, None, 1, newest_first=True))
        return found[0].id if found else 0

    async def _read(self, after: int, deployment_id: int | None) -> list[Event]:
        return await self._store.read(lambda tx: tx.events.page(deployment_id, after, PIECE))

    async def _begin(self, last: int | None) -> int:
        """Return the id to go on from after `last`: that, unless the log ends before it."""
        if self._newest is None or self._trouble or (last or 0) > self._newest:
            # What was seen last at another coordinator may be newer than what has been looked at here.
            await self._next_look()
        newest = self._newest or 0
        return newest if last is None else min(last, newest)

    async def _next_look(self) -> None:
        """Wait for the end of a look that begins from now on."""
        wanted = self._begun + 1
        while self._ended < wanted and not self._closed:
            await self._looked.wait()
        self._check()

    def _check(self) -> None:
        if self._trouble:
            raise UnavailableError(self._trouble.detail)

    async def _beyond(self, last: int, deployment_id: int | None) -> tuple[int, list[Event]]:
        """Return the next events after `last`, and from where to go on: never beyond what has been looked at."""
        newest = self._newest or 0
        if last >= newest:
            return newest, []
        if self._kept and last >= self._kept[0].id - 1:
            later = list(takewhile(lambda event: event.id > last, reversed(self._kept)))
            found = [event for event in reversed(later) if deployment_id in (None, event.deployment_id)][:PIECE]
        else:
            found = [event for event in await self._read(last, deployment_id) if event.id <= newest]
        return found[-1].id if len(found) == PIECE else newest, found

    def _move(self) -> None:
        """Wake those who wait."""
        self._moved.set()
        self._moved = asyncio.Event()


async def _is_set(event: asyncio.Event, seconds: float) -> bool:
    """Wait for an event; return False when it has not come in so many seconds."""
    try:
        async with asyncio.timeout(seconds):
            return await event.wait()
    except TimeoutError:
        return False
