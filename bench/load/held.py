"""Instances that only wait: each holds a blocking query on a connection of its own, and asks again once answered."""

import asyncio
import re
from collections.abc import Callable, Iterable
from time import perf_counter

from load.connection import Connection, connect_all
from load.fleet import Fleet
from load.tally import SHED, LoadError
from load.wire import status_of

_GENERATION = re.compile(rb'"generation":(\d+)')
RETRY_SECONDS = 1.0
PATIENCE = 120.0
LOOK = 0.01


class Holders:
    """So many instances of a fleet. Times are seconds of this process's monotonic clock."""

    def __init__(self, url: str, fleet: Fleet, numbers: Iterable[int]) -> None:
        self.fleet = fleet
        self.heard: list[float] = []
        """When news came since `forget`, of each that heard some."""
        self.answers = 0
        """How many answers came since then, with news or without."""
        self.turned_away = 0
        self.leaving = False
        """True once the coordinator may hang up, and nobody asks again."""
        self.wrong: list[bytes] = []
        """Answers that nobody should get; empty ones stand for connections that were lost."""
        self._url = url
        self._all = [_Holder(self, number) for number in numbers]

    def __len__(self) -> int:
        return len(self._all)

    async def connect(self) -> None:
        """Open the connections, and ask nothing yet."""
        await connect_all([self._url], self._all)

    def ask(self) -> None:
        """Let everyone ask."""
        for each in self._all:
            each.ask()

    def forget(self) -> None:
        """Begin to count anew."""
        self.heard, self.answers = [], 0

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for a condition. LoadError when something went wrong, or after PATIENCE seconds."""
        end = perf_counter() + PATIENCE
        while not condition():
            if self.wrong or perf_counter() > end:
                raise LoadError(f"{len(self.heard)} of {len(self)} have heard news; {self.wrong[:3]}")
            await asyncio.sleep(LOOK)

    def close(self) -> None:
        """Hang up."""
        self.leaving = True
        for each in self._all:
            each.close()


class _Holder(Connection):
    def __init__(self, holders: Holders, number: int) -> None:
        super().__init__()
        self._holders = holders
        self._number = number
        self._generation = 0

    def ask(self) -> None:
        """Ask for what is newer than what it knows of."""
        if self.is_open and not self._holders.leaving:
            self.write(self._holders.fleet.query(self._number, self._generation))

    def answered(self, answer: bytes) -> None:
        """Note news, and ask again."""
        now, told, found = perf_counter(), self._holders, _GENERATION.search(answer)
        told.answers += 1
        if status_of(answer) == 200 and found:
            if int(found[1]) > self._generation:
                told.heard.append(now)
            self._generation = int(found[1])
            self.ask()
        elif status_of(answer) in SHED:
            told.turned_away += 1
            asyncio.get_running_loop().call_later(RETRY_SECONDS, self.ask)
        else:
            told.wrong.append(answer)

    def lost(self) -> None:
        """Nobody should be hung up on but at the end."""
        if not self._holders.leaving:
            self._holders.wrong.append(b"")
