"""Where a rollback returns each instance to, in which order, and what may be rolled back."""

from collections.abc import Iterable

from dides.model.deployment import Deployment, Kind, Target, TargetState
from dides.model.instance import Instance, Report
from dides.model.plan import Touched, Undo
from dides.model.policy import Policy
from dides.model.state import NOTHING, State, Status, known


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
    """Return how the rollback of a deployment proceeds: with its `batch_size` and `update_timeout`, and no brakes."""
    its = undone.policy
    return Policy(batch_size=its.batch_size, update_timeout=its.update_timeout, auto_rollback=False)


def last_good_after(instance: Instance, report: Report) -> State | None:
    """Return an instance's last good state once it has reported: HEALTHY with nowhere to be is good.

    Where it was told to be, its target's success decides, or its arrival when it inherited. HEALTHY alone does not: the
    version may be one that failed.
    """
    good = report.status is Status.HEALTHY and instance.desired is None
    return (known(report.current) if good else None) or instance.last_good


def why_not(deployment: Deployment) -> str | None:
    """Return why a deployment cannot be rolled back, or None when it can."""
    if deployment.kind is Kind.ROLLBACK:
        return f"Deployment {deployment.id} is itself a rollback, and there is no rollback of a rollback."
    if deployment.rolled_back_by is not None:
        return f"Deployment {deployment.id} has already been undone by rollback {deployment.rolled_back_by}."
    return None


def common_state(undos: Iterable[Undo]) -> State:
    """Return the versions that every target of a rollback returns to; null where they differ."""
    states = {each.to or NOTHING for each in undos}
    codes = {state.code_version for state in states}
    configurations = {state.configuration_version for state in states}
    return State(
        codes.pop() if len(codes) == 1 else None,
        configurations.pop() if len(configurations) == 1 else None,
    )
