"""Time in which no coordinator was at work counts as a pause: killed, stopped, asleep, or cut off from the database.

Every coordinator notes in the store, several times in the shortest gap that counts, that it is at work. Whoever decides
anything looks at that note first, in the transaction of the decision: if it is old, nobody was there to hear of
instances, and that is made up for before anything is decided. So no process has to notice its own absence, and one that
was stopped between deciding and writing cannot write what it decided before: its transaction reads the note, too.
"""

from collections.abc import Callable

import msgspec

from dides.coordinator.settings import Settings
from dides.coordinator.transactions import outages
from dides.engine.timers import assigned_no_later, moved, moved_hold, moved_target
from dides.model.deployment import DeploymentStatus
from dides.runtime.clock import Clock
from dides.store.interface import Store, Transaction
from dides.store.records import MustBeAloneError

ALIVE_AT, QUIET_UNTIL = "alive_at", "quiet_until"
LONGEST_GAP, SHORTEST_GAP = 5.0, 1.0
"""Seconds without a note after which nobody was at work: half a time to live, within these bounds."""


class AliveRecord(msgspec.Struct, frozen=True):
    """How one coordinator looks at the note. Milliseconds."""

    gap: int
    """How old a note makes an outage."""
    time_to_live: int
    """For how long instances are listened for after an outage before any of them is late."""
    starting: bool = True
    """This process has not been at work before."""
    alone: bool = True
    """No other coordinator can be at work on this store, so that a start always ends an outage."""
    quiet_until: int = 0
    """The moment before which this coordinator, because it has just come, lets no timeout fire."""

    def started(self, quiet_until: int) -> "AliveRecord":
        """Return this once the process has made up for what came before it."""
        return msgspec.structs.replace(self, starting=False, quiet_until=quiet_until)


def gap_of(time_to_live: float) -> float:
    """Return how many seconds without a note make an outage."""
    return min(LONGEST_GAP, max(SHORTEST_GAP, time_to_live / 2))


def record_alive(tx: Transaction, alive: AliveRecord) -> int:
    """Note that a coordinator is at work, and make up for an outage first if there was one.

    Returns the moment (ms) before which no timeout fires and nobody is late.
    """
    alive_at, quiet_until = tx.keys.noted(ALIVE_AT), tx.keys.noted(QUIET_UNTIL) or 0
    if alive_at is not None and alive_at > tx.now:
        quiet_until = min(quiet_until, tx.now + alive.time_to_live)
        _set_back(tx, alive_at - tx.now, quiet_until)
    away_ms = 0 if alive_at is None else max(0, tx.now - alive_at)
    returning = alive.starting and alive_at is not None
    if away_ms > alive.gap or (returning and alive.alone):
        quiet_until = tx.now + alive.time_to_live
        _stand_still(tx, away_ms, quiet_until)
        tx.keys.write_down(QUIET_UNTIL, quiet_until)
    if alive_at is None or away_ms * 4 >= alive.gap:
        tx.keys.write_down(ALIVE_AT, tx.now)
    own = tx.now + alive.time_to_live if returning else alive.quiet_until
    return max(quiet_until, own)


def _set_back(tx: Transaction, by_ms: int, quiet_until: int) -> None:
    """Move what was noted by the old time to the new one: the database's clock was set back, or is another one.

    By how much (ms) is known but for the time since the last note, which counts as an outage.
    """
    tx.keys.write_down(ALIVE_AT, tx.now)
    tx.keys.write_down(QUIET_UNTIL, quiet_until)
    _stand_still(tx, -by_ms, 0)


def _stand_still(tx: Transaction, away_ms: int, quiet_until: int) -> None:
    """Move deadlines by the time (ms) that nobody was there to watch."""
    tx.convergences.shift_deadlines(away_ms, at_least=quiet_until)
    deployment = tx.deployments.in_flight()
    if deployment is None:
        return
    timed = tx.targets.timed(deployment.id)
    updating = [assigned_no_later(moved_hold(target, away_ms, quiet_until), tx.now) for target in timed]
    if deployment.status is DeploymentStatus.RUNNING and not deployment.held_by_outage:
        # The timers of one that stands still are moved when it goes on, by all that time.
        updating = [moved_target(target, away_ms, quiet_until) for target in updating]
        timers = moved(deployment.timers, away_ms, quiet_until)
        tx.deployments.save(msgspec.structs.replace(deployment, timers=timers, resumed_at=tx.now))
    tx.targets.reschedule(updating)


class OutageDetection:
    """Since when one coordinator is at work, and which gaps it has noticed."""

    def __init__(self, store: Store, clock: Clock, settings: Settings, allowed_ms: Callable[[], int]) -> None:
        """`allowed_ms` tells for how many ms an instance may be silent now."""
        gap = gap_of(settings.time_to_live)
        self.suspected_until = 0
        """Until when (ms) no timeout fires because most instances seem to fall silent, which may be an outage."""
        self._outage_limit_ms = round(1000 * settings.outage_limit)
        self._store = store
        self._clock = clock
        self._every = gap / 4
        self._noted = clock.monotonic()
        self._allowed_ms = allowed_ms
        self._alive = AliveRecord(gap=round(gap * 1000), time_to_live=allowed_ms(), alone=not store.shared)

    @property
    def allowed_ms(self) -> int:
        """For how many ms an instance may be silent now."""
        return self._allowed_ms()

    async def arrive(self) -> None:
        """Make up for the time in which nobody was at work, before anything else is done. UnavailableError."""
        self._alive = msgspec.structs.replace(self._alive, time_to_live=self._allowed_ms())
        quiet_until = await self._store.write(lambda tx: record_alive(tx, self._alive))
        self._alive = self._alive.started(quiet_until)

    def record_alive(self, tx: Transaction) -> int:
        """Call first in every unit of work that decides: return the moment (ms) before which nobody is late."""
        self._noted = self._clock.monotonic()
        allowed = self._allowed_ms()
        quiet_until = record_alive(tx, msgspec.structs.replace(self._alive, time_to_live=allowed))
        outages.review(tx, allowed, self._outage_limit_ms)
        return quiet_until

    def quiet_until(self, tx: Transaction) -> int:
        """Do the same in one that decides about a rollout: return the moment (ms) before which no timeout fires."""
        return max(self.record_alive(tx), self.suspected_until)

    def record_alive_beside(self, tx: Transaction) -> None:
        """Call first in a unit of work that takes heartbeats in: none may be judged by time in which nobody listened.

        Raises MustBeAloneError where there is something to make up for and other units run beside this one.
        """
        noted = tx.keys.noted(ALIVE_AT)
        if noted is not None and not 0 <= tx.now - noted <= self._alive.gap:
            if not tx.alone:
                raise MustBeAloneError
            self.record_alive(tx)

    def is_due(self) -> bool:
        """Tell whether the note is to be renewed."""
        return self._clock.monotonic() - self._noted >= self._every
