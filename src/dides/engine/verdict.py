"""The verdict on an updating target: what a heartbeat, or its absence, means. The first rule that matches wins.

"FAILED without `observed`" is decided in `reported_failed`, `min_healthy_time` in `note` and `succeeded`. What may
follow a success is in lapse.py.
"""

from collections.abc import Callable, Iterable

import msgspec

from dides.engine.lapse import after_report, after_silence, is_watched, lapse_of, why_it_ended, with_lapse
from dides.engine.retries import postponed
from dides.model.deployment import Deployment, DeploymentStatus, Lapse, Target, TargetState
from dides.model.instance import Report
from dides.model.plan import Postponed, Settled
from dides.model.policy import Policy
from dides.model.state import Status

DUPLICATED = "two agents report as this instance"


class Time(msgspec.Struct, frozen=True):
    """The one time of a step, and whether timeouts count at it."""

    now: int
    timeouts_run: bool


class Verdicts(msgspec.Struct, frozen=True):
    """What the reports and the moments that have come mean for their targets."""

    settled: tuple[Settled, ...]
    postponed: tuple[Postponed, ...]


def heard_at(now: int) -> Time:
    """Return a time at which only what was reported counts, and no timeout."""
    return Time(now, timeouts_run=False)


def time_of(deployment: Deployment, now: int, quiet_until: int) -> Time:
    """Return the time for verdicts: timeouts stand still in a pause, and while a coordinator has just come back."""
    return Time(now, deployment.status is DeploymentStatus.RUNNING and now >= quiet_until)


def counts(report: Report, target: Target) -> bool:
    """Tell whether a heartbeat says anything about this assignment.

    With `observed`, only when it is the generation of the assignment; without it, when it was received since then.
    """
    if report.observed is not None:
        return report.observed == target.generation
    return target.assigned_at is not None and report.at >= target.assigned_at


def note(target: Target, report: Report, deployment: Deployment) -> Target:
    """Return an updating or watched target as a heartbeat leaves it; the same one when that changes nothing.

    A heartbeat that does not count changes nothing. One between two attempts says only that the instance has read the
    first assignment. A report that calls for a verdict is kept until a step gives that verdict: a later report neither
    hides a failure, nor takes a success back; what it says of the time since the success is kept beside it.
    """
    if not counts(report, target):
        return target
    if target.retry_at is not None:
        known = target.has_read or target.report is not None
        return target if known else msgspec.structs.replace(target, has_read=True)
    if report.status is Status.FAILED and not report.says_status:
        # It was FAILED before, and this heartbeat, which may be about the version alone, does not say that it still is.
        report = msgspec.structs.replace(report, status=Status.UNKNOWN)
    if is_watched(target):
        return after_report(target, report, deployment)
    return _note_updating(target, report, deployment.policy)


def _note_updating(target: Target, report: Report, policy: Policy) -> Target:
    news = target.failure_is_news or (report.says_status and report.status is not Status.FAILED)
    noted = msgspec.structs.replace(
        target, report=report, failure_is_news=news, healthy_at=_healthy_at(target, report, policy)
    )
    due = judge(target, heard_at(report.at))
    if due is None:
        return noted
    if due.state is TargetState.FAILED:
        return target
    if report.status is Status.FAILED:
        return noted
    # It has succeeded, and the step that says so will see what it reports since.
    return msgspec.structs.replace(target, report=report)


def silenced(target: Target, now: int, deployment: Deployment, last_heartbeat_at: int) -> Target:
    """Return a target as silence over the time to live leaves it: being HEALTHY has to be held from the beginning.

    What it has held for long enough before counts all the same, until a step has seen it. Moments are milliseconds.
    """
    if is_watched(target):
        return after_silence(target, last_heartbeat_at, deployment)
    if target.healthy_at is None or judge(target, heard_at(now)):
        return target
    return msgspec.structs.replace(target, healthy_at=None)


def matters(before: Target, after: Target, now: int) -> bool:
    """Tell whether what was noted calls for a step: for a verdict, or to wait for a moment from now on."""
    if is_watched(after):
        return before.lapse is not after.lapse
    held = before.healthy_at is None and after.healthy_at is not None and after.state is TargetState.UPDATING
    return held or judge(after, heard_at(now)) is not None


