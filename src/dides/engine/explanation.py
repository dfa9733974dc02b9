"""Why the newest deployment has updated an instance, or has not: ordered rules, of which the first that matches wins.

What stands in the way of any update comes first (a second agent, refused requests, silence), then what is under way,
then what waits, then how the newest deployment ended for this instance.
"""

from collections.abc import Callable

from dides.engine.brake import is_stopped
from dides.engine.inheritance import may_be_inherited
from dides.engine.sessions import is_duplicated
from dides.engine.window import free_slots, held_by, room_of
from dides.model.deployment import Deployment, DeploymentStatus, Target, TargetState
from dides.model.explanation import Cause, Explanation, Facts, Part
from dides.model.instance import Instance
from dides.model.plan import Candidate
from dides.model.selector import parse_selector
from dides.model.state import State, Status

Rule = Callable[[Facts], Explanation | None]


def explain(facts: Facts) -> Explanation:
    """Return why the newest deployment has updated an instance, or has not."""
    found = next((found for rule in RULES if (found := rule(facts))), None)
    assert found is not None, "the last rule matches always"
    return found


def duplicated(facts: Facts) -> Explanation | None:
    """Two agents report as this instance: no report can be trusted."""
    sessions = facts.instance.sessions
    if not is_duplicated(sessions, facts.now):
        return None
    message = "Two agents report as this instance, so its reports cannot be trusted and its update fails."
    return Explanation(cause=Cause.DUPLICATED, message=message, until=sessions.duplicated_until)


def rate_limited(facts: Facts) -> Explanation | None:
    """Its agent sends more than the coordinator accepts."""
    if facts.refused_until is None:
        return None
    message = "Its agent sends requests faster than the coordinator accepts them, so some of its reports are refused."
    return Explanation(cause=Cause.RATE_LIMITED, message=message, until=facts.refused_until)


def unreachable(facts: Facts) -> Explanation | None:
    """Its agent is silent."""
    if facts.instance.reachable:
        return None
    newest = facts.newest
    message = f"Its agent is silent. {_what_silence_means(newest)}"
    number = newest.deployment.id if newest and newest.target else None
    return Explanation(cause=Cause.UNREACHABLE, message=message, deployment_id=number, since=facts.heard_at)


def _what_silence_means(newest: Part | None) -> str:
    if newest is None or newest.target is None:
        return "It gets what it has missed when it reports again."
    if newest.state is TargetState.UPDATING:
        return f"{newest.name} updates it, and the update fails unless the agent reports in time."
    if newest.state is TargetState.PENDING:
        return f"{newest.name} updates it when it reports again, or skips it when no other instance is left."
    if newest.state is TargetState.SKIPPED and may_be_inherited(newest.deployment):
        return f"{newest.name} skipped it ({newest.target.reason}). It gets that version when it reports again."
    return f"In {newest.name[0].lower()}{newest.name[1:]} it is {_with_reason(newest.target)}."


def updating(facts: Facts) -> Explanation | None:
    """Under way: a deployment or a rollback updates it now."""
    part = next((part for part in _unfinished(facts) if part.state is TargetState.UPDATING), None)
    if part is None or part.target is None:
        return None
    target = part.target
    message = f"{part.name} updates it now (attempt {target.attempt})."
    if target.retry_at is not None:
        message = f"{part.name} tries again: attempt {target.attempt} failed ({target.reason})."
    elif target.healthy_at is not None:
        message = f"{part.name} has updated it and waits until it has been HEALTHY for min_healthy_time."
    until = target.retry_at or target.healthy_at or target.deadline_at
    number = part.deployment.id
    return Explanation(
        cause=Cause.UPDATING, message=message, deployment_id=number, since=target.assigned_at, until=until
    )


def converging(facts: Facts) -> Explanation | None:
    """Under way, after the end of a deployment that it has missed."""
    place = facts.inheriting
    if place is None or place.assigned_at is None:
        return None
    return Explanation(
        cause=Cause.CONVERGING,
        message=f"It joined or returned after deployment {place.source.id}, and converges to that version now.",
        deployment_id=place.source.id,
        since=place.assigned_at,
        until=place.deadline_at,
    )


