"""What holds a deployment, in full: what it means, and what would release it. The engine says which hold it is.

`holds_in_short` says the same of a hold of which only the name on the wire is known.
"""

from collections.abc import Callable
from datetime import datetime

import msgspec

from dides.engine import window
from dides.engine.waves import open_size
from dides.model.deployment import Deployment
from dides.runtime.clock import to_datetime
from dides.text.format import plural, seconds


class Hold(msgspec.Struct, frozen=True, kw_only=True):
    """Why the next update does not start now."""

    name: str | None
    """As the wire has it; None when no setting holds it."""
    means: str
    release: str
    until: datetime | None = None
    """When it is over by itself, where that is known."""
    since: datetime | None = None


def hold_of(deployment: Deployment) -> Hold | None:
    """Return what holds a deployment that is in flight; None for one that has ended."""
    if not deployment.in_flight:
        return None
    name = window.held_by(deployment)
    return _HOLDS[name](deployment) if name else _nothing(deployment)


def _paused(deployment: Deployment) -> Hold:
    return Hold(
        name=window.PAUSED,
        means="An operator has paused it. No new updates start; timeouts are paused.",
        release="It goes on when somebody resumes it.",
        since=None if deployment.paused_at is None else to_datetime(deployment.paused_at),
    )


def _outage(deployment: Deployment) -> Hold:
    silent = "" if deployment.outage is None else f" of {plural(deployment.outage.base, 'instance')}"
    return Hold(
        name=window.OUTAGE,
        means=f"Most{silent} to which nothing is done fell silent at once, as when the network is cut. No new "
        "updates start; timeouts are paused.",
        release="It goes on when half of them report again, after the coordinator's --outage-limit, or when somebody "
        "resumes it.",
        since=None if deployment.outage is None else to_datetime(deployment.outage.since),
    )


def _promote(deployment: Deployment) -> Hold:
    return Hold(
        name=window.PROMOTE,
        means=f"{_wave(deployment)} complete. Waiting for approval, because wave_pause is manual.",
        release="It goes on when somebody promotes it: dides promote.",
    )


def _soak(deployment: Deployment) -> Hold:
    soaked_at = deployment.timers.soaked_at
    return Hold(
        name=window.SOAK,
        means=f"{_wave(deployment)} complete. It soaks for {seconds(_soak_seconds(deployment))} before the next.",
        release="It goes on when that time is over, or when somebody promotes it.",
        until=None if soaked_at is None else to_datetime(soaked_at),
    )


def _health(deployment: Deployment) -> Hold:
    until, lapsed = deployment.timers.health_until, deployment.wave.lapsed
    return Hold(
        name=window.HEALTH,
        means=f"{_wave(deployment)} complete, but {plural(lapsed, 'instance')} that had succeeded in it "
        f"{'is' if lapsed == 1 else 'are'} not HEALTHY at the target now.",
        release="It goes on when they are HEALTHY again, when that time is over, or when somebody promotes it.",
        until=None if until is None else to_datetime(until),
    )


def _wave_open(deployment: Deployment) -> Hold:
    size, updating = plural(open_size(deployment), "target"), deployment.counts.updating
    return Hold(
        name=window.WAVE,
        means=f"{_wave(deployment)} lets {size} start in all, and {updating:,} of them still "
        f"{'updates' if updating == 1 else 'update'}.",
        release="It goes on when none of them updates any more.",
    )


def _batch_size(deployment: Deployment) -> Hold:
    return Hold(
        name=window.BATCH_SIZE,
        means=f"Updating {deployment.counts.updating:,} of {deployment.window:,}.",
        release="It goes on when one of them succeeds or fails.",
    )


def _max_unavailable(deployment: Deployment) -> Hold:
    unavailable = plural(deployment.counts.unavailable, "instance is", "instances are")
    return Hold(
        name=window.MAX_UNAVAILABLE,
        means=f"{unavailable} updating or not HEALTHY, and {deployment.max_unavailable:,} may be.",
        release="It goes on when one of them becomes HEALTHY. Held so for "
        f"{seconds(deployment.policy.update_timeout)} with nothing updating, it fails.",
    )


def _spread_by(deployment: Deployment) -> Hold:
    return Hold(
        name=window.SPREAD_BY,
        means=f"Each value of {deployment.policy.spread_by} that has targets left has its share of the window: "
        f"{deployment.share:,} updating.",
        release="It goes on when one of such a value succeeds or fails.",
    )


def _nothing(deployment: Deployment) -> Hold:
    counts = deployment.counts
    if counts.pending > counts.deferred:
        return Hold(name=None, means="Nothing holds it.", release="The next step starts further updates.")
    left = "No target is left to start."
    if counts.deferred:
        be = "is" if counts.deferred == 1 else "are"
        left = f"Only {plural(counts.deferred, 'target')} that cannot be reached {be} left."
    release = "It ends with the next step."
    if counts.updating:
        release = f"It ends when {plural(counts.updating, 'more target has', 'more targets have')} succeeded or failed."
    return Hold(name=None, means=left, release=release)


def _wave(deployment: Deployment) -> str:
    return f"Wave {deployment.wave.open} of {len(deployment.waves)}"


def _soak_seconds(deployment: Deployment) -> float:
    return (deployment.policy.wave_pause_ms or 0) / 1000


_HOLDS: dict[str, Callable[[Deployment], Hold]] = {
    window.PAUSED: _paused,
    window.OUTAGE: _outage,
    window.PROMOTE: _promote,
    window.SOAK: _soak,
    window.HEALTH: _health,
    window.WAVE: _wave_open,
    window.BATCH_SIZE: _batch_size,
    window.MAX_UNAVAILABLE: _max_unavailable,
    window.SPREAD_BY: _spread_by,
}
