"""A store around another one, for tests that put something between the two."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from dides.model.errors import UnavailableError
from dides.runtime.clock import Clock
from dides.store.interface import Store, Transaction
from dides.store.records import Changes
from dides.store.writer_metrics import WriterStatistics

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


class AwayStore(WrappedStore):
    """A store whose database can be taken away."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.away = False

    async def read(self, work: Callable[[Transaction], T]) -> T:
        return await self._unless_away().read(work)

    async def write(self, work: Callable[[Transaction], T], *, alone: bool = True) -> T:
        return await self._unless_away().write(work, alone=alone)

    async def follow(self, follower: Callable[[Changes], None]) -> None:
        await self._unless_away().follow(follower)

    def _unless_away(self) -> Store:
        if self.away:
            raise UnavailableError("the database cannot be reached: it was taken away")
        return self._store


class FullStore(AwayStore):
    """A store whose disk can be full: it can be read, and not written."""

    async def read(self, work: Callable[[Transaction], T]) -> T:
        return await self._store.read(work)
