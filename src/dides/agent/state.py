"""What the parts of an agent share: where the instance stands, and what it was told last."""

import asyncio

import msgspec
import structlog

from dides.agent.errors import StateDirectoryError
from dides.agent.persisted import Memory, Standing
from dides.agent.report import Verdict, compose
from dides.agent.statedir import StateDirectory
from dides.protocol.messages import Directive, Heartbeat

log: structlog.typing.FilteringBoundLogger = structlog.get_logger()
USUAL_INTERVAL = 10.0
"""Seconds between checks, and between heartbeats for as long as nobody has said anything else."""
SHORTEST_INTERVAL = 0.1
LONGEST_INTERVAL = 3600.0


class Situation:
    """The present of one instance. Whatever changes its heartbeat, or how often it is sent, sets `stirred`."""

    def __init__(self, memory: Memory, directory: StateDirectory, longest: float | None) -> None:
        """Begin with what is remembered. `longest` is the longest time between heartbeats, and checks, in seconds.

        None leaves it to the coordinator how often the instance reports.
        """
        self.memory = memory
        self.interval = longest or USUAL_INTERVAL
        """Seconds between heartbeats."""
        self.seen = memory.standing.generation or 0
        """The generation that the coordinator named last; the blocking query waits for one above it."""
        self.stirred = asyncio.Event()
        self.settled = asyncio.Event()
        """Set once there is something true to report: a first check, or an apply."""
        self._longest_interval = longest
        self._directory = directory
        self._verdict: Verdict | None = None
        self._directed: asyncio.Queue[Directive] = asyncio.Queue(maxsize=1)
        self._note(None)

    @property
    def standing(self) -> Standing:
        """How far the instance has come."""
        return self.memory.standing

    @property
    def check_interval(self) -> float:
        """Seconds between checks: a coordinator with much to do may ask for few reports, but not for few checks."""
        return min(self.interval, self._longest_interval or USUAL_INTERVAL)

    def heartbeat(self) -> Heartbeat:
        """Return what there is to report now."""
        return compose(self.standing, self._verdict)

    def stand(self, standing: Standing, verdict: Verdict | None) -> None:
        """Take over a standing and the verdict of the last check on it, and write the standing to the disk.

        Raises StateDirectoryError when it cannot be written; the standing then holds until the agent ends.
        """
        before = self.heartbeat()
        self.memory = msgspec.structs.replace(self.memory, standing=standing)
        self._verdict = verdict
        self._note(before)
        self._directory.save(self.memory)

    def judge(self, verdict: Verdict) -> None:
        """Take over the verdict of a check."""
        before = self.heartbeat()
        self._verdict = verdict
        self._note(before)

    def adopt(self, standing: Standing) -> None:
        """Take over a standing with which nothing was applied."""
        try:
            self.stand(standing, self._verdict)
        except StateDirectoryError as error:
            log.warning("cannot write down the generation; it is taken over again after a restart", error=str(error))

    def admit(self, credential: str) -> None:
        """Keep the credential that the coordinator gave at registration."""
        if credential == self.memory.credential:
            return
        self.memory = msgspec.structs.replace(self.memory, credential=credential)
        try:
            self._directory.save(self.memory)
        except StateDirectoryError as error:
            log.warning("cannot write down the credential; it is lost when the agent ends", error=str(error))

    def hear(self, directive: Directive) -> None:
        """Take in an answer of the coordinator; only the newest one waits to be decided about."""
        self.seen = directive.generation
        self.pace(directive.heartbeat_interval)
        if self._directed.full():
            self._directed.get_nowait()
        self._directed.put_nowait(directive)

    def pace(self, asked: float) -> None:
        """Report as often as the coordinator asks (seconds between heartbeats), from now on."""
        interval = max(SHORTEST_INTERVAL, min(self._longest_interval or LONGEST_INTERVAL, asked))
        if interval != self.interval:
            self.interval = interval
            self.stirred.set()

    async def next_directive(self) -> Directive:
        """Wait for an answer that was not decided about yet."""
        return await self._directed.get()

    def newer_than(self, directive: Directive) -> Directive:
        """Return the answer that has come since one was taken, or that one if none has."""
        return directive if self._directed.empty() else self._directed.get_nowait()

    def _note(self, before: Heartbeat | None) -> None:
        if self._verdict is not None or self.standing.dirty:
            self.settled.set()
        if self.heartbeat() != before:
            self.stirred.set()
