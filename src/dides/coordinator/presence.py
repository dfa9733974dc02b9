"""Time in which no coordinator runs counts as a pause, whether it was killed, stopped, or its machine slept."""

import asyncio

from dides.clock import Clock
from dides.coordinator.housekeeping import recover
from dides.coordinator.liveness import Liveness
from dides.coordinator.settings import Settings
from dides.store.base import Store

LONGEST_GAP, SHORTEST_GAP = 5.0, 1.0
"""Seconds between two beats after which this process was away: half a time to live, within these bounds."""


class Presence:
    """Notices gaps in this coordinator's life, and makes up for them before anything is decided."""

    def __init__(self, store: Store, clock: Clock, settings: Settings, liveness: Liveness) -> None:
        self._store = store
        self._clock = clock
        self._settings = settings
        self._liveness = liveness
        self._beat_at: tuple[float, int] | None = None
        self._was_away = True
        self._gap = min(LONGEST_GAP, max(SHORTEST_GAP, settings.time_to_live / 2))
        self._quiet_until = 0

    async def beat(self) -> None:
        """Notice now and then that this process runs; a loop of its own, which waits for nothing else."""
        while True:
            self._look()
            await asyncio.sleep(self._gap / 4)

    async def check(self) -> None:
        """Call before anything is decided: after a gap, deadlines are moved and silence is forgiven first.

        Raises UnavailableError when the store is away; the next call tries again.
        """
        self._look()
        if self._was_away:
            recovery = await self._store.write(lambda tx: recover(tx, self._settings))
            self._quiet_until = recovery.quiet_until
            self._liveness.seen(recovery.instances)
            self._was_away = False

    def quiet_at(self, now: int) -> int:
        """Return the moment (ms) before which no timeout fires, for a unit of work whose own time is `now`.

        A unit may have been queued before this process stood still, and run after it, before anything was made up for:
        to it, all the silence and all the time of the outage would count.
        """
        if self._beat_at is not None and (now - self._beat_at[1]) / 1000 > self._gap:
            return now + self._settings.time_to_live_ms
        return self._quiet_until

    def _look(self) -> None:
        monotonic, wall = self._clock.monotonic(), self._clock.now()
        if self._beat_at is not None:
            # Both, because the monotonic clock of Linux stands still while a machine sleeps, and wall clocks are set.
            gap = max(monotonic - self._beat_at[0], (wall - self._beat_at[1]) / 1000)
            self._was_away |= gap > self._gap
        self._beat_at = (monotonic, wall)
