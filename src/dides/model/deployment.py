"""A deployment and its targets. Moments are milliseconds since 1970-01-01 UTC."""

from collections.abc import Mapping
from enum import StrEnum

import msgspec

from dides.model.instance import Report
from dides.model.policy import Policy
from dides.model.state import State


class Kind(StrEnum):
    """A deployment that an operator triggers, or the one that undoes it."""

    DEPLOY = "deploy"
    ROLLBACK = "rollback"


class DeploymentStatus(StrEnum):
    """Running and paused are in flight; the others are final."""

    RUNNING = "running"
    PAUSED = "paused"
    COMPLETED = "completed"
    FAILED = "failed"
    ABORTED = "aborted"


class TargetState(StrEnum):
    """Pending and updating are unfinished; the others are final, but a succeeded target may still fail."""

    PENDING = "pending"
    UPDATING = "updating"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    SKIPPED = "skipped"


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """How many targets are in each state, kept by the transactions that change them."""

    total: int = 0
    pending: int = 0
    updating: int = 0
    succeeded: int = 0
    failed: int = 0
    skipped: int = 0
    already: int = 0
    """How many of the skipped were at the target from the start."""
    deferred: int = 0
    """How many of the pending were unreachable when their turn came, and have not returned."""

    def stopped(self) -> "Counts":
        """Return the counts once every unfinished target has been skipped."""
        unfinished = self.pending + self.updating
        return msgspec.structs.replace(self, pending=0, updating=0, deferred=0, skipped=self.skipped + unfinished)

    def after(self, *moves: "Move") -> "Counts":
        """Return the counts once these targets have changed state."""
        count = {field: getattr(self, field) for field in self.__struct_fields__}
        for move in moves:
            count[move.before] -= 1
            count[move.after] += 1
        return Counts(**count)


class Move(msgspec.Struct, frozen=True):
    """One target's change of state."""

    before: TargetState
    after: TargetState


class Deployment(msgspec.Struct, frozen=True, kw_only=True):
    """A rollout of one version to a fixed list of targets, or the rollback of one."""

    id: int
    revision: int = 0
    """Counts the writes of this record; a writer compares it with what was read."""
    kind: Kind
    status: DeploymentStatus
    to: State
    labels: Mapping[str, str]
    selector: str | None
    policy: Policy
    window: int
    """How many targets may be updating at once: `batch_size`, resolved at the trigger."""
    threshold: int
    """How many failures trip it: `failure_threshold`, resolved at the trigger."""
    counts: Counts
    created_at: int
    created_by: str
    reason: str = ""
    rollback_of: int | None = None
    rolled_back_by: int | None = None
    paused_at: int | None = None
    finished_at: int | None = None

    @property
    def in_flight(self) -> bool:
        """True until it has completed, failed or been aborted."""
        return self.status in (DeploymentStatus.RUNNING, DeploymentStatus.PAUSED)


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """One instance in one deployment."""

    id: int
    instance_id: int | None
    """None once the instance was decommissioned."""
    instance: str
    position: int
    state: TargetState
    deferred: bool = False
    """Unreachable when its turn came, and has not returned since."""
    to: State
    before: State
    """What it reported when it was assigned (at the trigger while it is pending)."""
    reason: str = ""
    message: str = ""
    last_good: State | None = None
    """The instance's last good state when it was assigned."""
    earlier: State | None = None
    """The instance's desired state before this deployment told it."""
    generation: int = 0
    """The generation under which it was told; 0 before."""
    attempt: int = 0
    told_at: int | None = None
    deadline_at: int | None = None
    finished_at: int | None = None
    failure_is_news: bool = False
    """It was not FAILED when it was told, or has reported another status since."""
    report: Report | None = None
    """The newest heartbeat that counts for this telling."""
    reachable: bool = True