def verdicts(deployment: Deployment, targets: Iterable[Target], time: Time) -> Verdicts:
    """Return the verdicts on updating and succeeded targets, one each at the most; failed attempts may be retried."""
    each_once = {target.id: target for target in targets}
    given = [verdict for target in each_once.values() if (verdict := judge(target, time))]
    again = {each.target.id: later for each in given if (later := postponed(deployment, each, time.now))}
    settled = (verdict for verdict in given if verdict.target.id not in again)
    return Verdicts(tuple(_at_its_time(deployment, verdict, time.now) for verdict in settled), tuple(again.values()))


def _at_its_time(deployment: Deployment, verdict: Settled, now: int) -> Settled:
    """Return a verdict with what a target that succeeds has done since it was HEALTHY for long enough."""
    return with_lapse(verdict, deployment, now) if verdict.state is TargetState.SUCCEEDED else verdict


def judge(target: Target, time: Time) -> Settled | None:
    """Return the verdict on an updating or succeeded target; None means: wait. Between two attempts there is none."""
    if target.retry_at is not None:
        return None
    rules = {TargetState.UPDATING: UPDATING_RULES, TargetState.SUCCEEDED: SUCCEEDED_RULES}.get(target.state, ())
    return next((verdict for rule in rules if (verdict := rule(target, time))), None)


def duplicated(target: Target, time: Time) -> Settled | None:
    """Two agents report as its instance: whatever one of them says, the other may run something else."""
    return _failed(target, DUPLICATED) if time.now < target.duplicated_until else None


def fell_back_at_once(target: Target, time: Time) -> Settled | None:
    """HEALTHY at the target for `min_healthy_time`, and then, before a step has said so, at another version: failed."""
    if succeeded(target, time) is None or target.report is None:
        return None
    if lapse_of(target, target.report) is not Lapse.LEFT:
        return None
    reason = why_it_ended(msgspec.structs.replace(target, lapse=Lapse.LEFT), time.now, timeouts_run=False)
    return _failed(target, reason) if reason else None


def succeeded(target: Target, time: Time) -> Settled | None:
    """HEALTHY at the target, and held for `min_healthy_time`: succeeded, and its slot is free."""
    if target.healthy_at is None or time.now < target.healthy_at:
        return None
    return Settled(target=target, state=TargetState.SUCCEEDED)


def reported_failed(target: Target, _: Time) -> Settled | None:
    """FAILED, at the target or the old version, and it is about this assignment.

    A report with `observed` is, because only those of this generation count. One without is when FAILED is news: the
    instance was not FAILED when told, or has reported another status since. (Otherwise an instance that was FAILED
    before, and has not yet acted on the new version that may mend it, would be taken for a failure of that version.)
    """
    report = target.report
    if report is None or report.status is not Status.FAILED:
        return None
    if report.observed is None and not target.failure_is_news:
        return None
    return _failed(target, "reported FAILED")


def timed_out(target: Target, time: Time) -> Settled | None:
    """None of the above by `update_timeout` after the assignment: timed out, or lost if silent."""
    if not time.timeouts_run or target.deadline_at is None or time.now < target.deadline_at:
        return None
    if not target.reachable:
        return _failed(target, "lost: silent since it was told")
    return _failed(target, "timed out: not HEALTHY at the target in time")


def success_ended(target: Target, time: Time) -> Settled | None:
    """Fail a target that succeeded and then left the target, or was silent or ill for long: a failed canary."""
    reason = why_it_ended(target, time.now, timeouts_run=time.timeouts_run)
    return _failed(target, reason) if reason else None


def _healthy_at(target: Target, report: Report, policy: Policy) -> int | None:
    """Return when HEALTHY at the target will have been held for long enough: any other report restarts it."""
    if report.status is not Status.HEALTHY or not report.current.meets(target.to):
        return None
    return report.at + policy.min_healthy_ms if target.healthy_at is None else target.healthy_at


def _failed(target: Target, reason: str) -> Settled:
    message = target.report.message if target.report else ""
    return Settled(target=target, state=TargetState.FAILED, reason=reason, message=message)


Rule = Callable[[Target, Time], Settled | None]
UPDATING_RULES: tuple[Rule, ...] = (duplicated, fell_back_at_once, succeeded, reported_failed, timed_out)
SUCCEEDED_RULES: tuple[Rule, ...] = (duplicated, success_ended)
