"""Properties of a deployment as a whole: its window, its threshold, its failures, its counters, its end."""

from collections import Counter
from collections.abc import Iterator

from simulator.base.units_of_work import STEP
from simulator.checker.history import Memory
from simulator.checker.rows import HEALTHY, DeploymentRow, TargetRow, meets
from simulator.checker.snapshots import Change, name_all

STATES = ("pending", "updating", "succeeded", "failed", "skipped")
FINISHED = ("succeeded", "failed", "skipped")
LEFT = "left"
BY_TIME = ("timed out", "lost", "silent for", "not HEALTHY at the target for", "unreachable")


def one_in_flight(change: Change, _: Memory) -> Iterator[str]:
    """At most one deployment in flight."""
    if change.deployments and len(flying := change.after.in_flight()) > 1:
        yield f"deployments {[each.id for each in flying]} are in flight together"


def window_is_kept(change: Change, memory: Memory) -> Iterator[str]:
    """Never more than the window updating."""
    for row in change.after.in_flight() if change.targets else ():
        updating = [each for each in change.after.targets_of(row.id) if each.state == "updating"]
        if len(updating) > memory.stories[row.id].window:
            window = memory.stories[row.id].window
            yield f"{len(updating)} targets of deployment {row.id} are updating, its window is {window}"


def tripped_assigns_nothing(change: Change, memory: Memory) -> Iterator[str]:
    """Once tripped no new updates start."""
    for _, target in change.assigned_targets:
        row, was = change.after.deployments[target.deployment_id], change.before.deployments.get(target.deployment_id)
        if was is not None and not was.in_flight:
            yield f"{target.instance} was told by deployment {row.id}, which had {was.status}"
        story = memory.stories[row.id]
        tripped = row.status == "aborted" or (row.status == "failed" and not story.rolls_back)
        if tripped and not target.already:
            yield f"{target.instance} was told in the very step in which deployment {row.id} {row.status}"
        failed = _failed(change, row, joined=bool(target.joined))
        if target.state == "updating" and not story.rolls_back and failed >= story.threshold(row):
            yield f"{target.instance} was told by deployment {row.id} with {failed} failed targets"


def threshold_trips(change: Change, memory: Memory) -> Iterator[str]:
    """`failed >= failure_threshold` trips: the deployment is `failed` at once, in the step that sees it."""
    if change.unit != STEP:
        return
    for row in change.after.in_flight():
        story = memory.stories[row.id]
        failed = _failed(change, row)
        if not story.rolls_back and failed >= story.threshold(row):
            yield f"deployment {row.id} goes on with {failed} failed targets"


def trips_are_earned(change: Change, memory: Memory) -> Iterator[str]:
    """By its threshold a deployment fails only once so many of its targets have: not for those that joined later."""
    for before, row in change.deployments:
        if before is None or row is None or not before.in_flight or not row.reason.startswith("failure threshold"):
            continue
        failed, needed = _failed(change, row), memory.stories[row.id].threshold(row)
        if failed < needed:
            yield f"deployment {row.id} {row.status} with {failed} failed targets, its threshold is {needed}"


def failures_are_kept(change: Change, memory: Memory) -> Iterator[str]:
    """Failures are never forgotten, not by a restart either."""
    for before, after in change.targets:
        known = before is not None and before.id in memory.stories[before.deployment_id].failed
        if before and known and (after is None or after.state != "failed"):
            yield f"the failure of {before.instance} in deployment {before.deployment_id} was forgotten"
    for before_row, row in change.deployments:
        if before_row and row and row.failed < before_row.failed:
            yield f"deployment {row.id} had {before_row.failed} failures and has {row.failed}"


def counters_are_true(change: Change, memory: Memory) -> Iterator[str]:
    """The counters are kept in the same transactions that change what they count."""
    changed = {row.id for _, row in change.deployments if row}
    changed |= {row.deployment_id for pair in change.targets for row in pair if row}
    if change.instances:
        changed |= {row.id for row in change.after.in_flight() if memory.stories[row.id].setting("max_unavailable")}
    for row in (change.after.deployments[each] for each in sorted(changed)):
        for name, number in _real_counts(change, memory, row).items():
            if getattr(row, name) != number:
                yield f"deployment {row.id} counts {getattr(row, name)} {name}, there are {number}"


