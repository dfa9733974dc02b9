"""A registered instance."""

from collections.abc import Mapping

import msgspec

from dides.model.labels import Owned
from dides.model.sessions import NO_SESSIONS, Sessions
from dides.model.state import NOTHING, ApplyRule, State, Status


class Instance(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What the coordinator knows of one instance. Moments are milliseconds since 1970-01-01 UTC."""

    id: int
    name: str
    ip: str
    labels: Mapping[str, str]
    owned: Owned = {}
    """The labels of an operator; see dides.model.labels."""
    registered_at: int
    status: Status = Status.UNKNOWN
    current: State = NOTHING
    desired: State | None = None
    last_good: State | None = None
    generation: int = 0
    assigned_by: int | None = None
    """The deployment that set the desired state last."""
    apply: ApplyRule = ApplyRule.UNLESS_HEALTHY
    """Whether the desired state is applied once more where it was applied already."""
    message: str = ""
    last_heartbeat_at: int | None = None
    reachable: bool = True
    heard: int = 0
    """The generation that it had when its last heartbeat was taken in."""
    observed: int | None = None
    """The generation that that heartbeat said it acts on, or None when it did not say."""
    sessions: Sessions = NO_SESSIONS
    """The agent processes that report as this instance."""

    @property
    def update_needed(self) -> bool:
        """True when it reported something else than its desired state."""
        return not self.current.meets(self.desired)

    @property
    def awaited(self) -> bool:
        """True while news of it is awaited: it is not where it should be, or was told and not heard of since."""
        return self.update_needed or self.heard != self.generation


class InstanceSummary(msgspec.Struct, frozen=True, gc=False):
    """As much of an instance as heartbeats need; small, because a coordinator keeps one of every instance."""

    id: int
    name: str
    revision: int
    """Counts the changes of the instance: of two summaries the one with the higher revision is the newer."""
    credential_hash: bytes
    status: Status
    current: State
    message: str
    reachable: bool
    desired: State | None
    generation: int
    assigned_by: int | None
    heard: int
    """See Instance."""
    observed: int | None
    """See Instance."""
    last_heartbeat_at: int | None
    """When the last heartbeat was received that was stored (ms since 1970-01-01 UTC)."""
    update_needed: bool
    """It reported something else than its desired state. Kept, because every answer says it."""
    session: str | None = None
    """The session of the agent process whose reports count."""
    sequence: int = 0
    """The number of its last report that was stored."""
    duplicated_until: int = 0
    """See Sessions."""
    apply: ApplyRule = ApplyRule.UNLESS_HEALTHY
    """See Instance."""

    @property
    def awaited(self) -> bool:
        """True while news of it is awaited: it is not where it should be, or was told and not heard of since."""
        return self.update_needed or self.heard != self.generation


class Matched(msgspec.Struct, frozen=True, gc=False):
    """As much of an instance as a trigger reads of every one that it matches."""

    id: int
    name: str
    current: State
    status: Status = Status.HEALTHY
    reachable: bool = True
    desired: State | None = None
    spread: str = ""
    """Its value of the label that the deployment spreads by; "" when it has none."""
    sends_observed: bool = True
    """Its last heartbeat named the generation that it acts on."""


class Report(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A heartbeat, merged with what the instance had reported before."""

    at: int
    status: Status
    says_status: bool = True
    """False when this heartbeat left the status out, and it is as it was before."""
    current: State
    observed: int | None
    """The generation that the sender acts on, or None when this heartbeat did not say."""
    message: str = ""
