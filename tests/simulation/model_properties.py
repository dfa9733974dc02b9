"""What must hold of every state of the model and of every event in it: the safety properties of the design.

Each is computed from the targets, the instances and the evidence, from the policy that was asked for and the state
that the instances had, never from what the engine counts, resolves or decides.
"""

from dides.model.deployment import Deployment, DeploymentStatus, Kind, Target, TargetState
from dides.model.state import Status
from simulation.model_case import GENERATION, V1, V2, ticks
from simulation.model_events import Event
from simulation.model_world import World

PENDING, UPDATING, SUCCEEDED, FAILED, SKIPPED = TargetState
MOVES = {
    PENDING: {PENDING, UPDATING, SKIPPED},
    UPDATING: {UPDATING, SUCCEEDED, FAILED, SKIPPED},
    SUCCEEDED: {SUCCEEDED, FAILED},
    FAILED: {FAILED},
    SKIPPED: {SKIPPED},
}


class BrokenError(AssertionError):
    """A property does not hold."""


def check(before: World, event: Event, after: World) -> None:
    """Check every property; BrokenError names the one that does not hold."""
    if after.ledger is before.ledger:
        return
    window_is_kept(after)
    totals_are_right(after)
    failures_stop_it(after)
    end_is_final(after)
    assignments_are_allowed(before, event, after)
    if before.ledger.its_deployment.id == after.ledger.its_deployment.id:
        targets_only_go_forward(before, after)
        verdicts_have_a_ground(before, after)
        unread_is_taken_back(before, after)
        waves_come_one_by_one(before, event, after)
        unavailable_are_few(before, after)
    stops_have_a_ground(before, event, after)
    none_is_left_where_it_is(before, after)
    if event[0] == "step":
        nothing_is_left_undecided(after)
    if after.ledger.its_deployment.kind is Kind.ROLLBACK and not after.ledger.its_deployment.in_flight:
        everything_returned(after)


def window_is_kept(world: World) -> None:
    """Never more than the window updating."""
    updating = _in_state(world, UPDATING)
    _require(updating <= world.case.window, f"{updating} updating at once")


def totals_are_right(world: World) -> None:
    """The counters are what there is: also the failures, which no restart forgets."""
    its = world.ledger.its_deployment
    states = [each.state for each in world.ledger.targets.values()]
    counted = [states.count(state) for state in TargetState]
    counts = its.counts
    kept = [counts.pending, counts.updating, counts.succeeded, counts.failed, counts.skipped]
    _require(kept == counted, "a counter is wrong")
    put_off = sum(each.deferred and each.state is PENDING for each in world.ledger.targets.values())
    _require(its.counts.deferred == put_off, "those put off are miscounted")
    if its.max_unavailable is not None and its.in_flight:
        _require(its.counts.unavailable == _unavailable(world), "the unavailable are miscounted")


def failures_stop_it(world: World) -> None:
    """`failed >= failure_threshold` trips at once."""
    its = world.ledger.its_deployment
    if its.kind is Kind.DEPLOY and its.in_flight:
        _require(_in_state(world, FAILED) < world.case.threshold, "it goes on over the threshold")


def end_is_final(world: World) -> None:
    """A deployment that has ended leaves no target unfinished; it has completed only with a success."""
    its = world.ledger.its_deployment
    if its.in_flight:
        return
    _require(_in_state(world, PENDING) + _in_state(world, UPDATING) == 0, "it has ended with targets unfinished")
    if its.kind is Kind.DEPLOY and its.status is DeploymentStatus.COMPLETED:
        _require(_in_state(world, SUCCEEDED) > 0, "it has completed without a success")


def stops_have_a_ground(before: World, event: Event, after: World) -> None:
    """A deployment fails on its threshold, its deadline, a wave without a success, or when it is held back for long."""
    was, its, policy = before.ledger.its_deployment, after.ledger.its_deployment, after.case.policy
    has_failed = its.kind is Kind.ROLLBACK or its.status is DeploymentStatus.FAILED
    if was.kind is Kind.ROLLBACK or event[0].startswith("abort") or not has_failed:
        return
    started = {number for number in before.ledger.targets if _has_started(before, number)}
    may_fail = {number for number in started if _may_fail(before, number)}
    late = policy.deadline is not None and before.ran >= ticks(policy.deadline)
    in_the_wave = {number for number in started if before.ledger.targets[number].wave == was.wave.open}
    grounds = (
        len(may_fail) >= after.case.threshold,
        late,
        in_the_wave <= may_fail,
        policy.max_unavailable is not None,
    )
    _require(any(grounds), "it was stopped without a ground")


def _may_fail(world: World, number: int) -> bool:
    evidence = world.evidence[number]
    late = evidence.age >= ticks(world.case.policy.update_timeout)
    return world.ledger.targets[number].state is FAILED or evidence.failed or evidence.died or late


