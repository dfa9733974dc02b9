"""The store of one simulated coordinator: units of work on the shared disk, each with some time before and after."""

import asyncio
import math
from collections import deque
from collections.abc import Callable, Sequence
from contextvars import Context, copy_context
from functools import partial
from pathlib import Path
from types import FunctionType
from typing import Any, Never, TypeVar

from dides.model.errors import OutcomeUnknownError, UnavailableError
from dides.store.interface import Transaction
from dides.store.records import Changes, MustBeAloneError
from simulator.base.clock import VirtualClock
from simulator.base.disk import Disk, PowerCutError
from simulator.base.random_streams import draws_of

T = TypeVar("T")
Follower = Callable[[Changes], None]
USUAL, SELDOM = 0.004, 0.25
"""Seconds that a unit of work waits at the most, before it runs and before its result is known: usually, and seldom."""
NEWS = 0.2
"""Seconds until others hear of a change, at the most."""


class SimulatedStore:
    """See dides.store.interface.Store.

    With `in_order` writes run in the order in which they were asked for, as with one writing thread; without it they
    overtake each other, as they may with connections to a server, and only then may one not be alone.
    """

    def __init__(self, disk: Disk, clock: VirtualClock, owner: str, seed: int, *, in_order: bool, shared: bool) -> None:
        self.clock = clock
        self.shared = shared
        self.writers = ()
        self.away = False
        """Nothing can be read or written, as when a database is being moved."""
        self.dead = False
        self._disk = disk
        self.owner = owner
        self._identity = (seed, "store", owner)
        self._units = 0
        self._news = 0
        self._gone: set[int] = set()
        self._in_order = in_order
        self._free_at = 0.0
        self._lost: deque[bool] = deque()
        """Of the next commits whose outcome this coordinator never learns, whether they are done."""
        self._asks_for = 0.0
        self._unsure = False
        """It is not known of the unit of work under way whether it is committed."""
        self._broken_at: float | None = None
        """Since when the feed is broken, by the loop's time; None while it is not."""
        self._mended_at = -math.inf
        self._held: list[Callable[[], None]] = []
        """What there is to tell once the feed is mended."""
        self._follower: tuple[Follower, Context] | None = None
        self._everything = self._closed = False

    @property
    def behind(self) -> float:
        """How many seconds old the newest news is of what others have written."""
        if self._closed:
            return math.inf
        return 0.0 if self._broken_at is None else asyncio.get_running_loop().time() - self._broken_at

    @property
    def heard_since(self) -> float:
        """Since when, by the loop's time, the feed works; now, while it is broken."""
        return self._mended_at if self._broken_at is None else asyncio.get_running_loop().time()

    async def read(self, work: Callable[[Transaction], T]) -> T:
        """Run a unit of work that only reads."""
        before, after = self._latency()
        await asyncio.sleep(before)
        self._check()
        result = self._disk.read(name_of(work), work)
        await asyncio.sleep(after)
        return result

    async def write(self, work: Callable[[Transaction], T], *, alone: bool = True) -> T:
        """Run a unit of work in one transaction; it is durable a while before this returns."""
        asked = self._disk.next_moment()
        try:
            return await self._write(work, asked, alone=alone or self._in_order)
        except MustBeAloneError:
            return await self._write(work, asked, alone=True)

    async def _write(self, work: Callable[[Transaction], T], asked: int, *, alone: bool) -> T:
        before, after = self._latency()
        now = asyncio.get_running_loop().time()
        if self._in_order:
            self._free_at = max(now + before, self._free_at + 1e-5)
            before = self._free_at - now
        await asyncio.sleep(before)
        self._check()
        if self._lost:
            await self._lose(work, asked, alone=alone)
        result = self._commit(work, asked, alone=alone)
        await asyncio.sleep(after)
        return result

    def _commit(self, work: Callable[[Transaction], T], asked: int, *, alone: bool) -> T:
        try:
            return self._disk.write(self.owner, name_of(work), work, asked, alone=alone)
        except PowerCutError:
            raise asyncio.CancelledError from None

    async def _lose(self, work: Callable[[Transaction], T], asked: int, *, alone: bool) -> Never:
        """Run a unit of work, or do not, and never learn which; what it has changed is news even to its coordinator."""
        if self._lost.popleft():
            self._unsure = True
            try:
                self._commit(work, asked, alone=alone)
            finally:
                self._unsure = False
        self._free_at = asyncio.get_running_loop().time() + self._asks_for
        await asyncio.sleep(self._asks_for)
        raise OutcomeUnknownError("the connection broke in the middle of a commit")

    def lose_outcomes(self, commits: Sequence[bool], seconds: float) -> None:
        """Never learn of the next commits whether they were done, each as it is said; ask for so many seconds."""
        self._lost, self._asks_for = deque(commits), seconds

    def break_feed(self, *, everything: bool) -> None:
        """Hear of nothing that others write until `mend_feed`; `everything`: and then of every instance."""
        if self._broken_at is None:
            self._broken_at = asyncio.get_running_loop().time()
        self._everything = everything

    def mend_feed(self) -> None:
        """Hear of what others have written meanwhile, and of what they write from now on."""
        if self._broken_at is None:
            return
        self._broken_at, self._mended_at = None, asyncio.get_running_loop().time()
        held, self._held = self._held, []
        for broadcast in held:
            broadcast()
        if self._everything and self._follower:
            follower, context = self._follower
            self._pass_on(follower, context, Changes(self._disk.summaries(), []))

    def heal(self) -> None:
        """End all that gets in the way."""
        self.away = False
        self._lost.clear()
        self.mend_feed()

    async def follow(self, follower: Follower) -> None:
        """Tell of every instance, then of every change: its own at once, those of others a while later."""
        before, after = self._latency()
        await asyncio.sleep(before)
        self._check()
        self._follower = follower, copy_context()
        self._disk.hearings[self.owner] = partial(self._hear, *self._follower)
        follower(Changes(self._disk.summaries(), []))
        await asyncio.sleep(after)

    def _hear(self, follower: Follower, context: Context, by: str, changes: Changes) -> None:
        """Pass on what somebody has changed. What others did is told in any order, as far as that is allowed."""
        if by == self.owner and not self._unsure:
            self._gone.update(number for number, _ in changes.gone)
            follower(changes)
            return
        self._news += 1
        seed, *rest = self._identity
        delay = draws_of(seed, *rest, "news", self._news)[0] * NEWS
        delay += self._asks_for if by == self.owner else 0
        asyncio.get_running_loop().call_later(delay, self._broadcast, follower, context, changes)

    def _broadcast(self, follower: Follower, context: Context, changes: Changes) -> None:
        loop = asyncio.get_running_loop()
        if self.away:
            loop.call_later(NEWS, self._broadcast, follower, context, changes)
        elif self._broken_at is not None:
            self._held.append(partial(self._broadcast, follower, context, changes))
        elif not self.dead:
            self._pass_on(follower, context, changes)

    def _pass_on(self, follower: Follower, context: Context, changes: Changes) -> None:
        if not self.dead:
            self._gone.update(number for number, _ in changes.gone)
            known = [summary for summary in changes.summaries if summary.id not in self._gone]
            # As a callback of its own process, it waits while that stands still.
            asyncio.get_running_loop().call_soon(follower, Changes(known, changes.gone), context=context)

    async def backup(self, file: Path) -> None:
        """Write a copy; no simulated operator asks for one."""
        raise NotImplementedError

    async def close(self) -> None:
        """Follow no more; the disk outlives its coordinators."""
        self._closed = True
        self._disk.hearings.pop(self.owner, None)

    def _latency(self) -> tuple[float, float]:
        self._units += 1
        seed, *rest = self._identity
        chance, before, after, *_ = draws_of(seed, *rest, self._units)
        longest = SELDOM if chance < 0.03 else USUAL
        return before * longest, after * longest

    def _check(self) -> None:
        if self.dead:
            raise UnavailableError("this coordinator is gone")
        if self.away:
            raise UnavailableError("the database is away")


def name_of(work: Callable[..., Any]) -> str:
    """Return the name of a unit of work: its own, or for a lambda that of the method in which it was made first."""
    for cell in getattr(work, "__closure__", None) or ():
        inner = cell.cell_contents
        if isinstance(inner, FunctionType):
            return name_of(inner)
    parts = [part for part in getattr(work, "__qualname__", "unnamed").split(".") if not part.startswith("<")]
    return parts[-1].lstrip("_")
