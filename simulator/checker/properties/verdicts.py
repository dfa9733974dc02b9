"""Properties of verdicts: each is earned by what was really heard, or by time that really went by."""

from collections.abc import Iterator, Sequence

from simulator.base.units_of_work import INGEST_BATCH, STEP
from simulator.checker.deployment_history import DeploymentHistory, Report, earned_failure
from simulator.checker.history import Memory
from simulator.checker.rows import FAILED, HEALTHY, TargetRow, meets
from simulator.checker.snapshots import Change
from simulator.checker.unstored_acks import Life

SLACK_MS = 1_000
"""How far the checker's idea of an outage may be off from that of the coordinators, for each outage."""
UNKNOWN_MS = 5_000
"""For how long one coordinator may not know that another one has heard of an instance."""
BY_REPORT, BY_TIME = "reported FAILED", ("timed out", "lost")
BY_TWO = "two agents report as this instance"
AFTER_SUCCESS = "after it had succeeded"
BY_ABSENCE = ("silent for", "not HEALTHY at the target for")


def successes_are_earned(change: Change, memory: Memory) -> Iterator[str]:
    """Succeeded: HEALTHY at the target for `min_healthy_time`, by heartbeats that are about this assignment."""
    for before, after in change.settled:
        if after.state == "succeeded" and not _has_succeeded(change, memory, before):
            yield f"{after.instance} succeeded in deployment {after.deployment_id} without having been HEALTHY there"


def earned_successes_count(change: Change, memory: Memory) -> Iterator[str]:
    """A target that was HEALTHY where it was told to be has succeeded, before it is timed out or stopped."""
    for before, after in change.settled:
        story = memory.stories[after.deployment_id]
        told = before.state == "updating" and before.id in story.assigned
        if not told or story.setting("retries") or story.setting("min_healthy_time"):
            continue
        by_time = after.state == "failed" and after.reason.startswith(BY_TIME)
        absence = max(memory.uptime.last_return, memory.uptime.store_back_at)
        if not (by_time or after.state == "skipped") or absence > story.assigned[before.id].at:
            continue  # What was heard before an outage has to be held until everybody may have been heard of again.
        reports = _about(memory, before)
        sound = next((place for place, report in enumerate(reports) if _is_sound(report, before)), None)
        if sound is not None and not any(_has_left(report, before) for report in reports[sound:]):
            yield f"{after.instance} was HEALTHY in deployment {after.deployment_id}, and {after.state}: {after.reason}"


def failures_are_earned(change: Change, memory: Memory) -> Iterator[str]:
    """Failed: FAILED was reported, about this assignment, or the time is over."""
    for before, after in change.settled:
        if after.state != "failed" or after.reason.endswith(AFTER_SUCCESS):
            continue
        story = memory.stories[after.deployment_id]
        reports = memory.reports.get(before.instance_id or 0, [])
        if after.reason.startswith(BY_REPORT):
            if not any(earned_failure(each, story, before, reports) for each in reports):
                yield f"{after.instance} failed in deployment {after.deployment_id}, and did not report that"
        elif after.reason == BY_TWO:
            if after.instance not in memory.clones:
                yield f"{after.instance} failed in deployment {after.deployment_id} as two, and is one"
        elif not after.reason.startswith(BY_TIME):
            yield f"{after.instance} failed for no known reason: {after.reason!r}"


def ended_successes_are_real(change: Change, memory: Memory) -> Iterator[str]:
    """A success ends by a report of FAILED or another version, by another machine, or by absence that lasts."""
    for before, after in change.settled:
        if after.state != "failed" or not after.reason.endswith(AFTER_SUCCESS):
            continue
        story = memory.stories[after.deployment_id]
        reports = _about(memory, before)
        if after.reason.startswith(BY_ABSENCE):
            sound = max((report.at for report in reports if _is_sound(report, before)), default=0)
            active = memory.active(story, sound, change.now)
            if active + _slack(memory) < story.policy["update_timeout"] * 1000:
                yield f"the success of {after.instance} ended after {active / 1000:g} s without it"
        elif after.reason.startswith("another machine"):
            continue  # Registrations are not among the reports; the unit tests have this case.
        elif not any(_has_left(report, before) for report in reports):
            yield f"the success of {after.instance} ended without a report: {after.reason!r}"


