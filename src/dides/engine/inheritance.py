"""What an instance gets that registers, or returns, after the deployments that were meant for it."""

from collections.abc import Iterable

import msgspec

from dides.model.deployment import Deployment, DeploymentStatus, Kind, Target
from dides.model.instance import Instance
from dides.model.state import State, Status, known


class Inheritance(msgspec.Struct, frozen=True):
    """What an instance inherits, and from which deployment the newest part of it comes."""

    state: State
    source: Deployment


def inherited(matching: Iterable[Deployment]) -> Inheritance | None:
    """Return, per version, what the newest deployment names that may be inherited from.

    `matching` are the deployments whose selectors match the instance, newest first. Only completed ones of kind deploy
    that are not withdrawn count: failed and aborted states are never inherited.
    """
    state, source = State(), None
    for deployment in matching:
        if not may_be_inherited(deployment):
            continue
        wider = state.over(deployment.to)
        if wider != state:
            state, source = wider, source or deployment
        if state.code_version is not None and state.configuration_version is not None:
            break
    return Inheritance(state, source) if source else None


def may_be_inherited(deployment: Deployment) -> bool:
    """Tell whether later instances get this deployment's versions."""
    return (
        deployment.kind is Kind.DEPLOY and deployment.status is DeploymentStatus.COMPLETED and not deployment.withdrawn
    )


def may_be_joined(deployment: Deployment) -> bool:
    """Tell whether an instance that registers while this one is in flight becomes its last target."""
    return deployment.kind is Kind.DEPLOY


def inherits_beside(deployment: Deployment, its_target: Target) -> bool:
    """Tell whether an instance that registers again may inherit although it is a target of this one, in flight.

    What this one has told it holds; and what a rollback returns is not to get what was undone, or anything else.
    """
    return its_target.assigned_at is None and deployment.kind is Kind.DEPLOY


def change_for(desired: State | None, inheritance: Inheritance | None) -> State | None:
    """Return the desired state that inheritance gives an instance, or None when it changes nothing."""
    if inheritance is None:
        return None
    wanted = known(inheritance.state.over(desired))
    return wanted if wanted != desired else None


def has_missed(instance: Instance, source: Deployment, its_target: Target | None, assigner: Deployment | None) -> bool:
    """Tell whether a returned instance was away for the deployment that it would inherit from.

    `its_target` is its target in that one, `teller` the deployment that has set its desired state last. Without these
    rules a moment's silence would pull back, alone among its neighbours, an instance that a rollback or a later
    deployment has left elsewhere. The first rule that matches wins.
    """
    if assigner is not None and assigner.withdrawn:
        return True  # It has inherited what was undone since.
    later = assigner is not None and assigner.kind is Kind.DEPLOY and assigner.id > source.id
    if assigner is not None and later and instance.desired is not None and instance.desired.meets(assigner.to):
        return False  # A later deployment has told it, and that still holds.
    return its_target is None or its_target.assigned_at is None


def converges_after(undone: Target, returned: Target, instance: Instance, *, taken_back: bool) -> bool:
    """Tell whether an instance waits again for what it has missed, once a rollback has dealt with it.

    `undone` is its target in the deployment that is rolled back, `returned` the one in the rollback. Its neighbours in
    the queue, whom that deployment had not reached, wait there, too. With `taken_back` it has read nothing of the
    rollback, which was aborted, and is to be again what it was to be before that: perhaps what is not undone now.
    """
    if not undone.late or returned.assigned_at is None or not instance.reachable:
        return False
    return not taken_back or instance.desired != known(undone.to)


def room_to_converge(source: Deployment, converging: int) -> int:
    """Return how many more of those that joined or returned may be told: at most the deployment's window at a time."""
    return max(0, source.window - converging)


def has_converged(instance: Instance, desired: State) -> bool:
    """Tell whether an instance told what it missed takes a place no longer: it arrived, failed or went silent."""
    arrived = instance.status is Status.HEALTHY and instance.current.meets(desired)
    return arrived or instance.status is Status.FAILED or not instance.reachable


def has_arrived(heir: Instance) -> bool:
    """Tell whether an instance is HEALTHY where it inherited to be: that is a good state to return to later."""
    return heir.status is Status.HEALTHY and heir.current.meets(heir.desired) and not heir.current.empty
