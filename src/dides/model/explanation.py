"""Why an instance runs what it runs, and the facts by which the engine finds it."""

from enum import StrEnum

import msgspec

from dides.model.deployment import Deployment, Target, TargetState
from dides.model.instance import Instance


class Cause(StrEnum):
    """What decides whether an instance is updated next; the wire and docs/why-not-updated.md have these words."""

    DUPLICATED = "duplicated"
    RATE_LIMITED = "rate_limited"
    UNREACHABLE = "unreachable"
    UPDATING = "updating"
    CONVERGING = "converging"
    WAITING = "waiting"
    CONVERGENCE_STOPPED = "convergence_stopped"
    WAITING_TO_CONVERGE = "waiting_to_converge"
    NO_DEPLOYMENT = "no_deployment"
    UNDONE = "undone"
    FAILED = "failed"
    SKIPPED = "skipped"
    DRIFTED = "drifted"
    UP_TO_DATE = "up_to_date"
    NOT_SELECTED = "not_selected"
    NOT_A_TARGET = "not_a_target"


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """Why the newest deployment has updated an instance, or has not. Moments are milliseconds since 1970-01-01 UTC."""

    cause: Cause
    message: str
    deployment_id: int | None = None
    """The deployment that the message is about."""
    held_by: str | None = None
    """The hold of that deployment for which a pending target waits."""
    since: int | None = None
    until: int | None = None
    """When it is over by itself at the latest, where that is known."""


class Part(msgspec.Struct, frozen=True):
    """A deployment, and the instance's target in it if it has one."""

    deployment: Deployment
    target: Target | None

    @property
    def name(self) -> str:
        """What a sentence calls the deployment."""
        kind = "Deployment" if self.deployment.rollback_of is None else "Rollback"
        return f"{kind} {self.deployment.id}"

    @property
    def state(self) -> TargetState | None:
        """The state of the instance's target; None without a target."""
        return None if self.target is None else self.target.state


class Inheriting(msgspec.Struct, frozen=True):
    """An instance's place among the instances that converge to a deployment after its end. Moments are in ms."""

    source: Deployment
    assigned_at: int | None
    """None while it waits for its turn."""
    deadline_at: int | None = None


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """All that the rules read. Moments are milliseconds since 1970-01-01 UTC."""

    now: int
    instance: Instance
    heard_at: int | None
    """When its last heartbeat arrived."""
    refused_until: int | None = None
    """Until when its requests are refused, because its agent has sent too many."""
    newest: Part | None = None
    """The deployment in flight, or the deployment that a rollback in flight undoes, or else the newest deployment."""
    rollback: Part | None = None
    """The rollback that undoes the newest deployment, or has undone it."""
    inheriting: Inheriting | None = None
