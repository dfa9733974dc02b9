"""Why an instance runs what it runs, as the engine finds it."""

from enum import StrEnum

import msgspec


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
