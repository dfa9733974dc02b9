"""Properties of the policies: waves, spreading, availability, further attempts."""

from collections import Counter
from collections.abc import Iterator

from simulator.checker.deployment_history import DeploymentHistory, count_of
from simulator.checker.history import UPDATED, Memory
from simulator.checker.rows import HEALTHY, DeploymentRow, TargetRow
from simulator.checker.snapshots import Change


def waves_are_kept(change: Change, memory: Memory) -> Iterator[str]:
    """No more targets have started than the open wave has; the last wave is everything."""
    for row in change.after.in_flight() if change.assigned_targets else ():
        sizes = memory.stories[row.id].waves
        started = sum(each.state in UPDATED for each in change.after.targets_of(row.id))
        if row.wave_open < len(sizes) and started > sizes[row.wave_open - 1]:
            yield f"{started} targets of deployment {row.id} have started, wave {row.wave_open} of {sizes} is open"


def waves_open_in_time(change: Change, memory: Memory) -> Iterator[str]:
    """A wave opens when the one before it is over, has a success, and has soaked or was promoted."""
    for before, after in change.deployments:
        if before and after and after.wave_open > before.wave_open:
            yield from _opened(change, memory, before, after)


def waves_wait_for_health(change: Change, memory: Memory) -> Iterator[str]:
    """The next wave waits for `update_timeout` at most until what succeeded in this one is reachable and HEALTHY."""
    for before, after in change.deployments:
        if not before or not after or after.wave_open == before.wave_open or change.by in memory.promoting:
            continue
        story = memory.stories[after.id]
        lapsed = [target for target in change.after.targets_of(after.id) if _holds_up(target, before)]
        waited = memory.active(story, story.wave_over_at or change.now, change.now)
        if lapsed and waited + 1_000 * (1 + memory.uptime.outages) < story.policy["update_timeout"] * 1000:
            yield f"wave {after.wave_open} of deployment {after.id} opened although {lapsed[0].instance} is not HEALTHY"


def _holds_up(target: TargetRow, row: DeploymentRow) -> bool:
    return target.state == "succeeded" and target.wave == row.wave_open and target.lapse is not None


def spread_is_kept(change: Change, memory: Memory) -> Iterator[str]:
    """With `spread_by` the window is taken evenly: no value of the label has more than its share updating."""
    for row in change.after.in_flight() if change.assigned_targets else ():
        story = memory.stories[row.id]
        if story.share is None:
            continue
        updating = [each for each in change.after.targets_of(row.id) if each.state == "updating"]
        for value, number in Counter(story.spread.get(each.id, "") for each in updating).items():
            if number > story.share:
                yield f"{number} targets of {value!r} are updating, their share is {story.share}"


def availability_is_kept(change: Change, memory: Memory) -> Iterator[str]:
    """No HEALTHY instance is told while `max_unavailable` instances are updating or not HEALTHY, itself included."""
    for before, target in change.assigned_targets:
        story = memory.stories[target.deployment_id]
        limit = story.setting("max_unavailable")
        instance = change.before.instances.get(target.instance_id or 0)
        first = before is None or before.state == "pending"
        if limit is None or not instance or not first or target.state != "updating" or instance.status != HEALTHY:
            continue
        unavailable = _unavailable(change, target.deployment_id)
        if unavailable > count_of(limit, story.matched):
            yield f"{target.instance} was told, and {unavailable} instances are unavailable now (at most {limit})"


def attempts_are_limited(change: Change, memory: Memory) -> Iterator[str]:
    """A failed attempt is told again `retries` times, and counts as failed after the last attempt only."""
    for _, target in change.assigned_targets:
        most = 1 + (memory.stories[target.deployment_id].setting("retries") or 0)
        if target.attempt > most:
            yield f"{target.instance} was told for the {target.attempt}th time, at most {most} are allowed"
    for before, after in change.settled:
        most = 1 + (memory.stories[after.deployment_id].setting("retries") or 0)
        if before.state != "updating" or after.state != "failed" or after.attempt >= most:
            continue
        instance = change.before.instances.get(after.instance_id or 0)
        if instance is not None and instance.reachable:
            yield f"{after.instance} failed after {after.attempt} of {most} attempts"


def _opened(change: Change, memory: Memory, before: DeploymentRow, after: DeploymentRow) -> Iterator[str]:
    story = memory.stories[after.id]
    given_up = after.pending == after.deferred
    if after.wave_open != before.wave_open + 1 and not given_up:
        yield f"deployment {after.id} went from wave {before.wave_open} to {after.wave_open}"
    its = [each for each in change.after.targets_of(after.id) if 0 < each.wave <= before.wave_open]
    size = story.waves[before.wave_open - 1]
    filled = sum(each.state in UPDATED for each in its) >= size
    if any(each.state == "updating" for each in its) or not (filled or given_up):
        yield f"wave {before.wave_open} of deployment {after.id} was not over when the next one opened"
    of_the_wave = [target.state for target in its if target.wave == before.wave_open]
    if "succeeded" not in of_the_wave and (of_the_wave or not given_up):
        yield f"wave {before.wave_open} of deployment {after.id} had no success when the next one opened"
    if change.by not in memory.promoting and of_the_wave:
        yield from _unsoaked(change, memory, story, after)


def _unsoaked(change: Change, memory: Memory, story: DeploymentHistory, row: DeploymentRow) -> Iterator[str]:
    pause = story.setting("wave_pause") or 0
    if pause == "manual":
        if story.promoted != row.wave_open - 1:
            yield f"wave {row.wave_open} of deployment {row.id} opened without having been promoted"
        return
    soaked = memory.active(story, story.wave_over_at or change.now, change.now)
    slack = 1_000 * memory.uptime.outages
    if soaked + slack < pause * 1000:
        yield f"wave {row.wave_open} of deployment {row.id} opened after {soaked / 1000:g} s of {pause:g} s"


def _unavailable(change: Change, deployment_id: int) -> int:
    instances = change.after.instances
    targets = change.after.targets_of(deployment_id)
    here = [(each, instances[each.instance_id or 0]) for each in targets if each.instance_id in instances]
    return sum(each.state == "updating" or its.status != HEALTHY for each, its in here)
