"""The way in for heartbeats: those that change nothing are noted in memory, the others are written together."""

import asyncio
from collections.abc import Sequence

import structlog
from msgspec import UNSET

from dides.coordinator.loops.outage import OutageDetection
from dides.coordinator.memory.instance_cache import InstanceCache
from dides.coordinator.memory.last_seen import LastSeen
from dides.coordinator.memory.sequences import Sequences
from dides.coordinator.memory.signals import Signals
from dides.coordinator.transactions.flapping import Flapping
from dides.coordinator.transactions.ingest import Incoming, Ingested, Memory, changes_nothing, ingest_batch
from dides.model.errors import BusyError, NotFoundError, RefusedError, StoodStillError
from dides.model.instance import InstanceSummary
from dides.protocol.messages import Heartbeat
from dides.runtime.histogram import SIZES, Histogram
from dides.store.interface import Store, Transaction

log = structlog.get_logger()
LARGEST_BATCH = 500
MOST_WAITING = 10 * LARGEST_BATCH
"""Heartbeats that wait to be written; more are refused, because they would wait for longer than their senders do."""
Waiting = tuple[Incoming, "asyncio.Future[InstanceSummary]", float]
"""A heartbeat, where its answer goes, and when it came, by the event loop's time."""


class Heartbeats:
    """Takes heartbeats. One that has been answered is durable, or says what is stored already."""

    def __init__(
        self,
        store: Store,
        instance_cache: InstanceCache,
        signals: Signals,
        last_seen: LastSeen,
        outage_detection: OutageDetection,
        flapping: Flapping,
    ) -> None:
        self.unchanged = 0
        """How many have changed nothing."""
        self.written = 0
        """How many were written."""
        self.batches = Histogram(SIZES)
        """How many were written together."""
        self.durations = Histogram()
        """Seconds from the receipt of a heartbeat until it was durable."""
        self._store = store
        self._instance_cache = instance_cache
        self._signals = signals
        self._last_seen = last_seen
        self._sequences = Sequences()
        self._outage_detection = outage_detection
        self._flapping = flapping
        self._awaited: list[Waiting] = []
        self._waiting: list[Waiting] = []
        self._in_line: set[str] = set()
        """The instances of which heartbeats wait or are being written."""
        self._writing: asyncio.Task[None] | None = None

    @property
    def waiting(self) -> int:
        """How many wait to be written."""
        return len(self._awaited) + len(self._waiting)

    def accept_unchanged(self, summary: InstanceSummary, heartbeat: Heartbeat, at_ms: int) -> bool:
        """Take a heartbeat (received at `at_ms`) that changes nothing; return whether it was one.

        One that comes while an earlier one of its sender is being written may change what that one says. One that
        comes after a later one of its sender does not count as seen.
        """
        if self._is_late(summary, heartbeat):
            self.unchanged += 1
            return True
        if summary.name in self._in_line or not changes_nothing(summary, heartbeat):
            return False
        self._note(summary.id, heartbeat, at_ms)
        self.unchanged += 1
        return True

    def resubmit(self, known: InstanceSummary, now: InstanceSummary) -> None:
        """Report once more what an instance has reported here, if that is newer than what has come from elsewhere.

        Two coordinators that hear of one instance within milliseconds may each have taken its heartbeat for one that
        changes nothing, by what they knew then. Whoever declared the instance unreachable knew when it had been heard
        of last, though perhaps no number of a report that changed nothing.
        """
        if now.name in self._in_line:
            return  # What is being written came later.
        at_ms, sequence = self._last_seen.own(known.id), self._last_sequence(known)
        numbered = sequence and now.reachable
        is_newer = sequence > now.sequence if numbered else at_ms > (now.last_heartbeat_at or 0)
        if not is_newer or known.id != now.id or not known.reachable or (sequence and known.session != now.session):
            return
        if (known.status, known.current, known.message) == (now.status, now.current, now.message):
            return
        said = Heartbeat(
            status=known.status,
            code_version=known.current.code_version,
            configuration_version=known.current.configuration_version,
            message=known.message,
            observed=UNSET if known.observed is None else known.observed,
            session=known.session if known.session and sequence else UNSET,
            sequence=sequence or UNSET,
        )
        self._enqueue(Incoming(known.name, said, at_ms, again=True))

    def _last_sequence(self, known: InstanceSummary) -> int:
        """Return the number of the last report that was taken here; 0 where it had none, or there was none."""
        return self._sequences.last(known.id, known.session) if known.session else 0

    def forget(self, instance_id: int) -> None:
        """Forget an instance that is gone."""
        self._last_seen.forget(instance_id)
        self._sequences.forget(instance_id)

    def resubmit_alive(self, summary: InstanceSummary) -> None:
        """Take in that an instance lives that was heard of while it was being declared unreachable."""
        self._enqueue(Incoming(summary.name, Heartbeat(), self._last_seen.own(summary.id), again=True))

    def queue(self, incoming: Incoming, *, awaited: bool = False) -> "asyncio.Future[InstanceSummary]":
        """Put a heartbeat in line; the future gives what is known of its sender once it is durable.

        Raises BusyError when too many wait already; the future raises NotFoundError when there is no such instance any
        more, UnavailableError when nothing was stored. One that is `awaited`, by a rollout, goes before those that are
        not.
        """
        if not awaited and len(self._waiting) >= MOST_WAITING:
            raise BusyError
        # Never before an earlier one of the same sender.
        return self._enqueue(incoming, first=awaited and incoming.name not in self._in_line)

    def refuse_waiting(self) -> None:
        """Refuse what waits to be written: this process has stood still since it came, and newer may be known."""
        again = [entry for entry in (*self._awaited, *self._waiting) if entry[0].again]
        _fail_all([entry for entry in (*self._awaited, *self._waiting) if not entry[0].again], StoodStillError())
        self._awaited, self._waiting = [], again

    async def ingest(self, incoming: Incoming, *, awaited: bool = False) -> InstanceSummary:
        """Store a heartbeat and return what is known of its sender afterwards. Raises as `queue` and its future do."""
        return await self.queue(incoming, awaited=awaited)

    def _enqueue(self, incoming: Incoming, *, first: bool = False) -> "asyncio.Future[InstanceSummary]":
        loop = asyncio.get_running_loop()
        answered: asyncio.Future[InstanceSummary] = loop.create_future()
        (self._awaited if first else self._waiting).append((incoming, answered, loop.time()))
        self._in_line.add(incoming.name)
        if self._writing is None:
            self._writing = asyncio.create_task(self._write_all())
        return answered

    async def _write_all(self) -> None:
        try:
            while line := [*self._awaited, *self._waiting]:
                batch, self._awaited, self._waiting = line[:LARGEST_BATCH], [], line[LARGEST_BATCH:]
                await self._write(batch)
                self._in_line = {incoming.name for incoming, *_ in (*self._awaited, *self._waiting)}
        finally:
            self._writing = None

    async def _write(self, batch: list[Waiting]) -> None:
        incoming = [heartbeat for heartbeat, *_ in batch]
        try:
            taken = await self._store.write(lambda tx: self._ingest_batch(tx, incoming), alone=False)
        except RefusedError as error:
            _fail_all(batch, error)
            return
        except Exception as error:
            # A mistake of ours; nobody may be left waiting for an answer that will not come.
            log.exception("heartbeats could not be taken in", number=len(batch))
            _fail_all(batch, error)
            return
        self._flapping.note(taken.news)
        self._count(batch)
        self._answer(batch, taken)
        if taken.step_due:
            self._signals.step_due()

    def _ingest_batch(self, tx: Transaction, incoming: Sequence[Incoming]) -> Ingested:
        self._outage_detection.record_alive_beside(tx)
        memory = Memory(
            self._outage_detection.allowed_ms, self._last_seen.last, self._sequences.last, self._flapping.sift
        )
        return ingest_batch(tx, incoming, memory)

    def _count(self, batch: list[Waiting]) -> None:
        """Count a batch that is durable; what the coordinator has repeated by itself was not received."""
        self.batches.observe(len(batch))
        now = asyncio.get_running_loop().time()
        for incoming, _, came in batch:
            if not incoming.again:
                self.written += 1
                self.durations.observe(now - came)

    def _answer(self, batch: list[Waiting], taken: Ingested) -> None:
        for incoming, answered, _ in batch:
            summary = self._instance_cache.get(incoming.name)
            stored = taken.instances.get(incoming.name)
            if stored is None or summary is None or incoming.instance_id not in (None, stored.id):
                _fail(incoming, answered, NotFoundError(f"There is no instance {incoming.name}."))
                continue
            if (newest := taken.newest.get(incoming.name)) is incoming:
                self._note(summary.id, newest.heartbeat, newest.at_ms)
            if not answered.done():
                answered.set_result(summary)

    def _is_late(self, summary: InstanceSummary, heartbeat: Heartbeat) -> bool:
        """Tell whether a later heartbeat of the same process was received before."""
        session, sequence = heartbeat.session, heartbeat.sequence
        if session is UNSET or sequence is UNSET or session != summary.session:
            return False
        return sequence <= max(summary.sequence, self._last_sequence(summary))

    def _note(self, instance_id: int, heartbeat: Heartbeat, at_ms: int) -> None:
        """Note a heartbeat that was taken: its time, and its number."""
        self._last_seen.note(instance_id, at_ms)
        if heartbeat.session is not UNSET and heartbeat.sequence is not UNSET:
            self._sequences.note(instance_id, heartbeat.session, heartbeat.sequence)


def _fail_all(batch: list[Waiting], error: Exception) -> None:
    for incoming, answered, _ in batch:
        _fail(incoming, answered, error)


def _fail(incoming: Incoming, answered: "asyncio.Future[InstanceSummary]", error: Exception) -> None:
    if incoming.again:
        log.warning("a heartbeat could not be stored anew", instance=incoming.name, error=str(error))
        answered.cancel()  # Nobody waits for it.
    if not answered.done():
        answered.set_exception(error)