def waiting(facts: Facts) -> Explanation | None:
    """Pending: a deployment or a rollback has not yet reached it."""
    part = next((part for part in _unfinished(facts) if part.state is TargetState.PENDING), None)
    if part is None or part.target is None or not part.deployment.in_flight:
        return None
    waves = len(part.deployment.waves)
    wave = f" Wave {part.deployment.wave.open} of {waves} is open." if waves > 1 else ""
    hold = _hold(part.deployment, Candidate(part.target, facts.instance))
    return Explanation(
        cause=Cause.WAITING,
        message=f"{part.name} has not started it yet.{wave}",
        deployment_id=part.deployment.id,
        held_by=hold,
        until=part.deployment.timers.soaked_at if hold == "soak" else None,
    )


def _hold(deployment: Deployment, candidate: Candidate) -> str | None:
    """Return the hold of the deployment, or the setting that refuses this candidate a slot that is free."""
    if deployment.status is DeploymentStatus.RUNNING and free_slots(deployment):
        return room_of(deployment).refusal(candidate) or held_by(deployment)
    return held_by(deployment)


def waiting_to_converge(facts: Facts) -> Explanation | None:
    """Pending, among the instances that have missed a deployment."""
    place = facts.inheriting
    if place is None:
        return None
    source = place.source
    if is_stopped(source):
        message = (
            f"It joined or returned after deployment {source.id}, and convergence to that version has stopped: "
            f"{source.brake.failed} instances failed there."
        )
        since = source.brake.stopped_at
        return Explanation(cause=Cause.CONVERGENCE_STOPPED, message=message, deployment_id=source.id, since=since)
    message = (
        f"It joined or returned after deployment {source.id}, and waits for its turn: such instances update "
        f"{source.window} at a time."
    )
    return Explanation(cause=Cause.WAITING_TO_CONVERGE, message=message, deployment_id=source.id)


def no_deployment(facts: Facts) -> Explanation | None:
    """There is nothing to roll out."""
    if facts.newest is not None:
        return None
    return Explanation(cause=Cause.NO_DEPLOYMENT, message="There is no deployment yet.")


def undone(facts: Facts) -> Explanation | None:
    """Undone: a rollback has taken the newest deployment back."""
    newest, rollback = facts.newest, facts.rollback
    if newest is None or newest.target is None or rollback is None:
        return None
    number = rollback.deployment.id
    if rollback.target is None:
        message = f"{newest.name} was rolled back by #{number} before it had started this instance."
    elif rollback.state is TargetState.SUCCEEDED:
        message = f"{newest.name} was rolled back by #{number}, which returned this instance to {_said(rollback)}."
    else:
        message = f"{newest.name} was rolled back by #{number}; there this instance is {_with_reason(rollback.target)}."
    ended = rollback.deployment.finished_at
    return Explanation(cause=Cause.UNDONE, message=message, deployment_id=newest.deployment.id, since=ended)


def failed(facts: Facts) -> Explanation | None:
    """Its update failed."""
    newest = facts.newest
    if newest is None or newest.target is None or newest.state is not TargetState.FAILED:
        return None
    message = f"{newest.name} updated it, and the update failed: {_reason_and_message(newest.target)}."
    return _ended(Cause.FAILED, newest, message)


def skipped(facts: Facts) -> Explanation | None:
    """Left out by the newest deployment, although it was a target."""
    newest = facts.newest
    if newest is None or newest.target is None or newest.state is not TargetState.SKIPPED or newest.target.already:
        return None
    message = f"{newest.name} skipped it: {newest.target.reason}."
    if newest.deployment.reason:
        message += f" That deployment {_ENDED[newest.deployment.status]}: {newest.deployment.reason}."
    return _ended(Cause.SKIPPED, newest, message)


def drifted(facts: Facts) -> Explanation | None:
    """Another version than the desired one runs."""
    instance = facts.instance
    if instance.current.empty or instance.current.meets(instance.desired):
        return None
    message = f"It reports {_versions(instance.current)}, and should run {_versions(instance.desired)}."
    return Explanation(cause=Cause.DRIFTED, message=message, deployment_id=instance.assigned_by)


def up_to_date(facts: Facts) -> Explanation | None:
    """At the target: the newest deployment has updated it, or found it there."""
    newest = facts.newest
    if newest is None or newest.target is None:
        return None
    did = "found it at the target" if newest.target.already else "updated it"
    return _ended(Cause.UP_TO_DATE, newest, f"{newest.name} {did}.")


