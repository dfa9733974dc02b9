"""What an action of an operator would do to a deployment as it is now: read in one transaction; nothing is changed.

The numbers are the engine's own.
"""

from collections.abc import Callable

import msgspec

from dides.coordinator.transactions.preconditions import in_flight
from dides.coordinator.transactions.undo import refusal, to_undo, undos_of
from dides.engine.rollback import Standing, common_state, is_a_rollback
from dides.engine.stop import stop
from dides.engine.threshold import threshold_of
from dides.engine.waves import is_last, open_size, promoted, why_not_promoted
from dides.model.deployment import Deployment, DeploymentStatus, Kind
from dides.model.state import known
from dides.protocol.action_preview import Action, ActionPreview, PreviewedReturn, PreviewedStop, PreviewedWave
from dides.store.interface import Transaction

MOST_LOOKED_AT = 10_000
"""Targets up to which a rollback is worked out; beyond, it would take longer than somebody who asks wants to wait."""


def preview(tx: Transaction, action: Action, expected_id: int | None = None) -> ActionPreview:
    """Return what an action would do to the deployment that it would act on.

    The errors of `to_undo` for a rollback, of `in_flight` for the others.
    """
    roll_back = action is Action.ROLL_BACK
    return preview_of(tx, action, to_undo(tx, expected_id) if roll_back else in_flight(tx, expected_id))


def preview_of(tx: Transaction, action: Action, deployment: Deployment) -> ActionPreview:
    """Return what an action would do to this deployment, which need not be in flight."""
    why_not = why_not_now(tx, action, deployment)
    counts = deployment.counts
    found = ActionPreview(
        action=action,
        deployment_id=deployment.id,
        kind=deployment.kind,
        why_not=why_not,
        paused=deployment.status is DeploymentStatus.PAUSED,
        outage=deployment.held_by_outage,
        pending=counts.pending,
        updating=counts.updating,
        succeeded=counts.succeeded,
        failed=counts.failed,
        window=deployment.window,
        stops_at=None if deployment.kind is Kind.ROLLBACK else threshold_of(deployment),
        lapsed=deployment.wave.lapsed,
        wave=None,
        health_wait=None,
        soak_cut=None,
        stopped=None,
        returned=None,
    )
    return found if why_not else msgspec.structs.replace(found, **_PARTS[action](tx, deployment))


def why_not_now(tx: Transaction, action: Action, deployment: Deployment) -> str | None:
    """Return why an action would be refused now, or would change nothing; None when it would act."""
    if action is Action.ROLL_BACK:
        refused = refusal(tx, deployment)
        return refused.detail if refused else None
    if not deployment.in_flight:
        return f"Deployment {deployment.id} is no longer in flight: it is {deployment.status.value}."
    paused = deployment.status is DeploymentStatus.PAUSED
    match action:
        case Action.PAUSE:
            return f"Deployment {deployment.id} is paused already." if paused else None
        case Action.RESUME:
            held = paused or deployment.held_by_outage
            return None if held else f"Deployment {deployment.id} is not paused."
        case Action.PROMOTE:
            return why_not_promoted(deployment)
        case Action.ABORT_AND_ROLL_BACK:
            return is_a_rollback(Standing(deployment=deployment))
        case _:
            return None


def _nothing(_tx: Transaction, _deployment: Deployment) -> dict[str, object]:
    return {}


def _resume(_: Transaction, deployment: Deployment) -> dict[str, object]:
    return {} if is_last(deployment) else {"wave": _wave(deployment)}


def _promote(tx: Transaction, deployment: Deployment) -> dict[str, object]:
    after = promoted(deployment, tx.now)
    if after.wave == deployment.wave:
        return {"health_wait": deployment.policy.update_timeout}
    soaks = deployment.timers.soaked_at is not None
    return {"wave": _wave(after), "soak_cut": float(deployment.policy.wave_pause) if soaks else None}


def _wave(deployment: Deployment) -> PreviewedWave:
    """Return the open wave of a deployment; the last one takes whatever is pending."""
    counts = deployment.counts
    room = counts.pending if is_last(deployment) else max(0, open_size(deployment) - counts.started)
    return PreviewedWave(number=deployment.wave.open, of=len(deployment.waves), room=room)


def _abort(tx: Transaction, deployment: Deployment) -> dict[str, object]:
    counts = deployment.counts
    restored = stop(tx.targets.updating(deployment.id))[1] if counts.updating else ()
    return {"stopped": PreviewedStop(pending=counts.pending, updating=counts.updating, restored=len(restored))}


def _roll_back(tx: Transaction, deployment: Deployment) -> dict[str, object]:
    stopped = _abort(tx, deployment) if deployment.in_flight else {}
    return {**stopped, "returned": _returned(tx, deployment)}


def _returned(tx: Transaction, deployment: Deployment) -> PreviewedReturn:
    counts = deployment.counts
    if counts.total > MOST_LOOKED_AT:
        return PreviewedReturn(instances=counts.touched, to=None, nowhere=0, worked_out=False)
    undos = undos_of(tx, deployment)
    returning = [undo for undo in undos if undo.to is not None]
    return PreviewedReturn(
        instances=len(returning),
        to=known(common_state(returning)),
        nowhere=len(undos) - len(returning),
        worked_out=True,
    )


_PARTS: dict[Action, Callable[[Transaction, Deployment], dict[str, object]]] = {
    Action.PAUSE: _nothing,
    Action.RESUME: _resume,
    Action.PROMOTE: _promote,
    Action.ABORT: _abort,
    Action.ABORT_AND_ROLL_BACK: _roll_back,
    Action.ROLL_BACK: _roll_back,
}
"""What each action adds to the numbers that all of them share."""