def assignments_are_allowed(before: World, event: Event, after: World) -> None:
    """Nothing but its deployment's or its rollback's; nothing new once tripped, in a pause, or to the silent."""
    its, was = after.ledger.its_deployment, before.ledger.its_deployment
    for number, instance in after.ledger.instances.items():
        earlier = before.ledger.instances[number]
        told = instance.generation - earlier.generation
        if told == 0:
            _require(instance.desired == earlier.desired, "a desired state changed without a generation")
            continue
        _require(told > 0, "a generation fell")
        _require(event[0] in ("step", "promote", "abort", "abort and roll back"), f"{event} told something")
        if its.in_flight:
            _require(its.status is DeploymentStatus.RUNNING, "told in a pause")
            begins = before.ledger.targets[number].state is PENDING and its.kind is Kind.DEPLOY
            _require(earlier.reachable or not begins, "told one that is silent")
        _require(instance.desired in _may_be_assigned(after, was, its), f"was told {instance.desired}")


def _may_be_assigned(world: World, was: Deployment, its: Deployment) -> set[object]:
    if its.kind is Kind.DEPLOY:
        return {V2} if its.in_flight else {world.case.earlier}
    if was.kind is Kind.DEPLOY:
        return {V1, world.case.earlier}
    if its.status is DeploymentStatus.ABORTED:
        return {V2, world.case.earlier}
    return {V1}


def targets_only_go_forward(before: World, after: World) -> None:
    """What is final stays so, but a success may die; an attempt more is one of those allowed, and keeps its slot."""
    its = after.ledger.its_deployment
    for number, target in after.ledger.targets.items():
        earlier = before.ledger.targets[number]
        _require(target.state in MOVES[earlier.state], f"from {earlier.state} to {target.state}")
        if its.kind is Kind.DEPLOY and its.in_flight:
            attempts = after.ledger.instances[number].generation - GENERATION
            _require(attempts <= 1 + after.case.policy.retries, "one attempt too many")
            _require((attempts > 0) == (target.state not in (PENDING, SKIPPED)), "told, but not started")


def verdicts_have_a_ground(before: World, after: World) -> None:
    """A target succeeds and fails on what was reported since the assignment, or on its timeout, and on nothing else."""
    for number, target in after.ledger.targets.items():
        earlier, evidence = before.ledger.targets[number], before.evidence[number]
        if target.state is earlier.state:
            continue
        if target.state is SUCCEEDED:
            _require(evidence.held, "succeeded without having been HEALTHY at the target for long enough")
        elif target.state is FAILED and earlier.state is SUCCEEDED:
            away = evidence.unsound_for >= ticks(after.ledger.its_deployment.policy.update_timeout)
            _require(evidence.died or evidence.left or away, "a success failed that had not ended")
        elif target.state is FAILED:
            late = evidence.age >= ticks(after.ledger.its_deployment.policy.update_timeout)
            _require(evidence.failed or evidence.left or late, "failed without a ground")
            _require(_was_last_attempt(before, target, number), "failed with attempts left")


def unread_is_taken_back(before: World, after: World) -> None:
    """A stopped target that is not known to have read its new state gets its earlier one back; others keep it."""
    earlier = {after.case.earlier} | ({V2} if after.ledger.its_deployment.kind is Kind.ROLLBACK else set())
    for number, target in after.ledger.targets.items():
        if before.ledger.targets[number].state is UPDATING and target.state is SKIPPED:
            right = {target.to} if before.evidence[number].spoke else earlier
            _require(after.ledger.instances[number].desired in right, "stopped, and left with a wrong desired state")


def _was_last_attempt(world: World, target: Target, number: int) -> bool:
    retries = world.ledger.its_deployment.policy.retries
    return target.attempt == 1 + retries or not world.ledger.instances[number].reachable


def nothing_is_left_undecided(world: World) -> None:
    """A step gives every verdict for which there is a ground, so that no slot is held for nothing."""
    its = world.ledger.its_deployment
    if not its.in_flight:
        return
    deadline, watched = world.case.policy.deadline, world.ledger.quiet_until == 0
    if its.kind is Kind.DEPLOY and its.status is DeploymentStatus.RUNNING and deadline is not None and watched:
        _require(world.ran < ticks(deadline), "it has run past its deadline")
    for number, target in world.ledger.targets.items():
        evidence = world.evidence[number]
        if target.state is SUCCEEDED:
            ended = evidence.dying or (evidence.left and world.case.observing)
            _require(not ended, "one that died, or fell back, after its success still counts as a success")
        if target.state is not UPDATING or target.retry_at is not None:
            continue
        _require(not evidence.failed, "a failure was not seen")
        if watched:  # after an outage timers end later, which the evidence does not know
            late = evidence.age >= ticks(its.policy.update_timeout) and its.status is DeploymentStatus.RUNNING
            _require(not evidence.held and not late, "a slot is held for nothing")