def ends_are_final(change: Change, _: Memory) -> Iterator[str]:
    """Completed, failed and aborted are final; a finished target stays what it is, but a succeeded one may fail."""
    for before_row, row in change.deployments:
        if before_row and not before_row.in_flight and (row is None or row.status != before_row.status):
            yield f"deployment {before_row.id} had {before_row.status} and changed"
        ended = row and before_row and before_row.in_flight and not row.in_flight
        left = (
            [each for each in change.after.targets_of(before_row.id) if each.state not in FINISHED]
            if before_row
            else []
        )
        if ended and left and before_row:
            yield f"deployment {before_row.id} has ended, but not {name_all(left)}"
    for before, after in change.settled:
        if before.state in FINISHED and (before.state, after.state) != ("succeeded", "failed"):
            yield f"{after.instance} had {before.state} in deployment {after.deployment_id} and is {after.state}"
        if before.state == "succeeded" and not change.before.deployments[after.deployment_id].in_flight:
            yield f"{after.instance} {after.state} after the end of deployment {after.deployment_id}"


def pause_assigns_nothing(change: Change, _: Memory) -> Iterator[str]:
    """In a pause no new updates start."""
    for _before, target in change.assigned_targets:
        was = change.before.deployments.get(target.deployment_id)
        if was is not None and was.status == "paused":
            yield f"{target.instance} was told by deployment {was.id} while that was paused"


def outages_hold_everything(change: Change, _: Memory) -> Iterator[str]:
    """While most instances are silent no update starts, and no target fails, or is given up, by time alone."""
    for was in change.before.in_flight():
        row = change.after.deployments.get(was.id)
        if row is None or not was.held_by_outage or (row.in_flight and not row.held_by_outage):
            continue
        for _before, target in change.assigned_targets:
            if target.deployment_id == row.id:
                yield f"{target.instance} was assigned something by deployment {row.id} in an outage"
        for _before, target in change.settled:
            if target.deployment_id == row.id and target.reason.startswith(BY_TIME):
                yield f"{target.instance} is {target.state} in deployment {row.id} in an outage: {target.reason}"


def endings_are_true(change: Change, memory: Memory) -> Iterator[str]:
    """A deployment that completes says how many are at the target, and so many are."""
    for before, row in change.deployments:
        if not before or not row or not before.in_flight or row.status != "completed" or row.kind != "deploy":
            continue
        there = [target for target in change.after.targets_of(row.id) if _is_at_target(change, memory, target)]
        if row.reason.partition(" of ")[0] != f"{len(there)}":
            yield f"deployment {row.id} ends with {row.reason!r}, and {len(there)} are at the target"


def _is_at_target(change: Change, memory: Memory, target: TargetRow) -> bool:
    """Tell whether a target has been at the target, and has neither gone silent nor reported anything else since."""
    if target.state != "succeeded" and not target.already:
        return False
    instance = change.after.instances.get(target.instance_id or 0)
    if instance is None:
        return target.lapse != LEFT
    assignment = memory.stories[target.deployment_id].assigned[target.id]
    reports = [report for report in memory.reports.get(instance.id, ()) if report.counts(assignment)]
    if not reports:
        return bool(instance.reachable and target.already)
    last = reports[-1]
    return bool(instance.reachable) and last.status == HEALTHY and meets(last.current, target.to)


def _failed(change: Change, row: DeploymentRow, *, joined: bool = False) -> int:
    """Return how many targets have failed that were there from the start, or that joined later."""
    targets = change.after.targets_of(row.id)
    return sum(target.state == "failed" and bool(target.joined) is joined for target in targets)


def _real_counts(change: Change, memory: Memory, row: DeploymentRow) -> dict[str, int]:
    targets = change.after.targets_of(row.id)
    states = Counter(each.state for each in targets)
    counts = {name: states[name] for name in STATES} | {"total": len(targets)}
    counts["deferred"] = sum(bool(each.deferred) and each.state == "pending" for each in targets)
    counts["already"] = sum(target.already and target.lapse != LEFT for target in targets)
    counts["silent"] = sum(target.lapse == "silent" for target in targets)
    left = sum(target.lapse == LEFT and not target.already for target in targets)
    counts["degraded"] = sum(target.lapse in ("degraded", "leaving") for target in targets) + left
    counts["joined_failed"] = sum(target.state == "failed" and target.joined for target in targets)
    if memory.stories[row.id].setting("max_unavailable") is not None and row.in_flight:
        instances = change.after.instances
        here = [(each, instances[each.instance_id or 0]) for each in targets if each.instance_id in instances]
        counts["unavailable"] = sum(each.state == "updating" or its.status != HEALTHY for each, its in here)
    return counts
