"""Open loop: requests at a given rate, whether or not the server keeps up.

Each latency counts from the moment at which the request was meant to be sent, also when it had to wait for a free
connection or for the generator, so that a server that stalls is not asked less and does not look better for it.
"""

import asyncio
from collections import deque
from collections.abc import Iterator
from time import perf_counter

from load.connection import Connection, connect, connect_all
from load.quiet import own_cpu, without_collection
from load.tally import Outcome, Tally

TICK = 0.001
"""Seconds between two looks at the clock; what this adds to a latency is counted as lag."""
PATIENCE = 10.0
"""Seconds that a request waits for its answer after the end."""
AT_ONCE = 200
"""How many requests are sent before answers are looked at again, also when the generator itself is late."""
REOPEN_PAUSE = 0.1


async def open_loop(
    urls: list[str],
    requests: Iterator[bytes],
    arrivals: Iterator[float],
    *,
    connections: int,
    seconds: float,
    patience: float = PATIENCE,
) -> Outcome:
    """Send requests when `arrivals` says so, for so many seconds, and return what came back.

    A request that has waited for a free connection for more than `patience` seconds is given up.
    """
    run = _Run(urls, requests, patience)
    run.idle.extend(await connect_all(urls, [_Sender(run, number) for number in range(connections)]))
    with without_collection():
        begun, cpu = perf_counter(), own_cpu()
        await run.send_all(arrivals, begun, seconds)
        await run.drain()
        outcome = run.tally.outcome(begun, max(run.last - begun, seconds), own_cpu() - cpu)
    await run.close()
    return outcome


class _Run:
    """The free connections, and the requests that wait for one."""

    def __init__(self, urls: list[str], requests: Iterator[bytes], patience: float) -> None:
        self.urls = urls
        self.patience = patience
        self.requests = requests
        self.tally = Tally()
        self.idle: deque[_Sender] = deque()
        self.under_way: set[_Sender] = set()
        self.last = 0.0
        self._waiting: deque[float] = deque()
        self._again: set[asyncio.Task[None]] = set()
        self._closing = False

    async def send_all(self, arrivals: Iterator[float], begun: float, seconds: float) -> None:
        """Send what is due, tick by tick, until the time is over."""
        until = begun + seconds
        due = begun + next(arrivals)
        while due < until:
            now, sent = perf_counter(), 0
            while due <= now and due < until and sent < AT_ONCE:
                self._arrive(due, now)
                due, sent = begun + next(arrivals), sent + 1
            self._give_up(now - self.patience)
            await asyncio.sleep(TICK if sent < AT_ONCE else 0)

    async def drain(self) -> None:
        """Wait until all is answered, or patience ends."""
        until = perf_counter() + PATIENCE
        while (self.under_way or self._waiting) and perf_counter() < until:
            self._give_up(perf_counter() - self.patience)
            await asyncio.sleep(TICK)
        self.tally.unanswered += len(self.under_way)
        self.tally.given_up += len(self._waiting)
        self._waiting.clear()

    def free(self, sender: "_Sender") -> None:
        """Take a connection back, and use it at once if a request waits."""
        self.under_way.discard(sender)
        if self._waiting:
            self._send(sender, self._waiting.popleft())
        else:
            self.idle.append(sender)

    def replace(self, sender: "_Sender") -> None:
        """Open another connection instead of a lost one."""
        self.under_way.discard(sender)
        if not self._closing:
            task = asyncio.create_task(self._reopen(sender.number))
            self._again.add(task)
            task.add_done_callback(self._again.discard)

    async def close(self) -> None:
        """Close every connection."""
        self._closing = True
        for task in list(self._again):
            task.cancel()
        for sender in [*self.idle, *self.under_way]:
            sender.close()
        await asyncio.sleep(TICK)

    def _arrive(self, due: float, now: float) -> None:
        self.tally.offered += 1
        self.tally.lag.append(now - due)
        while self.idle:
            sender = self.idle.popleft()
            if sender.is_open:
                self._send(sender, due)
                return
        self._waiting.append(due)

    def _send(self, sender: "_Sender", due: float) -> None:
        self.under_way.add(sender)
        sender.send(next(self.requests), due)

    def _give_up(self, before: float) -> None:
        while self._waiting and self._waiting[0] < before:
            self._waiting.popleft()
            self.tally.given_up += 1

    async def _reopen(self, number: int) -> None:
        while True:
            try:
                sender = await connect(self.urls[number % len(self.urls)], _Sender(self, number))
            except OSError:
                await asyncio.sleep(REOPEN_PAUSE)
            else:
                self.free(sender)
                return


class _Sender(Connection):
    """A connection that sends what it is given."""

    def __init__(self, run: _Run, number: int) -> None:
        super().__init__()
        self.number = number
        self._run = run
        self._due = 0.0
        self._waits = False

    def send(self, request: bytes, due: float) -> None:
        """Send a request that was meant to be sent when `due`."""
        self._due = due
        self._waits = True
        self.write(request)

    def answered(self, answer: bytes) -> None:
        """Count the answer and be free again."""
        now = perf_counter()
        self._waits = False
        self._run.last = now
        self._run.tally.note(answer, now - self._due)
        self._run.free(self)

    def lost(self) -> None:
        """Count it if an answer was due, and be replaced."""
        if self._waits:
            self._run.tally.lost += 1
        self._run.replace(self)
