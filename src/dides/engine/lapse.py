"""What follows a success: while its deployment is in flight, a target that is at the target may leave it.

    report, with `observed` = generation     succeeded                       already at target
    ---------------------------------------  ------------------------------  -----------------------------------------
    FAILED, or another version               fails at once                   counts as at the target no longer
    another machine takes up its name        fails at once                   counts as at the target no longer
    silence, DEGRADED, an unknown version    fails if it lasts               is counted apart: "1 silent, 1 degraded"
    HEALTHY at the target                    is at the target again          is at the target again

It lasts when it began within `update_timeout` of the success and has gone on for `update_timeout`. Without `observed` a
second report has to confirm that another version runs: the first one may have been under way for long.
"""

import msgspec

from dides.engine.outage import counted_from
from dides.model.deployment import Deployment, Lapse, Target, TargetState, Wave
from dides.model.instance import Report
from dides.model.plan import Settled
from dides.model.state import Status

ALREADY = "already at target"
FAILS_IF_IT_LASTS = (Lapse.SILENT, Lapse.DEGRADED, Lapse.LEAVING)


def is_watched(target: Target) -> bool:
    """Tell whether a target counts as at the target, so that its reports still matter."""
    return target.state is TargetState.SUCCEEDED or target.already


def awaits_confirmation(target: Target, report: Report) -> bool:
    """Tell whether the report after this one, which counts, is needed even if the two are alike."""
    return is_watched(target) and lapse_of(target, report) is Lapse.LEAVING


def lapse_of(target: Target, report: Report) -> Lapse | None:
    """Return how a report that counts leaves a target that was at the target; None: it is there."""
    if report.status is Status.FAILED:
        return Lapse.LEFT
    if report.current.contradicts(target.to):
        confirmed = report.observed is not None or target.lapse in (Lapse.LEAVING, Lapse.LEFT)
        return Lapse.LEFT if confirmed else Lapse.LEAVING
    at_target = report.status is Status.HEALTHY and report.current.meets(target.to)
    return None if at_target else Lapse.DEGRADED


def after_report(target: Target, report: Report, deployment: Deployment) -> Target:
    """Return a watched target as a report that counts leaves it. A success that has ended does not come back."""
    if target.state is TargetState.SUCCEEDED and target.lapse is Lapse.LEFT:
        return target
    lapse = lapse_of(target, report)
    if lapse is target.lapse:
        return target
    return _lapsed(msgspec.structs.replace(target, report=report), lapse, report.at, deployment)


def after_silence(target: Target, last_heartbeat_at: int, deployment: Deployment) -> Target:
    """Return a watched target as silence since a moment (ms) leaves it."""
    if target.lapse is Lapse.LEFT:
        return target
    return _lapsed(target, Lapse.SILENT, last_heartbeat_at, deployment)


def after_replacement(target: Target) -> Target:
    """Return a watched target once another machine has registered under the name of its instance."""
    return _with_reason(msgspec.structs.replace(target, report=None, lapse=Lapse.LEFT, deadline_at=None))


def after_decommission(target: Target) -> Target:
    """Return a target once its instance is gone: nobody waits for it to return. What had ended stays ended."""
    if target.lapse is Lapse.LEFT:
        return target
    return msgspec.structs.replace(target, lapse=None, deadline_at=None)


def with_lapse(success: Settled, deployment: Deployment, now: int) -> Settled:
    """Return a success with what its instance has reported, or not, since it was HEALTHY at the target for long enough.

    `now` (ms) is the time of the verdict.
    """
    target = success.target
    lapse = None if target.report is None else lapse_of(target, target.report)
    if not target.reachable:
        lapse = Lapse.SILENT
    has_lapsed = lapse in FAILS_IF_IT_LASTS
    deadline = counted_from(deployment, now) + deployment.policy.update_timeout_ms if has_lapsed else None
    return msgspec.structs.replace(success, lapse=lapse, deadline_at=deadline)


def why_it_ended(target: Target, now: int, *, timeouts_run: bool) -> str | None:
    """Return why a success has ended at a moment (ms), or None while it stands."""
    if target.lapse is Lapse.LEFT:
        return _why_left(target)
    if target.lapse is None or target.deadline_at is None or not timeouts_run or now < target.deadline_at:
        return None
    silent = target.lapse is Lapse.SILENT
    return f"{'silent' if silent else 'not HEALTHY at the target'} for update_timeout after it had succeeded"


def tally_lapse(deployment: Deployment, before: Target, after: Target) -> Deployment:
    """Return the deployment with its totals as they are once a target, or its verdict, has changed its lapse."""
    if before.lapse is after.lapse and before.lapse is None:
        return deployment
    change = msgspec.structs.replace
    lost, found = _share_of(before), _share_of(after)
    counts = deployment.counts
    counts = change(
        counts,
        already=counts.already + found.already - lost.already,
        silent=counts.silent + found.silent - lost.silent,
        degraded=counts.degraded + found.degraded - lost.degraded,
    )
    wave = deployment.wave
    lapsed = wave.lapsed + _holds_up(wave, after) - _holds_up(wave, before)
    return change(deployment, counts=counts, wave=change(wave, lapsed=lapsed))


def _holds_up(wave: Wave, target: Target) -> bool:
    return target.state is TargetState.SUCCEEDED and target.lapse is not None and target.wave == wave.open


class _Share(msgspec.Struct, frozen=True):
    """What one watched target adds to the counts."""

    already: int = 0
    silent: int = 0
    degraded: int = 0


def _share_of(target: Target) -> _Share:
    left = target.lapse is Lapse.LEFT
    return _Share(
        already=int(target.already and not left),
        silent=int(target.lapse is Lapse.SILENT),
        # One that left before it succeeded is failed by the same step; until then it is at the target no longer.
        degraded=int(target.lapse in (Lapse.DEGRADED, Lapse.LEAVING) or (left and not target.already)),
    )


def _lapsed(target: Target, lapse: Lapse | None, since: int, deployment: Deployment) -> Target:
    """Return a target with a lapse that began at a moment (ms), and with the moment at which that has lasted."""
    deadline, timeout = target.deadline_at, deployment.policy.update_timeout_ms
    if target.already or lapse not in FAILS_IF_IT_LASTS:
        deadline = None
    elif deadline is None and since <= (target.finished_at or since) + timeout:
        deadline = counted_from(deployment, since) + timeout
    return _with_reason(msgspec.structs.replace(target, lapse=lapse, deadline_at=deadline))


def _with_reason(target: Target) -> Target:
    if not target.already:
        return target
    reason = f"{ALREADY}, then {_what_it_did(target)}" if target.lapse is Lapse.LEFT else ALREADY
    return msgspec.structs.replace(target, reason=reason)


def _why_left(target: Target) -> str:
    report = target.report
    if report is not None and report.status is not Status.FAILED:
        return f"fell back to {_version(target, report)} after it had succeeded"
    return f"{_what_it_did(target)} after it had succeeded"


def _what_it_did(target: Target) -> str:
    report = target.report
    if report is None:
        return "another machine took up its name"
    return "reported FAILED" if report.status is Status.FAILED else f"reported {_version(target, report)}"


def _version(target: Target, report: Report) -> str:
    """Return the versions that differ from the target's."""
    said, wanted = report.current, target.to
    pairs = (
        (said.code_version, wanted.code_version),
        (said.configuration_version, wanted.configuration_version),
    )
    return " and ".join(str(have) for have, want in pairs if None not in (have, want) and have != want)
