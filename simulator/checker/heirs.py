"""How the heirs of deployments fared, as the checker counts it by itself from the tables.

It counts what cannot be disputed: heirs whose place went with a report of FAILED. Those that took too long are not
counted, so that what is counted here is never more than what the coordinator has to count.
"""

from simulator.base.units_of_work import INGEST_BATCH
from simulator.checker.rows import FAILED, HEALTHY, meets
from simulator.checker.snapshots import Change


class Heirs:
    """Counts the heirs of each deployment that failed since the last one arrived."""

    def __init__(self, releasing: list[str]) -> None:
        """`releasing` are the coordinators that carry out an operator's wish to let convergence go on."""
        self.releasing = releasing
        self.queued: set[tuple[int, int]] = set()
        """Instances (ids) that waited for what they had missed, each with a deployment that told it something else."""
        self._failed: dict[int, int] = {}
        self._arrived: set[int] = set()

    def failed(self, source_id: int) -> int:
        """Return how many heirs of a deployment have failed since the last one arrived."""
        return self._failed.get(source_id, 0)

    def arrived(self, source_id: int) -> bool:
        """Tell whether an heir of a deployment has ever arrived."""
        return source_id in self._arrived

    def note(self, change: Change) -> None:
        """Count what has become of heirs, and forget what an operator has released."""
        waiting = {place.instance_id for place in change.before.convergences.values() if place.assigned_at is None}
        for _, target in change.assigned_targets if waiting else ():
            if target.instance_id in waiting:
                self.queued.add((target.instance_id, target.deployment_id))
        if change.by in self.releasing:
            self._failed.clear()
        ended = [before for before, after in change.convergences if before and before.assigned_at and after is None]
        heirs = [(place.source_id, change.after.instances.get(place.instance_id), place.desired) for place in ended]
        for source_id, heir, desired in heirs:
            if heir and heir.status == HEALTHY and meets(heir.current, desired):
                self._arrived.add(source_id)
                self._failed[source_id] = 0
        for source_id, heir, _ in heirs:
            if heir and heir.status == FAILED and change.unit == INGEST_BATCH:
                self._failed[source_id] = self.failed(source_id) + 1
