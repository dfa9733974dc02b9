"""What goes into a store and has no id yet, and what only a store keeps. Moments are milliseconds since 1970 UTC."""

from collections.abc import Mapping

import msgspec

from dides.model.deployment import Kind, Timers
from dides.model.instance import Instance, InstanceSummary
from dides.model.policy import Policy
from dides.model.state import ApplyRule, State


class StaleError(Exception):
    """Somebody else changed what this unit of work had read; it was undone and may be run again."""


class MustBeAloneError(Exception):
    """A unit of work ran beside others and found that it has to decide something; `write` runs it again, alone."""


class Changes(msgspec.Struct):
    """What followers are told: instances as they are now, and those that are gone."""

    summaries: list[InstanceSummary]
    """Some may be old news: one whose revision is not higher than that of a summary seen before is to be ignored."""
    gone: list[tuple[int, str]]
    """The ids and names of instances that were removed, some perhaps more than once. No summary of one comes later."""
    anew: bool = False
    """Whether these are all there are, and nothing that was told before is true any more: the database is another."""


class LastSeenBlocks(msgspec.Struct):
    """The last-seen times that one coordinator has written."""

    at_ms: int
    """When it wrote anything last (ms)."""
    blocks: dict[int, bytes]


class NewDeployment(msgspec.Struct, frozen=True, kw_only=True):
    """A deployment that has no id yet. Moments are milliseconds since 1970-01-01 UTC."""

    kind: Kind
    to: State
    labels: Mapping[str, str]
    selector: str | None
    policy: Policy
    window: int
    waves: tuple[int, ...]
    share: int | None = None
    max_unavailable: int | None = None
    total: int
    """How many targets it has; they are stored next."""
    unavailable: int = 0
    spread: Mapping[str, int] = {}
    timers: Timers = Timers()
    created_at: int
    created_by: str
    rollback_of: int | None = None


class NewTarget(msgspec.Struct, frozen=True, gc=False):
    """A target that has no id yet; its position is its place in the list it comes in."""

    instance_id: int
    instance: str
    to: State
    before: State
    spread: str = ""
    unhealthy: bool = False
    joined: bool = False
    """Its instance registered after the trigger."""


class NewAssignment(msgspec.Struct, frozen=True):
    """A desired state for an instance, and the deployment that sets it."""

    instance_id: int
    desired: State | None
    deployment_id: int
    apply: ApplyRule = ApplyRule.UNLESS_HEALTHY


class Convergence(msgspec.Struct, frozen=True, kw_only=True):
    """A returned instance that inherits a state: waiting for its turn until `assigned_at` is set."""

    instance: Instance
    source_id: int
    desired: State
    assigned_at: int | None = None
    deadline_at: int | None = None


class Event(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Something that happened; `id` is 0 until it is stored."""

    at: int
    kind: str
    actor: str
    deployment_id: int | None = None
    instance: str | None = None
    data: Mapping[str, object] = {}
    id: int = 0
