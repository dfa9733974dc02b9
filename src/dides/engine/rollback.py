"""Where a rollback returns each instance to, in which order, and what may be rolled back."""

from collections.abc import Callable, Iterable

import msgspec

from dides.model.deployment import Deployment, DeploymentStatus, Kind, Target, TargetState
from dides.model.instance import Instance, Report
from dides.model.plan import Touched, Undo
from dides.model.policy import Policy
from dides.model.state import NOTHING, State, Status, known


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """What decides whether a deployment may be undone; no other one is in flight but its rollback, if it is that."""

    deployment: Deployment
    rollback: Deployment | None = None
    """Its newest rollback."""
    has_assigned: bool = True
    """It gave an instance its state, as a target or by inheritance."""
    later: int | None = None
    """The newest later deployment, not withdrawn, that gave one of its instances another state."""


def undo(touched: Iterable[Touched]) -> tuple[Undo, ...]:
    """Return the targets of a rollback in its order: the failed ones first, then as they were told."""
    ordered = sorted(touched, key=lambda each: (each.target.state is not TargetState.FAILED, each.target.position))
    return tuple(Undo(each, return_state(each.target)) for each in ordered)


def return_state(target: Target) -> State | None:
    """Return what the instance had before: its last good state, else what it reported, else what it was to be.

    All as of its assignment; version by version, and only those that the deployment managed: what it left alone, its
    rollback leaves alone. None when nothing is known.
    """
    had = (target.last_good or NOTHING).over(target.before).over(target.earlier)
    return known(had.only_managed_by(target.to))


def policy_of(undone: Deployment) -> Policy:
    """Return how the rollback of a deployment proceeds: with its window and `update_timeout`, and no brakes.

    The window is a count: a percentage was one of the matched instances, of which a rollback may return fewer.
    """
    its = undone.policy
    return Policy(batch_size=undone.window, update_timeout=its.update_timeout, auto_rollback=False)


def last_good_after(instance: Instance, report: Report) -> State | None:
    """Return an instance's last good state once it has reported: HEALTHY with nowhere to be is good.

    Where it was told to be, its target's success decides, or its arrival when it inherited. HEALTHY alone does not: the
    version may be one that failed.
    """
    good = report.status is Status.HEALTHY and instance.desired is None
    return (known(report.current) if good else None) or instance.last_good


def why_not(standing: Standing) -> str | None:
    """Return why a deployment cannot be rolled back now, or None when it can. The first rule that matches says why."""
    return next((reason for rule in RULES if (reason := rule(standing))), None)


def is_a_rollback(standing: Standing) -> str | None:
    """Refuse a rollback: it is repeated, not undone."""
    if standing.deployment.kind is not Kind.ROLLBACK:
        return None
    return f"Deployment {standing.deployment.id} is itself a rollback, and there is no rollback of a rollback."


def is_being_undone(standing: Standing) -> str | None:
    """Refuse one whose rollback is in flight."""
    rollback = standing.rollback
    if rollback is None or not rollback.in_flight:
        return None
    return f"Deployment {standing.deployment.id} is being undone by rollback {rollback.id}."


def is_undone(standing: Standing) -> str | None:
    """Refuse one whose newest rollback has completed; one that failed or was aborted may be repeated."""
    rollback = standing.rollback
    if rollback is None or rollback.status is not DeploymentStatus.COMPLETED:
        return None
    return f"Deployment {standing.deployment.id} has already been undone by rollback {rollback.id}."


def assigned_nothing(standing: Standing) -> str | None:
    """Refuse one that changed no instance: a rollback of it would."""
    if standing.has_assigned or standing.deployment.in_flight:
        return None
    return f"Deployment {standing.deployment.id} assigned nothing, so there is nothing to undo."


def is_built_upon(standing: Standing) -> str | None:
    """Refuse one of whose instances a later deployment has taken one over: a rollback would undo both."""
    later = standing.later
    if later is None:
        return None
    return (
        f"Deployment {later} came later and has set the state of instances of deployment {standing.deployment.id}. "
        f"Roll that one back first (dides rollback {later}), or deploy the version that you want."
    )


Rule = Callable[[Standing], str | None]
RULES: tuple[Rule, ...] = (is_a_rollback, is_being_undone, is_undone, assigned_nothing, is_built_upon)


def repeats(later: Deployment, undone: Deployment, *, has_assigned: bool) -> bool:
    """Tell whether a later deployment only found in place what this one had rolled out.

    It has nothing of its own to undo, so it is withdrawn with this one: nobody is to inherit the version from it.
    """
    return later.status is DeploymentStatus.COMPLETED and not has_assigned and undone.to.meets(later.to)


def common_state(undos: Iterable[Undo]) -> State:
    """Return the versions that every target of a rollback returns to; null where they differ."""
    states = {each.to or NOTHING for each in undos}
    codes = {state.code_version for state in states}
    configurations = {state.configuration_version for state in states}
    return State(
        codes.pop() if len(codes) == 1 else None,
        configurations.pop() if len(configurations) == 1 else None,
    )
