"""Closed loop: so many connections, each of which sends its next request when the last one is answered.

It finds what a server can do at most. Its latencies say little: the slower the server, the less it is asked.
"""

import asyncio
from collections.abc import Iterator
from time import perf_counter

from load.connection import Connection, connect, connect_all
from load.quiet import own_cpu, without_collection
from load.tally import Outcome, Tally

PATIENCE = 30.0
"""Seconds to wait for the last answers."""


async def closed_loop(urls: list[str], requests: Iterator[bytes], *, connections: int, seconds: float) -> Outcome:
    """Ask for so many seconds over so many connections, and return what came back."""
    run = _Run(requests, urls)
    askers = await connect_all(urls, [_Asker(run, number) for number in range(connections)])
    with without_collection():
        begun, cpu = perf_counter(), own_cpu()
        run.until = begun + seconds
        for asker in askers:
            asker.ask(perf_counter())
        await run.wait(connections)
        outcome = run.tally.outcome(begun, run.last - begun, own_cpu() - cpu)
    for asker in askers:
        asker.close()
    return outcome


class _Run:
    """What the connections of one run share."""

    def __init__(self, requests: Iterator[bytes], urls: list[str]) -> None:
        self.urls = urls
        self.requests = requests
        self.tally = Tally()
        self.until = 0.0
        self.last = 0.0
        self._done: asyncio.Queue[None] = asyncio.Queue()
        self._again: set[asyncio.Task[None]] = set()

    async def wait(self, connections: int) -> None:
        """Wait until every connection has its last answer."""
        try:
            async with asyncio.timeout(self.until - perf_counter() + PATIENCE):
                for _ in range(connections):
                    await self._done.get()
        except TimeoutError:
            self.tally.unanswered += connections

    def finish(self, now: float) -> None:
        """Note that a connection has its last answer."""
        self.last = max(self.last, now)
        self._done.put_nowait(None)

    def replace(self, number: int) -> None:
        """Open a lost connection again."""
        task = asyncio.create_task(self._reopen(number))
        self._again.add(task)
        task.add_done_callback(self._again.discard)

    async def _reopen(self, number: int) -> None:
        try:
            asker = await connect(self.urls[number % len(self.urls)], _Asker(self, number))
        except OSError:
            self.finish(perf_counter())
        else:
            asker.ask(perf_counter())


class _Asker(Connection):
    """A connection that asks again and again."""

    def __init__(self, run: _Run, number: int) -> None:
        super().__init__()
        self._run = run
        self._number = number
        self._sent_at = 0.0
        self._waits = False

    def ask(self, now: float) -> None:
        """Send the next request."""
        self._sent_at = now
        self._waits = True
        self._run.tally.offered += 1
        self.write(next(self._run.requests))

    def answered(self, answer: bytes) -> None:
        """Count the answer and go on, unless the time is over."""
        now = perf_counter()
        self._waits = False
        self._run.tally.note(answer, now - self._sent_at)
        if now >= self._run.until:
            self._run.finish(now)
        elif self.is_open:
            self.ask(now)
        else:
            self._run.replace(self._number)

    def lost(self) -> None:
        """Count it if an answer was due, and go on with a new connection."""
        if self._waits:
            self._run.tally.lost += 1
            self._run.replace(self._number)