def waves_come_one_by_one(before: World, event: Event, after: World) -> None:
    """A wave opens once the one before it is done, one succeeded, it soaked, and what succeeded in it is HEALTHY."""
    policy, its = after.case.policy, after.ledger.its_deployment
    if its.kind is Kind.ROLLBACK:
        return
    sizes = (*(size for size in policy.waves if isinstance(size, int)), after.case.instances)
    was_open, targets = before.ledger.its_deployment.wave.open, after.ledger.targets.values()
    _require(_started(after) <= sizes[its.wave.open - 1], "more have started than the open wave is for")
    _require(all(each.wave <= its.wave.open for each in targets), "told by a wave that is not open")
    if its.wave.open == was_open:
        return
    of_the_last_one = [each for each in targets if each.wave == was_open]
    given_up = all(before.ledger.targets[number].deferred or _is_away(before, number) for number in _pending(before))
    _require(its.wave.open == was_open + 1 or given_up, "a wave was passed over")
    counted = _started(before) == sizes[was_open - 1]
    _require(counted or given_up, "a wave opens before the last one has started its count")
    _require(all(each.state is not UPDATING for each in of_the_last_one), "a wave opens before the last one is over")
    _require(any(each.state is SUCCEEDED for each in of_the_last_one), "a wave opens after one without a success")
    was_held = before.ledger.its_deployment.timers.health_until is not None
    if policy.wave_pause == "manual":
        _require(event[0] == "promote" or was_held, "a wave opens that was not promoted")
    else:
        _require(before.calm >= ticks_to_soak(after) or given_up, "a wave opens before the last one has soaked")
    sound = all(_is_sound(after, target) for target in of_the_last_one if target.state is SUCCEEDED)
    held_for = before.ledger.its_deployment.timers.health_until
    waited = held_for is not None and before.ledger.now >= held_for
    _require(sound or waited or event[0] == "promote", "a wave opens though what succeeded before it is not HEALTHY")


def _pending(world: World) -> list[int]:
    return [number for number, target in world.ledger.targets.items() if target.state is PENDING]


def _is_away(world: World, number: int) -> bool:
    return not world.ledger.instances[number].reachable


def _is_sound(world: World, target: Target) -> bool:
    instance = world.ledger.instances[target.id]
    return instance.reachable and instance.status is Status.HEALTHY and instance.current.meets(target.to)


def ticks_to_soak(world: World) -> int:
    """Return how long a wave soaks, in ticks."""
    pause = world.case.policy.wave_pause
    return 0 if pause == "manual" else ticks(pause)


def unavailable_are_few(before: World, after: World) -> None:
    """No HEALTHY instance is told while `max_unavailable` are updating or not HEALTHY."""
    most = after.case.max_unavailable
    if most is None or after.ledger.its_deployment.kind is Kind.ROLLBACK:
        return
    for number, instance in after.ledger.instances.items():
        begins = after.ledger.targets[number].state is UPDATING and before.ledger.targets[number].state is PENDING
        if begins and instance.status is Status.HEALTHY:
            _require(_unavailable(after) <= most, f"{_unavailable(after)} unavailable at once")


def none_is_left_where_it_is(before: World, after: World) -> None:
    """A rollback skips none as already there: it may be in mid-apply."""
    its = after.ledger.its_deployment
    began_before = before.ledger.its_deployment.id == its.id
    if its.kind is Kind.DEPLOY or its.status is DeploymentStatus.ABORTED:
        return
    for number, target in after.ledger.targets.items():
        if target.state is SKIPPED and (not began_before or before.ledger.targets[number].state is PENDING):
            _require(not before.ledger.instances[number].reachable, "a rollback skipped one that can be reached")


def everything_returned(world: World) -> None:
    """After a rollback every reachable instance returns to what it had; the untouched have not moved."""
    for number, instance in world.ledger.instances.items():
        agent = world.agents[number]
        if instance.generation == GENERATION:
            _require(instance.desired == world.case.earlier, "an untouched instance is to be elsewhere")
            _require(agent.standing.applied == V1 and not agent.standing.dirty, "an untouched instance has moved")
        elif world.ledger.its_deployment.status is not DeploymentStatus.ABORTED:
            _require(instance.desired == V1, "it is not to return to what it had")
        if agent.dead or world.ledger.its_deployment.status is DeploymentStatus.ABORTED:
            continue
        agent = agent.end_apply(None) if agent.applying else agent
        agent = agent.hear(world.answer(number))
        agent = agent.end_apply(None) if agent.applying else agent
        attempt = agent.standing.attempt
        tries = attempt is not None and attempt.target == V1 and agent.standing.generation == instance.generation
        is_back = agent.standing.applied == V1 and attempt is None
        _require(is_back or (tries and agent.standing.failed), "it does not return to what it had")


def _in_state(world: World, state: TargetState) -> int:
    return sum(each.state is state for each in world.ledger.targets.values())


def _has_started(world: World, number: int) -> bool:
    return world.ledger.targets[number].state in (UPDATING, SUCCEEDED, FAILED)


def _started(world: World) -> int:
    return sum(_has_started(world, number) for number in world.ledger.targets)


def _unavailable(world: World) -> int:
    return sum(
        each.state is UPDATING or world.ledger.instances[number].status is not Status.HEALTHY
        for number, each in world.ledger.targets.items()
    )


def _require(holds: bool, broken: str) -> None:
    if not holds:
        raise BrokenError(broken)
