"""Time in which no coordinator runs counts as a pause, whether it was killed, stopped, or its machine slept."""

from dides.clock import Clock
from dides.coordinator.housekeeping import recover
from dides.coordinator.liveness import Liveness
from dides.coordinator.settings import Settings
from dides.store.base import Store

LONGEST_GAP = 5.0
"""Seconds between two checks after which this process has not been running in between."""


class Presence:
    """Notices gaps in this coordinator's life, and makes up for them before anything is decided."""

    def __init__(self, store: Store, clock: Clock, settings: Settings, liveness: Liveness) -> None:
        self._store = store
        self._clock = clock
        self._settings = settings
        self._liveness = liveness
        self._checked: tuple[float, int] | None = None
        self.quiet_until = 0
        """The moment (ms) before which no timeout fires."""

    async def check(self) -> None:
        """Call at the start, before every step, and every second: after a gap, deadlines move and silence is forgiven.

        Raises UnavailableError when the store is away; the next call tries again.
        """
        if self._was_away():
            recovery = await self._store.write(lambda tx: recover(tx, self._settings))
            self.quiet_until = recovery.quiet_until
            self._liveness.seen(recovery.instances)
        self._checked = (self._clock.monotonic(), self._clock.now())

    def _was_away(self) -> bool:
        if self._checked is None:
            return True
        monotonic, wall = self._checked
        # Both, because the monotonic clock of Linux stands still while a machine sleeps, and wall clocks are set.
        gap = max(self._clock.monotonic() - monotonic, (self._clock.now() - wall) / 1000)
        return gap > LONGEST_GAP
