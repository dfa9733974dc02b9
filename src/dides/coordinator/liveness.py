"""Who has been silent for a time to live. Kept in memory, in the order of the last sign of life."""

from collections import OrderedDict
from collections.abc import Iterable

import msgspec

from dides.clock import Clock
from dides.coordinator import convergence
from dides.coordinator.following import follow_silence
from dides.coordinator.journal import event
from dides.model.state import Status
from dides.store.base import Transaction


class Liveness:
    """Remembers when each reachable instance gave its last sign of life; finding the silent costs what it finds."""

    def __init__(self, clock: Clock, time_to_live: float) -> None:
        """`time_to_live` is in seconds."""
        self._clock = clock
        self._time_to_live = time_to_live
        self._seen: OrderedDict[str, float] = OrderedDict()

    def seen(self, names: Iterable[str]) -> None:
        """Note a sign of life of these instances, now."""
        now = self._clock.monotonic()
        for name in names:
            self._seen[name] = now
            self._seen.move_to_end(name)

    def forget(self, name: str) -> None:
        """Watch an instance no longer."""
        self._seen.pop(name, None)

    def silent(self) -> list[str]:
        """Return the instances that have been silent for the time to live, longest first."""
        limit = self._clock.monotonic() - self._time_to_live
        found = []
        for name, last in self._seen.items():
            if last > limit:
                break
            found.append(name)
        return found


class Declared(msgspec.Struct):
    """What became of the instances that were silent."""

    alive: set[str]
    """Those heard of after all; they are to be watched on."""
    told: set[str]
    """Instances told what they had missed, because the places of silent ones came free."""


def declare_unreachable(tx: Transaction, names: Iterable[str], silent_since: int) -> Declared:
    """Set these instances unreachable and UNKNOWN, but for those heard of after a moment (ms), in one unit of work."""
    known = tx.inventory.many(names)
    silent = [
        each
        for each in known.values()
        if each.reachable and max(each.last_heartbeat_at or 0, each.registered_at) <= silent_since
    ]
    gone = [msgspec.structs.replace(each, reachable=False, status=Status.UNKNOWN) for each in silent]
    follow_silence(tx, silent)
    tx.inventory.record(gone)
    tx.events.append([event(tx, "instance.unreachable", instance=each.name) for each in gone])
    convergence.settle(tx, gone)
    convergence.expire(tx)
    return Declared(alive=set(known) - {each.name for each in gone}, told=convergence.admit(tx))
