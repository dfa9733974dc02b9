"""What happens to the pending targets whose turn has come."""

from collections.abc import Iterable

import msgspec

from dides.engine.applying import apply_rule
from dides.engine.availability import needs_room
from dides.engine.lapse import ALREADY
from dides.engine.sessions import is_duplicated
from dides.engine.threshold import joined_failures_reached
from dides.engine.window import room_of
from dides.model.deployment import Deployment, DeploymentStatus, Kind, Target, TargetState
from dides.model.plan import Assignment, Candidate, Settled
from dides.model.state import State, Status, known

TOO_MANY_JOINED_FAILED = "not started: too many instances that joined after the trigger have failed"
NOTHING_TO_RETURN_TO = "nothing to return to"


class Admission(msgspec.Struct):
    """What one step does with the candidates it examined."""

    assigned: list[Assignment]
    deferred: list[Target]
    refused: list[Settled]
    """Instances that joined after the trigger, and are skipped because others of them have failed."""
    ran_out: bool = False
    """A candidate was left because no slot was free for it."""
    blocked_by: str | None = None
    """The setting for which a candidate was left although a slot was free: the first such one."""


def admit(deployment: Deployment, candidates: Iterable[Candidate], now: int) -> Admission:
    """Go through the candidates in order until one needs a slot and none is free; none has a turn in a pause."""
    admission, room = Admission([], [], []), room_of(deployment)
    for candidate in candidates if deployment.status is DeploymentStatus.RUNNING else ():
        assignment = _without_slot(deployment, candidate)
        if assignment and assignment.already and is_duplicated(candidate.instance.sessions, now):
            assignment = None  # One of the two is there. It takes a slot, and fails for what it is.
        if candidate.target.joined and joined_failures_reached(deployment):
            target = candidate.target
            admission.refused.append(Settled(target=target, state=TargetState.SKIPPED, reason=TOO_MANY_JOINED_FAILED))
        elif assignment is not None:
            admission.assigned.append(assignment)
        elif not candidate.instance.reachable:
            admission.deferred.append(candidate.target)
        elif room.slots == 0:
            admission.ran_out = True
            break
        elif reason := room.refusal(candidate):
            admission.blocked_by = admission.blocked_by or reason
        else:
            room.take(candidate)
            admission.assigned.append(_assigned(deployment, candidate, now))
    return admission


def in_turn(*groups: Iterable[Candidate]) -> tuple[Candidate, ...]:
    """Return the candidates of several queries, each once, in the order of the deployment."""
    each_once = {candidate.target.id: candidate for group in groups for candidate in group}
    return tuple(sorted(each_once.values(), key=lambda candidate: candidate.target.position))


def desired_for(deployment: Deployment, candidate: Candidate) -> State:
    """Return what the instance will be told: a version left out stays as it was to be, or is what it had missed."""
    if deployment.kind is Kind.ROLLBACK:
        return candidate.target.to
    return deployment.to.over(candidate.inherits or candidate.instance.desired)


def _without_slot(deployment: Deployment, candidate: Candidate) -> Assignment | None:
    """Return the assignment of a target that nothing has to be waited for, or None."""
    instance, desired = candidate.instance, desired_for(deployment, candidate)
    if deployment.kind is Kind.ROLLBACK:
        # A rollback skips none as already there: it may be in mid-apply of what is being undone.
        nothing = desired.empty
        return _assignment(deployment, candidate, None, TargetState.SKIPPED, NOTHING_TO_RETURN_TO) if nothing else None
    if deployment.policy.force:
        return None
    if instance.reachable and instance.status is Status.HEALTHY and instance.current.meets(desired):
        there = _assignment(deployment, candidate, desired, TargetState.SKIPPED, ALREADY)
        return msgspec.structs.replace(there, already=True)
    return None


def _assigned(deployment: Deployment, candidate: Candidate, now: int) -> Assignment:
    desired, deadline = desired_for(deployment, candidate), now + deployment.policy.update_timeout_ms
    told = _assignment(deployment, candidate, desired, TargetState.UPDATING, "", deadline)
    return msgspec.structs.replace(told, wave=deployment.wave.open, makes_unavailable=needs_room(candidate))


def _assignment(
    deployment: Deployment,
    candidate: Candidate,
    desired: State | None,
    state: TargetState,
    reason: str,
    deadline_at: int | None = None,
) -> Assignment:
    instance = candidate.instance
    # What is found at the target is good as it is: its rollback returns it there, and downgrades nothing.
    last_good = known(instance.current) if reason == ALREADY else instance.last_good
    return Assignment(
        target=candidate.target,
        state=state,
        desired=desired,
        apply=apply_rule(deployment, state),
        before=instance.current,
        last_good=last_good,
        earlier=instance.desired,
        reason=reason,
        deadline_at=deadline_at,
        failure_is_news=instance.status is not Status.FAILED,
        late=candidate.inherits is not None,
    )
