"""A deployment and its targets. Moments are milliseconds since 1970-01-01 UTC."""

from collections.abc import Mapping
from enum import StrEnum

import msgspec

from dides.model.instance import Report
from dides.model.policy import Policy
from dides.model.state import State, Status


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


class Lapse(StrEnum):
    """How a target that was at the target no longer is, as far as its reports say; no such word means that it is."""

    SILENT = "silent"
    """It has been silent for its time to live."""
    DEGRADED = "degraded"
    """It is not HEALTHY, or does not say which version it runs."""
    LEAVING = "leaving"
    """One report without `observed` says that it runs another version; a second one has to confirm that."""
    LEFT = "left"
    """It reported FAILED, runs another version, or is another machine."""


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
    unavailable: int = 0
    """How many are updating or not HEALTHY; kept while in flight, and only with `max_unavailable`."""
    silent: int = 0
    """How many of the succeeded and the already are silent since."""
    degraded: int = 0
    """How many of the succeeded and the already are not HEALTHY at the target since, though not silent."""
    joined_failed: int = 0
    """How many of the failed joined after the trigger: they do not count against the threshold."""
    decommissioned: int = 0
    """How many left the total because their instances were decommissioned before they had finished."""

    @property
    def started(self) -> int:
        """How many have been told and had to be waited for."""
        return self.updating + self.succeeded + self.failed

    @property
    def touched(self) -> int:
        """How many have been told anything: what there is for a rollback to return."""
        return self.started + self.already

    @property
    def at_target(self) -> int:
        """How many are known to be at the target now: HEALTHY, and heard of within their time to live."""
        return self.succeeded + self.already - self.silent - self.degraded

    def stopped(self) -> "Counts":
        """Return the counts once every unfinished target has been skipped."""
        skipped = self.skipped + self.pending + self.updating
        return msgspec.structs.replace(self, pending=0, updating=0, deferred=0, unavailable=0, skipped=skipped)

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


class Wave(msgspec.Struct, frozen=True, kw_only=True):
    """The open wave."""

    open: int = 1
    """Its number, from 1."""
    began_with: int = 0
    """How many targets had started when it was opened."""
    succeeded: int = 0
    """How many of the targets that it told are succeeded."""
    lapsed: int = 0
    """How many of these are not reachable and HEALTHY at the target now."""


class Timers(msgspec.Struct, frozen=True, kw_only=True):
    """The moments that a deployment waits for; all of them stand still in a pause."""

    deadline_at: int | None = None
    """When the whole deployment has taken too long."""
    soaked_at: int | None = None
    """When the open wave, which is over, has soaked; None before it is over."""
    blocked_until: int | None = None
    """When `max_unavailable` has kept it from going on for too long; None while it does not."""
    health_until: int | None = None
    """Until when the done wave, soaked or promoted, waits for its succeeded targets to be HEALTHY; None before."""
    waiting_since: int | None = None
    """Since when the done wave waits for a promotion, in which the deadline stands still; None while it does not."""


class Brake(msgspec.Struct, frozen=True, kw_only=True):
    """How those fared who inherited a deployment's state after its end, and whether further ones are held for it."""

    arrived: int = 0
    """How many of them were HEALTHY there."""
    failed: int = 0
    """How many failed or took too long since the last arrival, or since an operator let it go on."""
    stopped_at: int | None = None
    """Since when (ms) no more of them are given its state; None while they are."""


class Outage(msgspec.Struct, frozen=True, kw_only=True):
    """Most instances fell silent at once, for which no version is to blame; see dides.engine.outage."""

    since: int
    """When any of them was heard of last: everything stands still from then on."""
    base: int
    """Of how many instances they are a part."""
    over: bool = False
    """An operator, or time, has ended it, and those that are silent count as silent; another one may not begin yet."""


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
    waves: tuple[int, ...]
    """The cumulative sizes of the waves, resolved at the trigger; the last is the number of matched instances."""
    share: int | None = None
    """How many targets with one value of `spread_by` may be updating at once, resolved at the trigger."""
    max_unavailable: int | None = None
    """How many targets may be updating or not HEALTHY at once, resolved at the trigger."""
    counts: Counts
    wave: Wave = Wave()
    timers: Timers = Timers()
    spread: Mapping[str, int] = {}
    """With `spread_by`: how many targets are updating, by the label's value ("" for those without the label)."""
    blocked_by: str | None = None
    """The setting that kept the last step from filling slots that were free."""
    brake: Brake = Brake()
    created_at: int
    created_by: str
    reason: str = ""
    rollback_of: int | None = None
    rolled_back_by: int | None = None
    """Its newest rollback."""
    withdrawn: bool = False
    """That rollback is in flight, or has ended other than aborted: nobody inherits this deployment's state."""
    paused_at: int | None = None
    resumed_at: int | None = None
    """When its timers went on last, after a pause, an outage, or time without a coordinator; None: they always ran."""
    outage: Outage | None = None
    finished_at: int | None = None

    @property
    def held_by_outage(self) -> bool:
        """True while an outage lasts, and neither an operator nor time has ended it."""
        return self.outage is not None and not self.outage.over

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
    assigned_at: int | None = None
    deadline_at: int | None = None
    finished_at: int | None = None
    wave: int = 0
    """The wave that told it."""
    spread: str = ""
    """Its instance's value of the label `spread_by` when it became a target."""
    unhealthy: bool = False
    """Its instance is not HEALTHY; kept while the deployment is in flight, and only with `max_unavailable`."""
    late: bool = False
    """Its instance had not yet converged to what it had missed when it was assigned."""
    already: bool = False
    """It was at the target when its turn came, and was assigned it without an update."""
    joined: bool = False
    """Its instance registered after the trigger."""
    lapse: Lapse | None = None
    """How it no longer is at the target, after it had succeeded or was already there; None while it is."""
    healthy_at: int | None = None
    """When it will have been HEALTHY at the target for `min_healthy_time`; None while it is not."""
    retry_at: int | None = None
    """When the next attempt begins, because one failed; None while an attempt runs."""
    has_read: bool = False
    """It is known to have read what an earlier attempt told it."""
    failure_is_news: bool = False
    """It was not FAILED when it was told, or has reported another status since."""
    report: Report | None = None
    """The newest heartbeat that counts for this assignment."""
    reachable: bool = True
    """Whether its instance is, now."""
    duplicated_until: int = 0
    """Until when (ms since 1970-01-01 UTC) two agent processes are known to report as its instance; 0: never."""
    status: Status = Status.UNKNOWN
    """What its instance reports, now."""

    @property
    def due_at(self) -> int | None:
        """The earliest moment at which something may have to be decided about it; None when there is none."""
        return min(self.moments, default=None)

    @property
    def moments(self) -> tuple[int, ...]:
        """The moments that it waits for: its timeout, the end of `min_healthy_time`, the next attempt.

        A succeeded target has a timeout only while it has lapsed.
        """
        return tuple(each for each in (self.deadline_at, self.healthy_at, self.retry_at) if each is not None)
