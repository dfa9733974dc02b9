"""What the engine is shown and what it answers: a snapshot in, a plan out."""

import msgspec

from dides.model.deployment import Deployment, DeploymentStatus, Lapse, Move, Target, TargetState
from dides.model.instance import Instance
from dides.model.state import ApplyRule, State


class Candidate(msgspec.Struct, frozen=True):
    """A pending target whose turn has come, with its instance as it is now."""

    target: Target
    instance: Instance
    inherits: State | None = None
    """The state that the instance has missed, and waits for or is on its way to."""


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """All that one step may know. Its size depends on what changed and what may start, never on the fleet."""

    now: int
    """The one time of this step, in milliseconds since 1970-01-01 UTC."""
    quiet_until: int = 0
    """No timeout fires before this moment: the coordinator has just come back."""
    deployment: Deployment
    reported: tuple[Target, ...] = ()
    """Updating and succeeded targets that heartbeats have marked since the last step."""
    due: tuple[Target, ...] = ()
    """Updating targets of which a moment has come: a timeout, the end of `min_healthy_time`, a further attempt."""
    candidates: tuple[Candidate, ...] = ()
    """The next pending targets in order, without those put off as unreachable; as many as the step may examine."""
    next_deadline: int | None = None
    """The earliest such moment to come among the updating targets."""


class Settled(msgspec.Struct, frozen=True, kw_only=True):
    """A target that changes state without being told anything."""

    target: Target
    state: TargetState
    reason: str = ""
    message: str = ""
    lapse: Lapse | None = None
    """How a target that succeeds has left the target by the time of the verdict."""
    deadline_at: int | None = None
    """When a lapsed success fails."""

    @property
    def move(self) -> Move:
        """What this changes in the counts."""
        return Move(self.target.state, self.state)


class Postponed(msgspec.Struct, frozen=True, kw_only=True):
    """An updating target whose attempt failed, and which waits for its next attempt; it keeps its slot."""

    target: Target
    retry_at: int
    reason: str
    message: str


class Reassignment(msgspec.Struct, frozen=True, kw_only=True):
    """A further attempt: the same desired state under a new generation."""

    target: Target
    deadline_at: int
    failure_is_news: bool


class Assignment(msgspec.Struct, frozen=True, kw_only=True):
    """A target whose instance is told a desired state, under a new generation."""

    target: Target
    state: TargetState
    """UPDATING, or SKIPPED when assigning it changes nothing that has to be waited for."""
    desired: State | None
    apply: ApplyRule = ApplyRule.UNLESS_HEALTHY
    before: State
    last_good: State | None
    earlier: State | None
    reason: str = ""
    deadline_at: int | None = None
    failure_is_news: bool = False
    wave: int = 0
    late: bool = False
    """Its instance has not yet converged to what it has missed."""
    makes_unavailable: bool = False
    """Its instance was HEALTHY and is updating from now on."""
    already: bool = False
    """Its instance is at the target, and is assigned it so that it stays there."""

    @property
    def move(self) -> Move:
        """What this changes in the counts."""
        return Move(self.target.state, self.state)


class Restoration(msgspec.Struct, frozen=True, kw_only=True):
    """An instance that gets an earlier desired state back, because it never read the new one."""

    target: Target
    desired: State | None


class Ending(msgspec.Struct, frozen=True, kw_only=True):
    """How a deployment ends."""

    status: DeploymentStatus
    reason: str
    stop: bool = False
    """It ends before its targets have: what is pending or updating is skipped."""
    rollback: bool = False
    """A rollback starts in the same transaction."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """All that one step writes, in one transaction."""

    deployment: Deployment
    """The deployment once all this is written, but for what an `ending` adds."""
    settled: tuple[Settled, ...] = ()
    postponed: tuple[Postponed, ...] = ()
    reassigned: tuple[Reassignment, ...] = ()
    assigned: tuple[Assignment, ...] = ()
    deferred: tuple[Target, ...] = ()
    """Unreachable when their turn came: moved to the end of the order."""
    skip_deferred: bool = False
    """Nothing else is left: those put off are skipped now."""
    restore_deferred: bool = False
    """Those skipped get their state back all the same, for when they return: set for a rollback."""
    ending: Ending | None = None
    run_again: bool = False
    """More could be examined at once than one step may."""
    next_deadline: int | None = None
    """When the next step is due even if no heartbeat comes."""


class Touched(msgspec.Struct, frozen=True):
    """A target that was told, with its instance as it is now: what a rollback returns."""

    target: Target
    instance: Instance


class Undo(msgspec.Struct, frozen=True):
    """One target of a rollback: where the instance returns to, None when nothing is known."""

    touched: Touched
    to: State | None