def successes_end(change: Change, memory: Memory) -> Iterator[str]:
    """A success ends with the next step once its instance has said FAILED, or another version."""
    for row in change.after.in_flight() if change.unit == STEP else ():
        for target in change.after.targets_of(row.id):
            if target.state != "succeeded" or target.instance_id not in change.after.instances:
                continue
            since = [report for report in _about(memory, target) if report.observed is not None]
            needed = round((memory.stories[row.id].setting("min_healthy_time") or 0) * 1000)
            if _has_left_since(since, target, needed, memory):
                yield f"{target.instance} has left deployment {row.id}, and counts as a success"


def _has_left_since(reports: list[Report], target: TargetRow, needed: int, memory: Memory) -> bool:
    """Tell whether a target was left after it had been held for so many ms in which somebody watched."""
    begun: int | None = None
    held = False
    for report in reports:
        if not _is_sound(report, target):
            begun = None
        elif begun is None:
            begun = report.at
        held = held or (begun is not None and memory.uptime.active(begun, report.at, ()) >= needed)
        if held and _has_left(report, target):
            return True
    return False


def _is_sound(report: Report, target: TargetRow) -> bool:
    return report.status == HEALTHY and meets(report.current, target.to)


def _has_left(report: Report, target: TargetRow) -> bool:
    other = any(None not in pair and pair[0] != pair[1] for pair in zip(report.current, target.to, strict=True))
    return other or (report.status == FAILED and report.says_status)


def acknowledged_failures_count(change: Change, memory: Memory) -> Iterator[str]:
    """A report that calls for a verdict is kept until a step has seen it: no later one makes FAILED forgotten."""
    for before, after in change.settled:
        if after.state != "succeeded" or before.state != "updating":
            continue
        story, reports = memory.stories[after.deployment_id], memory.reports.get(before.instance_id or 0, [])
        failures = [each for each in reports if earned_failure(each, story, before, reports)]
        breaks = [*memory.silences.get(before.instance_id or 0, []), change.now]
        if failures and not _has_held(_about(memory, before, until=failures[0]), story, before, breaks):
            yield f"{after.instance} had reported FAILED before it succeeded in deployment {after.deployment_id}"


def timeouts_are_over(change: Change, memory: Memory) -> Iterator[str]:
    """Timed out: `update_timeout` after the assignment; pauses, and time without a coordinator, do not count."""
    for before, after in change.settled:
        if after.state != "failed" or not after.reason.startswith(BY_TIME):
            continue
        story = memory.stories[after.deployment_id]
        active = memory.active(story, story.assigned[before.id].at, change.now)
        if active + _slack(memory) < story.policy["update_timeout"] * 1000:
            yield f"{after.instance} failed by time after {active / 1000:g} s of {story.policy['update_timeout']:g} s"
        if _is_quiet(change, memory):
            yield f"{after.instance} failed by time within one time to live after an outage"


def deadlines_are_over(change: Change, memory: Memory) -> Iterator[str]:
    """A deployment fails by its `deadline`, in which no pause, outage or wait for a promotion counts."""
    for before, after in change.deployments:
        if before and after and before.in_flight and after.reason.startswith("deadline"):
            story = memory.stories[after.id]
            stood_still = [*story.pauses_until(change.now), *story.waits_until(change.now)]
            active = memory.uptime.active(after.created_at, change.now, stood_still)
            if active + _slack(memory) < (story.setting("deadline") or 0) * 1000:
                yield f"deployment {after.id} failed by its deadline after {active / 1000:g} s"


