"""A store around another one, for tests that put something between the two."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from dides.clock import Clock
from dides.store.base import Store, Transaction
from dides.store.records import Changes
from dides.store.statistics import WriterStatistics

T = TypeVar("T")


class WrappedStore:
    """Passes everything on; a test overrides what it is about."""

    def __init__(self, store: Store) -> None:
        self._store = store

    @property
    def clock(self) -> Clock:
        return self._store.clock

    @property
    def shared(self) -> bool:
        return self._store.shared

    @property
    def behind(self) -> float:
        return self._store.behind

    @property
    def writers(self) -> Sequence[WriterStatistics]:
        return self._store.writers

    async def read(self, work: Callable[[Transaction], T]) -> T:
        return await self._store.read(work)

    async def write(self, work: Callable[[Transaction], T], *, alone: bool = True) -> T:
        return await self._store.write(work, alone=alone)

    async def follow(self, follower: Callable[[Changes], None]) -> None:
        await self._store.follow(follower)

    async def backup(self, file: Path) -> None:
        await self._store.backup(file)

    async def close(self) -> None:
        await self._store.close()
