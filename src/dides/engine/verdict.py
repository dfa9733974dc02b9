"""The verdict on an updating target: what a heartbeat, or its absence, means. The first rule that matches wins.

"FAILED without `observed`" is decided in `reported_failed`, `min_healthy_time` in `note` and `succeeded`.
"""

from collections.abc import Callable, Iterable

import msgspec

from dides.engine.retries import postponed
from dides.model.deployment import Deployment, DeploymentStatus, Target, TargetState
from dides.model.instance import Report
from dides.model.plan import Postponed, Settled
from dides.model.policy import Policy
from dides.model.state import Status


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
    """Tell whether a heartbeat says anything about this telling.

    With `observed`, only when it is the generation of the telling; without it, when it was received since the telling.
    """
    if report.observed is not None:
        return report.observed == target.generation
    return target.told_at is not None and report.at >= target.told_at


def note(target: Target, report: Report, policy: Policy) -> Target:
    """Return an updating or succeeded target as a heartbeat leaves it; the same one when that changes nothing.

    A heartbeat that does not count changes nothing; one between two attempts says no more than that the first telling
    was read. Neither does one that follows another which calls for a verdict,
    until a step has given it, unless it would change that verdict too: a failure that was acknowledged is forgotten
    neither because the next heartbeat came first nor because it came right after the one that succeeded.
    """
    if not counts(report, target):
        return target
    if target.retry_at is not None:
        known = target.has_read or target.report is not None
        return target if known else msgspec.structs.replace(target, has_read=True)
    if report.status is Status.FAILED and not report.says_status:
        # It was FAILED before, and this heartbeat, which may be about the version alone, does not say that it still is.
        report = msgspec.structs.replace(report, status=Status.UNKNOWN)
    news = target.failure_is_news or (report.says_status and report.status is not Status.FAILED)
    noted = msgspec.structs.replace(
        target, report=report, failure_is_news=news, healthy_at=_healthy_at(target, report, policy)
    )
    time = heard_at(report.at)
    due = judge(target, time)
    if due and (due.state is TargetState.FAILED or not failed_after_success(noted, time)):
        return target
    return noted


def silenced(target: Target, now: int) -> Target:
    """Return a target as silence over the time to live leaves it: being HEALTHY has to be held from the beginning.

    What it has held for long enough before counts all the same, until a step has seen it.
    """
    if target.healthy_at is None or judge(target, heard_at(now)):
        return target
    return msgspec.structs.replace(target, healthy_at=None)


def matters(before: Target, after: Target, now: int) -> bool:
    """Tell whether what was noted calls for a step: for a verdict, or to wait for the end of `min_healthy_time`."""
    held = before.healthy_at is None and after.healthy_at is not None and after.state is TargetState.UPDATING
    return held or judge(after, heard_at(now)) is not None


def verdicts(deployment: Deployment, targets: Iterable[Target], time: Time) -> Verdicts:
    """Return the verdicts on updating and succeeded targets, one each at the most; failed attempts may be retried."""
    each_once = {target.id: target for target in targets}
    given = [verdict for target in each_once.values() if (verdict := judge(target, time))]
    again = {each.target.id: later for each in given if (later := postponed(deployment, each, time.now))}
    return Verdicts(tuple(each for each in given if each.target.id not in again), tuple(again.values()))


def judge(target: Target, time: Time) -> Settled | None:
    """Return the verdict on an updating or succeeded target; None means: wait. Between two attempts there is none."""
    if target.retry_at is not None:
        return None
    rules = UPDATING_RULES if target.state is TargetState.UPDATING else SUCCEEDED_RULES
    return next((verdict for rule in rules if (verdict := rule(target, time))), None)


def succeeded(target: Target, time: Time) -> Settled | None:
    """HEALTHY at the target, and held for `min_healthy_time`: succeeded, and its slot is free."""
    if target.healthy_at is None or time.now < target.healthy_at:
        return None
    return Settled(target=target, state=TargetState.SUCCEEDED)


def reported_failed(target: Target, _: Time) -> Settled | None:
    """FAILED, at the target or the old version, and it is about this telling.

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
    """None of the above by `update_timeout` after the telling: timed out, or lost if silent."""
    if not time.timeouts_run or target.deadline_at is None or time.now < target.deadline_at:
        return None
    if not target.reachable:
        return _failed(target, "lost: silent since it was told")
    return _failed(target, "timed out: not HEALTHY at the target in time")


def failed_after_success(target: Target, _: Time) -> Settled | None:
    """FAILED at the target, by one that had succeeded: a canary that dies later is a failed canary."""
    report = target.report
    if report is None or report.status is not Status.FAILED or not report.current.meets(target.to):
        return None
    return _failed(target, "reported FAILED after it had succeeded")


def _healthy_at(target: Target, report: Report, policy: Policy) -> int | None:
    """Return when HEALTHY at the target will have been held for long enough: any other report restarts it."""
    if report.status is not Status.HEALTHY or not report.current.meets(target.to):
        return None
    return report.at + policy.min_healthy_ms if target.healthy_at is None else target.healthy_at


def _failed(target: Target, reason: str) -> Settled:
    message = target.report.message if target.report else ""
    return Settled(target=target, state=TargetState.FAILED, reason=reason, message=message)


Rule = Callable[[Target, Time], Settled | None]
UPDATING_RULES: tuple[Rule, ...] = (succeeded, reported_failed, timed_out)
SUCCEEDED_RULES: tuple[Rule, ...] = (failed_after_success,)