def silence_is_real(change: Change, memory: Memory) -> Iterator[str]:
    """An instance is unreachable once it has been silent for its time to live, and not within one after an outage."""
    for before, after in change.instances:
        if not before or not after or not before.reachable or after.reachable:
            continue
        signs = memory.lives.get(after.name, ())
        heard = max([before.last_heartbeat_at or 0, before.registered_at, *(each.at for each in signs)])
        unknown = _was_silent_elsewhere(change, memory, signs)
        if change.now - heard < memory.time_to_live_ms and not unknown:
            yield f"{after.name} was declared unreachable after {change.now - heard} ms of silence"
        if memory.uptime.outages and change.now < memory.uptime.last_return + memory.time_to_live_ms:
            yield f"{after.name} was declared unreachable within one time to live after an outage"


def returns_are_real(change: Change, _: Memory) -> Iterator[str]:
    """An unreachable instance is reachable again once something has been heard of it that is newer than its silence."""
    for before, after in change.instances:
        if not before or not after or before.reachable or not after.reachable:
            continue
        registered = after.registered_at != before.registered_at
        if not registered and (after.last_heartbeat_at or 0) <= (before.last_heartbeat_at or 0):
            yield f"{after.name} is reachable again by what was heard of it at {after.last_heartbeat_at}, before that"


def heartbeats_are_taken_in(change: Change, memory: Memory) -> Iterator[str]:
    """An instance's current state is what its newest heartbeat says, over what the earlier ones said."""
    for instance_id, reports in memory.reports.items() if change.unit == INGEST_BATCH else ():
        after, newest = change.after.instances.get(instance_id), reports[-1]
        if after is None or newest.stored_at != change.number:
            continue
        if (newest.status, newest.current) != (after.status, after.current) or not after.reachable:
            yield f"{after.name} is shown as {after.status} at {after.current}, and has reported {newest}"


def _was_silent_elsewhere(change: Change, memory: Memory, signs: Sequence[Life]) -> bool:
    """Tell whether only other coordinators have heard, a moment ago, of one that had been silent for too long."""
    recent = [each for each in signs if change.now - each.at < UNKNOWN_MS]
    earlier = max((each.at for each in signs if change.now - each.at >= UNKNOWN_MS), default=0)
    elsewhere = bool(recent) and all(each.coordinator != change.by for each in recent)
    return elsewhere and recent[0].at - earlier >= memory.time_to_live_ms


def _is_quiet(change: Change, memory: Memory) -> bool:
    """Tell whether it is within one time to live after an outage."""
    uptime = memory.uptime
    return bool(uptime.outages) and change.now < uptime.last_return + memory.time_to_live_ms - SLACK_MS


def _has_succeeded(change: Change, memory: Memory, target: TargetRow) -> bool:
    story, instance_id = memory.stories[target.deployment_id], target.instance_id or 0
    breaks = [*memory.silences.get(instance_id, []), change.now]
    return _has_held(_about(memory, target), story, target, breaks)


def _about(memory: Memory, target: TargetRow, until: Report | None = None) -> list[Report]:
    """Return the reports about the newest assignment of a target, up to one of them."""
    assignment = memory.stories[target.deployment_id].assigned.get(target.id)
    reports = memory.reports.get(target.instance_id or 0, [])
    if until is not None:
        reports = reports[: reports.index(until)]
    return [each for each in reports if assignment and each.counts(assignment)]


def _has_held(reports: list[Report], story: DeploymentHistory, target: TargetRow, breaks: list[int]) -> bool:
    """Tell whether HEALTHY at the target was held for long enough; other reports and silence end that."""
    needed = round((story.setting("min_healthy_time") or 0) * 1000)
    since: int | None = None
    for moment, good in sorted(
        [(each.at, each.status == HEALTHY and meets(each.current, target.to)) for each in reports]
        + [(each, False) for each in breaks],
        key=lambda each: each[0],
    ):
        if since is not None and moment - since >= needed:
            return True
        since = (moment if since is None else since) if good else None
    return since is not None and needed == 0


def _slack(memory: Memory) -> int:
    return SLACK_MS * (1 + memory.uptime.outages)
