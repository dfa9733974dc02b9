"""Looks after the fleet: notes that this coordinator is at work, writes last-seen times, and finds the silent."""

import asyncio
import secrets
from collections.abc import Callable, Mapping, Sequence

import structlog

from dides.coordinator.loops.heartbeat_queue import Heartbeats
from dides.coordinator.loops.outage import OutageDetection
from dides.coordinator.loops.silence import Declared, Liveness, declare_unreachable
from dides.coordinator.loops.standstill import Standstill
from dides.coordinator.memory.instance_cache import InstanceCache
from dides.coordinator.memory.last_seen import MARK, LastSeen
from dides.coordinator.memory.pacing import Pacing
from dides.coordinator.settings import Settings
from dides.coordinator.transactions import outages
from dides.engine.outage import Silence, begun
from dides.model.errors import UnavailableError
from dides.runtime.clock import Clock
from dides.runtime.histogram import Histogram
from dides.store.interface import Store, Transaction
from dides.store.records import LastSeenBlocks

log = structlog.get_logger()
FLUSHES = 10
"""How often last-seen times are written within a time to live."""
LONGEST_FLUSH = 5.0
"""Seconds between two of these, at the most."""
SET_BACK_MS = 1000
"""By how much a clock is behind what was noted by it before it counts as set back."""
LONGEST_BEHIND = 2.0
"""Seconds without news of what other coordinators have written, after which nothing is decided or answered by it."""
SHORTEST_UNPASSED = 1.0
"""Seconds that a look may take, however short the time to live is."""
LATE, SELDOM = 1.5, 4.0
"""Intervals after which a report is late, and after which it was not expected."""
LONGEST_GAPS = 3
"""So many times as long as there is on average between two reports of anybody in the sample, nobody has reported."""
LEAST_QUIET_MS = 1000
SAMPLE = 500
SUSPECT_MS = 3000
"""For how long a suspicion holds: until it has been looked again."""
HURRY = 0.1
"""Seconds until the next look, when more instances were to be looked at than one look takes."""


