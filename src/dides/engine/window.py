"""How many targets may be updating at once, and what holds a deployment back.

The window is the smallest of the caps that hold for the deployment as a whole (`caps`). Two more hold for single
candidates: `spread_by` for those of one value, `max_unavailable` for those that are HEALTHY (`Room`).
"""

import msgspec

from dides.engine import availability, spread, waves
from dides.model.deployment import Deployment, DeploymentStatus
from dides.model.plan import Candidate

BATCH_SIZE, WAVE, SOAK, PROMOTE, HEALTH = "batch_size", "wave", "soak", "promote", "health"
MAX_UNAVAILABLE, SPREAD_BY, PAUSED = "max_unavailable", "spread_by", "paused"
OUTAGE = "outage"
NAMES = (PAUSED, OUTAGE, PROMOTE, SOAK, HEALTH, WAVE, BATCH_SIZE, MAX_UNAVAILABLE, SPREAD_BY)
"""Everything that `held_by` may say, in the order in which it is asked."""
LOOK_AHEAD = 64


def free_slots(deployment: Deployment) -> int:
    """Return how many more targets may be told now; the window is the smallest of its caps."""
    if deployment.status is not DeploymentStatus.RUNNING:
        return 0
    return max(0, min(caps(deployment).values()) - deployment.counts.updating)


def caps(deployment: Deployment) -> dict[str, int]:
    """Return each limit on the number of updating targets, by what makes it; where two are equal the first is named."""
    limit = waves.cap(deployment)
    batch = {BATCH_SIZE: deployment.window}
    return batch if limit is None else {_name_of_wave(deployment): limit, **batch}


def held_by(deployment: Deployment) -> str | None:
    """Return the name of what keeps the next pending target from being told now, or None when nothing does."""
    counts = deployment.counts
    if deployment.status is DeploymentStatus.PAUSED:
        return PAUSED
    if deployment.in_flight and deployment.held_by_outage:
        return OUTAGE
    if not deployment.in_flight or counts.pending == 0:
        return None
    if waves.is_done(deployment):
        return _name_of_wave(deployment)
    if waves.only_deferred(deployment):
        return None
    if free_slots(deployment):
        return deployment.blocked_by
    return min(caps(deployment).items(), key=lambda cap: cap[1])[0]


class Room(msgspec.Struct):
    """What is left for further targets within one step; taking a candidate uses it up."""

    slots: int
    healthy: int | None
    """How many HEALTHY instances may be told under `max_unavailable`; None: any number."""
    shares: dict[str, int] | None
    """How many of each value of `spread_by`; None: any number."""

    def refusal(self, candidate: Candidate) -> str | None:
        """Return the setting for which a candidate has to wait while others may go first, or None."""
        if self.shares is not None and self.shares.get(candidate.target.spread, 0) == 0:
            return SPREAD_BY
        if self.healthy == 0 and availability.needs_room(candidate):
            return MAX_UNAVAILABLE
        return None

    def take(self, candidate: Candidate) -> None:
        """Use up what assigning a candidate takes."""
        self.slots -= 1
        if self.shares is not None:
            self.shares[candidate.target.spread] -= 1
        if self.healthy is not None and availability.needs_room(candidate):
            self.healthy -= 1


def room_of(deployment: Deployment) -> Room:
    """Return what is free now."""
    shares = spread.rooms(deployment)
    return Room(free_slots(deployment), availability.room(deployment), None if shares is None else dict(shares))


def may_examine(deployment: Deployment, verdicts_due: int) -> int:
    """Return how many pending targets one step may look at, when up to `verdicts_due` slots may come free in it.

    The bound keeps a step's cost apart from the size of the fleet. A candidate that is told takes a slot; others
    (already at the target, unreachable, refused for now) take none. So a step looks at more than it has slots for, at
    many more once targets of this deployment have been passed over or may be, and asks to run again when that was not
    enough.
    """
    counts = deployment.counts
    slots = free_slots(deployment) + verdicts_due
    healthy = availability.room(deployment)
    if healthy is not None and slots:
        # Beyond these only instances that are not HEALTHY can be told (`may_examine_unhealthy`); one more shows that.
        slots = min(slots, healthy + verdicts_due + 1)
    if deployment.status is not DeploymentStatus.RUNNING or slots == 0 or counts.pending == counts.deferred:
        return 0
    return 4 * slots + (LOOK_AHEAD if _passes_over(deployment) else 0)


def may_examine_of_each(deployment: Deployment, verdicts_due: int) -> dict[str, int] | None:
    """Return how many pending targets of each value of `spread_by` one step may look at; None without it.

    By value, because the order may have many of a value whose share is taken before the first of another.
    """
    shares = spread.rooms(deployment)
    most = may_examine(deployment, verdicts_due)
    if shares is None or deployment.share is None:
        return None
    ahead = -(-LOOK_AHEAD // len(shares)) if _passes_over(deployment) else 0
    free = {value: min(deployment.share, share + verdicts_due) for value, share in shares.items()}
    return {value: min(most, 4 * slots + ahead) for value, slots in free.items() if slots and most}


def may_examine_unhealthy(deployment: Deployment, verdicts_due: int) -> int:
    """Return how many pending targets that are not HEALTHY one step may look at beside those whose turn it is.

    With `max_unavailable` they may be updated when the others have to wait, wherever in the order they stand.
    """
    if deployment.max_unavailable is None or deployment.status is not DeploymentStatus.RUNNING:
        return 0
    return min(4 * (free_slots(deployment) + verdicts_due), LOOK_AHEAD)


def _passes_over(deployment: Deployment) -> bool:
    return deployment.counts.skipped + deployment.counts.deferred > 0


def _name_of_wave(deployment: Deployment) -> str:
    if not waves.is_done(deployment):
        return WAVE
    if deployment.timers.health_until is not None:
        return HEALTH
    return PROMOTE if deployment.policy.wave_pause_ms is None else SOAK
