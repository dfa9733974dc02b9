"""What an instance reports about itself: a pure function of where it stands and what its last check said."""

import msgspec
from msgspec import UNSET

from dides.agent.persisted import Standing
from dides.model.state import Status
from dides.protocol.messages import Heartbeat

APPLYING = "applying"
TOGETHER = frozenset({"session", "sequence"})


class Verdict(msgspec.Struct, frozen=True):
    """How an instance is, and why when it is not HEALTHY."""

    status: Status
    message: str = ""


HEALTHY = Verdict(Status.HEALTHY)
UNCHECKED = Verdict(Status.DEGRADED, "not checked yet")


def judge(standing: Standing, checked: Verdict | None) -> Verdict:
    """Return how the instance is; `checked` is the last check since the last apply, None before the first one.

    An apply speaks louder than a check: while it runs (or starts over, after a kill) the instance is DEGRADED, and
    once it has failed the instance is FAILED until it is told again.
    """
    if standing.attempt is None:
        return checked or UNCHECKED
    if standing.attempt.failure is None:
        return Verdict(Status.DEGRADED, APPLYING)
    return Verdict(Status.FAILED, standing.attempt.failure)


def compose(standing: Standing, checked: Verdict | None) -> Heartbeat:
    """Return the heartbeat of an instance: everything it knows, and the generation once there is one."""
    verdict = judge(standing, checked)
    return Heartbeat(
        code_version=standing.applied.code_version,
        configuration_version=standing.applied.configuration_version,
        status=verdict.status,
        observed=UNSET if standing.generation is None else standing.generation,
        message=verdict.message,
    )


def without(heartbeat: Heartbeat, fields: frozenset[str]) -> Heartbeat:
    """Return a heartbeat that leaves these fields out (an older coordinator does not know them).

    A session and a number say nothing without each other.
    """
    left_out = fields | TOGETHER if fields & TOGETHER else fields
    return msgspec.structs.replace(heartbeat, **dict.fromkeys(left_out, UNSET))