class Watch:
    """Runs several times a second at the most, and seldom in a large fleet's time to live."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        settings: Settings,
        instance_cache: InstanceCache,
        last_seen: LastSeen,
        outage_detection: OutageDetection,
        pacing: Pacing,
        standstill: Standstill,
    ) -> None:
        self.trouble: UnavailableError | None = None
        """Why the store could not be written a moment ago."""
        self.pacing = pacing
        self.flushes = Histogram()
        """Seconds that it took to write last-seen times, and to read those of others."""
        self._store = store
        self._clock = clock
        self._settings = settings
        self._instance_cache = instance_cache
        self._last_seen = last_seen
        self._outage_detection = outage_detection
        self._standstill = standstill
        self._name = secrets.token_hex(8)
        self._liveness = Liveness(instance_cache, last_seen)
        self._every = min(LONGEST_FLUSH, settings.time_to_live / FLUSHES)
        self._unpassed = max(SHORTEST_UNPASSED, settings.time_to_live / 3)
        """Seconds for which what is heard is answered though it could not be written."""
        self._flush_at = 0.0
        self.stopped_sources = 0
        """From how many deployments convergence has stopped, as of the last look."""
        self._heard_until = 0
        self._late_at = 0
        """When a coordinator was last found not to have written what it had heard (ms)."""
        self._learned_at = 0
        """The time (ms) by the store at which was read what other coordinators had heard."""
        self._stood_still = 0
        """How often this process had stood still by then."""
        self._trying_since: float | None = None
        """Since when a look has been under way, or has failed, by the event loop's time; None when all is well."""
        self._seconds: Callable[[], float] = clock.monotonic
        """The event loop's time, once it runs."""
        self._latest = self._since = clock.now()
        """The time (ms) at the last look, and since when it has not been set back."""
        instance_cache.on_reachable = self._watch

    async def recall(self) -> None:
        """Take up what coordinators have heard before this one was started. UnavailableError."""
        self.pacing.follow(self._instance_cache.reachable, self._instance_cache.awaited, self._clock.monotonic())
        self._learn(*await self._store.read(self._others))

    @property
    def passes_on(self) -> bool:
        """False once what is heard here has not been passed on for a third of the time to live; asked from any thread.

        Others would declare its senders unreachable: they had better be heard elsewhere.
        """
        since = self._trying_since
        return since is None or self._seconds() - since <= self._unpassed

    async def run(self, heartbeats: Heartbeats) -> None:
        """Look after the fleet until cancelled; a store that is away is tried again at the next look."""
        pause = min(1.0, self._settings.time_to_live / 10)
        self._seconds = asyncio.get_running_loop().time
        while True:
            await asyncio.sleep(HURRY if self._liveness.is_due(self._clock.now()) else pause)
            self.pacing.follow(self._instance_cache.reachable, self._instance_cache.awaited, self._clock.monotonic())
            self._trying_since = self._trying_since or self._seconds()
            try:
                await self.look(heartbeats)
                self.trouble = self._trying_since = None
            except UnavailableError as error:
                self.trouble = error
                log.warning("the store is not available", reason=error.detail)

    async def look(self, heartbeats: Heartbeats) -> None:
        """Do once what is due. UnavailableError."""
        self._mind_the_clock()
        if self._clock.monotonic() >= self._flush_at:
            await self.flush()
        self._suspect()
        allowed = self.pacing.allowed_ms + self._margin_ms
        silent = self._liveness.silent(self._clock.now(), allowed)
        if silent or self.trouble or self._outage_detection.is_due():
            await self._declare(silent, allowed, heartbeats)

    def _suspect(self) -> None:
        """Let no timeout fire for now when the fleet seems to fall silent, by a sample of it.

        Whether it is an outage is known only once instances have been silent for their time to live, and an update may
        time out before. Whoever reports seldom by nature says nothing.
        """
        now, interval = self._clock.now() - self._margin_ms, 1000 * self.pacing.interval
        heard = [self._last_seen.last(summary.id) for summary in self._instance_cache.sample(SAMPLE)]
        heard = [last for last in heard if last > now - SELDOM * interval]
        silent = sum(last < now - LATE * interval for last in heard)
        nobody = len(heard) > 1 and max(heard) < now - max(LEAST_QUIET_MS, LONGEST_GAPS * interval / len(heard))
        if nobody or begun(Silence(len(heard) - silent, silent, now)):
            self._outage_detection.suspected_until = self._clock.now() + SUSPECT_MS

    async def flush(self) -> None:
        """Write the last-seen times, and read those that other coordinators have written. UnavailableError."""
        begun = self._clock.monotonic()
        changed = self._last_seen.take_changed()
        if blocks := {**changed, MARK: b""} if self._store.shared else changed:
            try:
                await self._store.write(lambda tx: tx.last_seen.put(self._name, blocks, tx.now), alone=False)
            except BaseException:
                self._last_seen.put_back(changed)
                raise
        if self._store.shared:
            self._learn(*await self._store.read(self._others))
        self.flushes.observe(self._clock.monotonic() - begun)
        # Only now: nobody may be declared silent by what this coordinator knew before it was cut off.
        self._flush_at = begun + self._every

    def _mind_the_clock(self) -> None:
        """Begin to look for the silent anew where the clock was set back: by the old time nobody is, for as long."""
        now = self._clock.now()
        if now < self._latest - SET_BACK_MS:
            log.warning("the clock was set back", seconds=(self._latest - now) / 1000)
            self._since = now
            self._heard_until, self._late_at = min(self._heard_until, now), min(self._late_at, now)
            self._last_seen.recede(now, now)
            self._liveness.watch_all(now + self.pacing.allowed_ms)
        self._latest = now

    @property
    def _margin_ms(self) -> int:
        """How much older what other coordinators have heard may be when it is known here: written, then read."""
        return round(2000 * self._every) if self._store.shared else 0

    def _learn(self, at_ms: int, others: Mapping[str, LastSeenBlocks]) -> None:
        """Take up what other coordinators have heard, as it was in the store at a moment (ms).

        What one has heard after it wrote last, and before it died, nobody knows: for its sake nobody is late before one
        more time to live. That holds for a moment longer once it is back, and for this one, too: whoever reported to a
        coordinator that stood still reports anew now.
        """
        self._last_seen.learn(seen.blocks for seen in others.values())
        every = round(1000 * self._every)
        if any(seen.at_ms > at_ms + SET_BACK_MS for seen in others.values()):
            self._last_seen.recede(at_ms + SET_BACK_MS, self._since)
        late = [seen.at_ms for seen in others.values() if seen.at_ms + 2 * every < at_ms]
        if self._stood_still != self._standstill.count:
            late.append(self._learned_at)
        if late:
            self._heard_until, self._late_at = max(late) + every, at_ms
        elif at_ms >= self._late_at + 2 * self._margin_ms:
            self._heard_until = 0
        self._learned_at, self._stood_still = at_ms, self._standstill.count

    def _knows(self, now: int) -> bool:
        """Tell whether what was learned of others is new enough, at a moment (ms), to say that somebody is silent.

        A process may be stopped between any two lines, and others hear of instances meanwhile.
        """
        if not self._store.shared:
            return True
        return 0 <= now - self._learned_at <= self._margin_ms and self._store.behind <= LONGEST_BEHIND

    def _others(self, tx: Transaction) -> tuple[int, dict[str, LastSeenBlocks]]:
        return tx.now, tx.last_seen.of_others(self._name, since=tx.now - 2 * self.pacing.allowed_ms)

    def _watch(self, names: Sequence[str]) -> None:
        """Look at instances that have become reachable once they could be silent."""
        self._liveness.watch(names, self._clock.now() + self.pacing.allowed_ms)

    async def _declare(self, silent: Mapping[str, int], allowed: int, heartbeats: Heartbeats) -> None:
        """Declare the silent unreachable, but for those heard of meanwhile; note that this coordinator is at work."""

        def declare(tx: Transaction) -> Declared:
            quiet_until, since = self._outage_detection.record_alive(tx), tx.now - allowed
            may = silent if tx.now >= quiet_until and self._knows(tx.now) else {}
            still = {name: last for name, last in may.items() if self._heard(name) <= since}
            declared = declare_unreachable(tx, still, since)
            if declared.gone:
                reachable = max(0, self._instance_cache.reachable - len(declared.gone))
                unreachable = len(self._instance_cache) - reachable
                outages.notice(tx, since, self.pacing.allowed_ms, reachable=reachable, unreachable=unreachable)
            return declared

        declared = await self._store.write(declare)
        self.stopped_sources = declared.stopped
        for name in sorted(declared.gone):
            summary = self._instance_cache.get(name)
            if summary is not None and self._last_seen.own(summary.id) > silent[name]:
                heartbeats.resubmit_alive(summary)

    def _heard(self, name: str) -> int:
        summary = self._instance_cache.get(name)
        return max(self._heard_until, self._last_seen.last(summary.id) if summary else 0)
