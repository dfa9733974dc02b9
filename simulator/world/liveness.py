"""What must be the case in the end, once nothing disturbs any more: every deployment ends, everybody arrives."""

from collections.abc import Iterator, Sequence

from dides.coordinator.credentials import hash_of
from dides.model.state import State
from simulator.base.disk import Disk
from simulator.checker.history import Memory, inherited, is_inheritable
from simulator.checker.rows import DeploymentRow, InstanceRow, meets
from simulator.checker.snapshots import View, matches
from simulator.world.machines import Machine

REST_SECONDS = 60.0
PROMOTED_AFTER = 20.0
"""Seconds within which an operator promotes a wave that waits, once the world is healed."""
SPARED = "not started: too many instances that joined"
LONGEST_BACKOFF = 20.0
"""Seconds that the further attempts of one target wait together, at the most that policies here allow."""


def longest_rollouts(view: View, memory: Memory) -> float:
    """Return the seconds within which what is in flight must have ended, with a rollback after it."""
    return REST_SECONDS + sum(_longest(memory, row) for row in view.in_flight())


def unfinished(view: View) -> Iterator[str]:
    """Every deployment ends if every instance eventually answers or goes silent for good."""
    for row in view.in_flight():
        yield f"deployment {row.id} ({row.kind}) is still {row.status}"


def unsettled(view: View, memory: Memory, machines: Sequence[Machine], disk: Disk) -> Iterator[str]:
    """Every reachable instance gets to what it is to be; those converging converge, and who joined late inherits."""
    yield from _not_inherited(view, memory)
    yield from (f"two agents report as {name}, and nobody notices" for name in memory.clones - memory.duplicated)
    yield from _left_behind(view)
    yield from _not_with_neighbours(view, memory)
    for row in view.convergences.values():
        doing = "waits for" if row.assigned_at is None else "converges on"
        yield f"instance {row.instance_id} still {doing} {row.desired}"
    credentials = dict(disk.raw.execute("SELECT name, credential_hash FROM instances"))
    instances = {each.name: each for each in view.instances.values()}
    for machine in machines:
        name, credential = machine.spec.name, machine.disk.credential
        if machine.works and credential and credentials.get(name) == hash_of(credential):
            yield from _not_there(machine, instances[name])


def _not_with_neighbours(view: View, memory: Memory) -> Iterator[str]:
    """Yield who waited for what it had missed, was told something that was undone since, and waits no more.

    Whom any later deployment has told something is where that has left it.
    """
    for instance_id, deployment_id in sorted(memory.heirs.queued):
        instance, assigner = view.instances.get(instance_id), view.deployments[deployment_id]
        if instance is None or not instance.reachable or instance_id in memory.relabelled or not assigner.withdrawn:
            continue
        its = [target for target in view.targets.values() if target.instance_id == instance_id and target.assigned_at]
        last = max(target.deployment_id for target in its)
        heritage = inherited(instance.labels, view.deployments)
        if view.deployments[last].rollback_of == deployment_id and not meets(instance.desired, heritage):
            yield f"{instance.name} waited for {heritage}, was told what was undone, and is to be {instance.desired}"


def _is_spared(view: View, instance: InstanceRow, source: DeploymentRow) -> bool:
    """Tell whether an instance joined a deployment that no longer tells those who joined, for it has failed on them."""
    its = (each for each in view.targets_of(source.id) if each.instance_id == instance.id)
    return any(each.joined and each.reason.startswith(SPARED) for each in its)


def _left_behind(view: View) -> Iterator[str]:
    """Yield who is still to be what a deployment has told it that was undone since."""
    for instance in view.instances.values():
        assigner = view.deployments.get(instance.assigned_by or 0)
        if assigner and assigner.withdrawn and assigner.kind == "deploy" and instance.desired != (None, None):
            yield f"{instance.name} is to be {instance.desired} by deployment {assigner.id}, which was undone"


def _not_inherited(view: View, memory: Memory) -> Iterator[str]:
    """Yield who has missed a deployment, and has not got it since.

    What counts is the newest deployment that was completed, not undone, and is for the instance, unless this one or a
    later one has told it something that it keeps.
    """
    newest_first = sorted(view.deployments.values(), key=lambda each: -each.id)
    for instance in view.instances.values():
        if not instance.reachable or instance.id in memory.relabelled:
            continue
        told = [
            each for each in view.targets.values() if each.instance_id == instance.id and each.assigned_at is not None
        ]
        told = [each for each in told if not _is_undone(view, each.deployment_id)]
        last_assigned = max((each.deployment_id for each in told if each.id not in memory.restored), default=0)
        missed = (each for each in newest_first if is_inheritable(each) and matches(instance.labels, each.labels))
        source = next(missed, None)
        if source is None or source.id <= last_assigned or _is_spared(view, instance, source):
            continue
        if not meets(instance.desired, source.to):
            yield f"{instance.name} has missed deployment {source.id}, and is to be {instance.desired}"


def _is_undone(view: View, deployment_id: int) -> bool:
    """Tell whether what a deployment told is undone, or it was the one that undid it."""
    row = view.deployments[deployment_id]
    return bool(row.withdrawn) or row.kind == "rollback"


def _not_there(machine: Machine, instance: InstanceRow) -> Iterator[str]:
    if not instance.reachable:
        yield f"{machine.label} lives, and counts as unreachable"
    runs = (machine.runs.code_version, machine.runs.configuration_version)
    if not machine.can_reach(State(*instance.desired)):
        return
    if not meets(runs, instance.desired):
        yield f"{machine.label} runs {runs} and is to be {instance.desired}"
    elif not meets(instance.current, instance.desired):
        yield f"{machine.label} runs {runs} and is shown with {instance.current}"


def _longest(memory: Memory, row: DeploymentRow) -> float:
    """Return an upper bound for one deployment and its rollback: every target takes all its time, one after another."""
    story = memory.stories[row.id]
    timeout: float = story.policy["update_timeout"]
    pause, retries = story.setting("wave_pause"), story.setting("retries") or 0
    soak = pause if isinstance(pause, float | int) else PROMOTED_AFTER
    one = (1 + retries) * timeout + (LONGEST_BACKOFF if retries else 0)
    silence = memory.time_to_live_ms / 1000
    there = (row.pending + row.updating) * one + len(story.waves) * soak + timeout
    return there + row.total * timeout + 2 * silence
