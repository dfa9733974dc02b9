"""Who has been silent for longer than is allowed. Finding the silent costs what it finds, not what the fleet counts.

Every reachable instance waits in the second at which it could be found silent at the earliest. When that has come, its
last-seen time says whether it is, or in which second to look again: once in a time to live for each instance, and
nothing at a heartbeat (a timing wheel with lazy rescheduling; G. Varghese and T. Lauck, SOSP 1987, scheme 4).
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping

import msgspec

from dides.coordinator.memory.instance_cache import InstanceCache
from dides.coordinator.memory.last_seen import LastSeen
from dides.coordinator.transactions import convergence
from dides.coordinator.transactions.brake import stopped_sources
from dides.coordinator.transactions.record import event
from dides.coordinator.transactions.target_reports import apply_silence
from dides.model.instance import Instance
from dides.model.state import Status
from dides.store.interface import Transaction

MOST_AT_ONCE = 20_000
"""Instances looked at in one call, which is a few milliseconds; the rest waits for the next."""


class Liveness:
    """Watches the reachable instances of the fleet. Moments are milliseconds since 1970-01-01 UTC."""

    def __init__(self, instance_cache: InstanceCache, last_seen: LastSeen) -> None:
        self._instance_cache = instance_cache
        self._last_seen = last_seen
        self._due: defaultdict[int, list[str]] = defaultdict(list)
        self._next: int | None = None

    def watch(self, names: Iterable[str], at_ms: int) -> None:
        """Look at these instances at a moment, and from then on for as long as they are reachable."""
        second = at_ms // 1000
        self._due[second].extend(names)
        self._next = second if self._next is None else min(self._next, second)

    def watch_all(self, at_ms: int) -> None:
        """Look at everyone who is watched at this moment: the clock was set back, and those that were set are far."""
        names = [name for waiting in self._due.values() for name in waiting]
        self._due.clear()
        self._next = None
        self.watch(names, at_ms)

    def is_due(self, now: int) -> bool:
        """Tell whether there is anybody to look at now."""
        return self._next is not None and self._next * 1000 <= now

    def silent(self, now: int, allowed: int) -> dict[str, int]:
        """Return the instances that have been silent for `allowed` ms, each with its last-seen time (0: none).

        Who is returned is looked at again by the next call.
        """
        found: dict[str, int] = {}
        for name in self._take_due(now):
            summary = self._instance_cache.get(name)
            if summary is None or not summary.reachable:
                continue
            last = self._last_seen.last(summary.id)
            if last + allowed <= now:
                found[name] = last
                self.watch([name], now + 1000)
            else:
                self.watch([name], last + allowed + 999)
        return found

    def _take_due(self, now: int) -> Iterable[str]:
        """Return the instances whose moment has come, as many as are looked at in one call, each once."""
        taken: dict[str, None] = {}
        while self._next is not None and self._next * 1000 <= now and len(taken) < MOST_AT_ONCE:
            names = self._due.pop(self._next, [])
            room = MOST_AT_ONCE - len(taken)
            taken.update(dict.fromkeys(names[:room]))
            if len(names) > room:
                self._due[self._next] = names[room:]
                break
            self._next = self._next_awaited(self._next)
        return taken

    def _next_awaited(self, second: int) -> int | None:
        """Return the next second in which anybody waits: most often the very next."""
        if second + 1 in self._due:
            return second + 1
        return min(self._due, default=None)


class Declared(msgspec.Struct):
    """What became of the instances that were silent."""

    gone: set[str]
    """Those that are unreachable from now on."""
    assigned: set[str]
    """Instances told what they had missed, because the places of silent ones came free."""
    stopped: int
    """From how many deployments convergence has stopped."""


def declare_unreachable(tx: Transaction, seen: Mapping[str, int], since: int) -> Declared:
    """Set these instances unreachable and UNKNOWN, but for those heard of after a moment (ms), in one unit of work.

    `seen` has their last-seen times (ms) as far as coordinators have them in memory, by name; what is in the store
    may be newer. What is yet to come there is from before the clock was set back, and says nothing.
    """

    def last(instance: Instance) -> int:
        return max(seen[instance.name], _come(instance.last_heartbeat_at, tx.now))

    silent = [
        msgspec.structs.replace(instance, last_heartbeat_at=last(instance) or None)
        for instance in tx.inventory.many(seen).values()
        if instance.reachable and max(last(instance), _come(instance.registered_at, tx.now)) <= since
    ]
    gone = [msgspec.structs.replace(instance, reachable=False, status=Status.UNKNOWN) for instance in silent]
    apply_silence(tx, silent)
    tx.inventory.record(gone)
    tx.events.append([event(tx, "instance.unreachable", instance=instance.name) for instance in gone])
    convergence.settle(tx, gone)
    convergence.expire(tx)
    assigned = convergence.admit(tx)
    return Declared({instance.name for instance in gone}, assigned=assigned, stopped=len(stopped_sources(tx)))


def _come(moment: int | None, now: int) -> int:
    """Return a moment if it has come, else 0."""
    return moment if moment is not None and moment <= now else 0
