"""The store of one simulated coordinator: units of work on the shared disk, each with some time before and after."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from types import FunctionType
from typing import Any, TypeVar

from dides.model.errors import UnavailableError
from dides.sim.chance import draws_of
from dides.sim.disk import Disk, PowerCutError
from dides.store.base import Transaction

T = TypeVar("T")
USUAL, SELDOM = 0.004, 0.25
"""Seconds that a unit of work waits at the most, before it runs and before its result is known: usually, and seldom."""


class SimulatedStore:
    """See dides.store.base.Store.

    With `in_order` writes run in the order in which they were asked for, as with one writing thread; without it they
    overtake each other, as they may with connections to a server.
    """

    def __init__(self, disk: Disk, owner: str, seed: int, *, in_order: bool) -> None:
        self.away = False
        """Nothing can be read or written, as when a database is being moved."""
        self.dead = False
        self._disk = disk
        self._owner = owner
        self._identity = (seed, "store", owner)
        self._units = 0
        self._in_order = in_order
        self._free_at = 0.0

    async def read(self, work: Callable[[Transaction], T]) -> T:
        """Run a unit of work that only reads."""
        before, after = self._latency()
        await asyncio.sleep(before)
        self._check()
        result = self._disk.read(name_of(work), work)
        await asyncio.sleep(after)
        return result

    async def write(self, work: Callable[[Transaction], T]) -> T:
        """Run a unit of work in one transaction; it is durable a while before this returns."""
        before, after = self._latency()
        asked = self._disk.next_moment()
        now = asyncio.get_running_loop().time()
        if self._in_order:
            self._free_at = max(now + before, self._free_at + 1e-5)
            before = self._free_at - now
        await asyncio.sleep(before)
        self._check()
        try:
            result = self._disk.write(self._owner, name_of(work), work, asked)
        except PowerCutError:
            raise asyncio.CancelledError from None
        await asyncio.sleep(after)
        return result

    async def backup(self, file: Path) -> None:
        """Write a copy; no simulated operator asks for one."""
        raise NotImplementedError

    async def close(self) -> None:
        """Release nothing: the disk outlives its coordinators."""

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
