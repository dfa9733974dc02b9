"""Every instance in memory: what heartbeats and held queries need of it, so that most of them ask no database.

The changes that the store broadcasts keep it true. What this coordinator has written is in here before its answer goes
out; what another one has written comes a few milliseconds later.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from itertools import islice

from dides.coordinator.memory.waiters import Waiters
from dides.model.instance import InstanceSummary
from dides.model.state import Status
from dides.store.records import Changes

Census = Counter[tuple[Status, str | None]]


class InstanceCache:
    """The instances by name. Everything happens on one event loop."""

    def __init__(self, waiters: Waiters) -> None:
        self.census: Census = Counter()
        """How many instances there are by status and code version."""
        self.statuses: Counter[Status] = Counter()
        """How many there are by status alone."""
        self.reachable = 0
        """How many of them are reachable."""
        self.awaited = 0
        """How many of these are awaited: told and not where they should be yet."""
        self.update_needed = 0
        """How many of them run something else than their desired state."""
        self.on_reachable: Callable[[Sequence[str]], None] = lambda _: None
        """Called with those that are reachable and were not before, or were not known."""
        self.on_replaced: Callable[[InstanceSummary, InstanceSummary], None] = lambda _before, _after: None
        """Called with what was known of an instance and what is known now."""
        self.on_gone: Callable[[int], None] = lambda _: None
        """Called with the id of each instance that was removed."""
        self._waiters = waiters
        self._summaries: dict[str, InstanceSummary] = {}
        self._duplicated: dict[str, int] = {}
        """Until when (ms) instances are duplicated, by name: those as which two agents have ever reported."""

    def get(self, name: str) -> InstanceSummary | None:
        """Return what is known of an instance."""
        return self._summaries.get(name)

    def duplicated(self, now: int) -> list[str]:
        """Return the names of the instances as which two agents report, in order."""
        return sorted(name for name, until in list(self._duplicated.items()) if now < until)

    def __len__(self) -> int:
        return len(self._summaries)

    def sample(self, most: int) -> list[InstanceSummary]:
        """Return up to `most` of the reachable instances, from among the first ten times as many: a look at few."""
        some = islice(self._summaries.values(), 10 * most)
        return list(islice((summary for summary in some if summary.reachable), most))

    def apply(self, changes: Changes) -> None:
        """Take committed changes up; a change that was overtaken by a later one is passed over."""
        if changes.anew:
            self._forget()
        for instance_id, name in changes.gone:
            self._remove(instance_id, name)
            self.on_gone(instance_id)
        back = [summary.name for summary in changes.summaries if self._replace(summary)]
        if back:
            self.on_reachable(back)

    def _forget(self) -> None:
        """Forget everyone; whoever waits is to look again, once these changes are taken up."""
        self._summaries.clear()
        self._duplicated.clear()
        self.census.clear()
        self.statuses.clear()
        self.reachable = self.awaited = self.update_needed = 0
        self._waiters.publish_all()

    def _remove(self, instance_id: int, name: str) -> None:
        known = self._summaries.get(name)
        if known is not None and known.id == instance_id:
            del self._summaries[name]
            self._duplicated.pop(name, None)
            self._count(known, -1)
            self._waiters.publish([name])

    def _replace(self, summary: InstanceSummary) -> bool:
        """Take one instance up; return whether it has become reachable."""
        known = self._summaries.get(summary.name)
        if known is not None and (summary.id, summary.revision) <= (known.id, known.revision):
            return False
        self._summaries[summary.name] = summary
        if summary.duplicated_until:
            self._duplicated[summary.name] = summary.duplicated_until
        elif self._duplicated:
            self._duplicated.pop(summary.name, None)
        self._count(summary, 1)
        if known is None:
            return summary.reachable
        self._count(known, -1)
        self.on_replaced(known, summary)
        if summary.generation != known.generation or summary.id != known.id:
            self._waiters.publish([summary.name])
        return summary.reachable and not known.reachable

    def _count(self, summary: InstanceSummary, by: int) -> None:
        key = summary.status, summary.current.code_version
        # Not as a Counter does it, step by step in Python: this is done twice for every heartbeat that is news.
        if left := self.census.get(key, 0) + by:
            self.census[key] = left
        else:
            self.census.pop(key, None)
        self.statuses[summary.status] += by
        if summary.reachable:
            self.reachable += by
            if summary.awaited:
                self.awaited += by
        if summary.update_needed:
            self.update_needed += by