def converged(facts: Facts) -> Explanation | None:
    """At the version of the newest deployment, or FAILED there, although it was no target."""
    newest, instance = facts.newest, facts.instance
    if newest is None or newest.target is not None or instance.assigned_by != newest.deployment.id:
        return None
    number, there = newest.deployment.id, f"It joined or returned after deployment {newest.deployment.id}, and"
    if instance.status is Status.FAILED:
        message = f"{there} failed on that version: {_last_line(instance.message) or 'it says nothing more'}."
        return Explanation(cause=Cause.FAILED, message=message, deployment_id=number)
    return Explanation(cause=Cause.UP_TO_DATE, message=f"{there} has converged to that version.", deployment_id=number)


def not_selected(facts: Facts) -> Explanation | None:
    """Its labels are others than the newest deployment selects."""
    newest, labels = facts.newest, facts.instance.labels
    if newest is None or _selects(newest.deployment, facts.instance):
        return None
    has = ",".join(f"{key}={value}" for key, value in sorted(labels.items())) or "none"
    message = f"{newest.name} selects {_selection(newest.deployment)}; the labels of this instance are {has}."
    return Explanation(cause=Cause.NOT_SELECTED, message=message, deployment_id=newest.deployment.id)


def not_a_target(facts: Facts) -> Explanation | None:
    """Too late: the newest deployment selects it, but did not at the trigger."""
    newest = facts.newest
    if newest is None:
        return None
    deployment = newest.deployment
    late = f"{newest.name} selects it now, but did not when it was triggered: it registered or got its labels later."
    if may_be_inherited(deployment):
        message = f"{late} Its desired state comes from deployment {facts.instance.assigned_by or '(none)'}."
    else:
        ended = "was rolled back" if facts.rollback else _ENDED[deployment.status]
        message = f"{late} That deployment {ended}; later instances get only the version of a completed deployment."
    return Explanation(cause=Cause.NOT_A_TARGET, message=message, deployment_id=deployment.id)


_ENDED = {
    DeploymentStatus.RUNNING: "is running",
    DeploymentStatus.PAUSED: "is paused",
    DeploymentStatus.COMPLETED: "completed",
    DeploymentStatus.FAILED: "failed",
    DeploymentStatus.ABORTED: "was aborted",
}

RULES: tuple[Rule, ...] = (
    duplicated,
    rate_limited,
    unreachable,
    updating,
    converging,
    waiting,
    waiting_to_converge,
    no_deployment,
    undone,
    failed,
    skipped,
    drifted,
    up_to_date,
    converged,
    not_selected,
    not_a_target,
)


def _unfinished(facts: Facts) -> list[Part]:
    """Return the parts in which the instance may have an unfinished target, the rollback first."""
    return [part for part in (facts.rollback, facts.newest) if part is not None]


def _ended(cause: Cause, part: Part, message: str) -> Explanation:
    since = None if part.target is None else part.target.finished_at
    return Explanation(cause=cause, message=message, deployment_id=part.deployment.id, since=since)


def _selects(deployment: Deployment, instance: Instance) -> bool:
    return parse_selector(deployment.selector or "").and_labels(deployment.labels).matches(instance.labels)


def _selection(deployment: Deployment) -> str:
    """Return which instances a deployment selects, as one selector."""
    labels = [f"{key}={value}" for key, value in sorted(deployment.labels.items())]
    return ",".join([*labels, *([deployment.selector] if deployment.selector else [])])


def _with_reason(target: Target) -> str:
    return f"{target.state} ({target.reason})" if target.reason else target.state.value


def _reason_and_message(target: Target) -> str:
    said = _last_line(target.message)
    return f"{target.reason}; it says: {said}" if said else target.reason


def _last_line(message: str) -> str:
    return "".join(message.strip().splitlines()[-1:]).rstrip(".")


def _said(part: Part) -> str:
    return _versions(None if part.target is None else part.target.to)


def _versions(state: State | None) -> str:
    """Return a pair of versions as people write it."""
    if state is None or state.empty:
        return "no version"
    config = "" if state.configuration_version is None else f"configuration {state.configuration_version}"
    return " ".join(part for part in (state.code_version, config) if part)
