"""What stops a deployment before its targets are done. The first rule that matches gives the reason.

A rollback is stopped by none of these: failures in it are recorded, and it goes on.
"""

from collections.abc import Callable

from dides.engine.ending import nothing_left
from dides.engine.threshold import threshold_reached
from dides.engine.verdict import Time
from dides.engine.waves import has_no_success, has_started, is_done, why_no_success
from dides.model.deployment import Deployment, Kind


def why_tripped(deployment: Deployment, time: Time) -> str | None:
    """Return why a deployment stops now, or None when it goes on."""
    if deployment.kind is Kind.ROLLBACK:
        return None
    return next((reason for rule in RULES if (reason := rule(deployment, time))), None)


def wave_failed(deployment: Deployment, time: Time) -> str | None:
    """Stop when the open wave is done and none in it is succeeded; ending.py takes care of the last one."""
    done = is_done(deployment) and (time.timeouts_run or has_started(deployment))
    return why_no_success(deployment) if done and has_no_success(deployment) else None


def deadline_passed(deployment: Deployment, time: Time) -> str | None:
    """Stop when the whole deployment has taken longer than its `deadline`."""
    deadline, counts = deployment.timers.deadline_at, deployment.counts
    if deadline is None or time.now < deadline or not time.timeouts_run:
        return None
    if nothing_left(deployment) or deployment.timers.waiting_since is not None:
        return None  # It was done in time, and this very step ends it; or it waits for its operator.
    left = counts.pending + counts.updating
    return f"deadline of {deployment.policy.deadline:g} s passed: {left} of {counts.total} were not done"


def blocked_too_long(deployment: Deployment, time: Time) -> str | None:
    """Stop when `max_unavailable` has kept it from going on for `update_timeout`, with nothing updating."""
    until, cap = deployment.timers.blocked_until, deployment.max_unavailable
    if until is None or cap is None or time.now < until or not time.timeouts_run:
        return None
    if deployment.counts.updating or deployment.counts.unavailable < cap:
        return None
    return (
        f"held by max_unavailable for {deployment.policy.update_timeout:g} s: {deployment.counts.unavailable} of "
        f"{deployment.counts.total} are not HEALTHY (at most {cap} may be); repair those, or raise the limit"
    )


Rule = Callable[[Deployment, Time], str | None]
RULES: tuple[Rule, ...] = (threshold_reached, wave_failed, deadline_passed, blocked_too_long)
