"""What will happen if an operator pauses, resumes, promotes, aborts or rolls back a deployment, in numbers.

The numbers are the engine's own, asked of the deployment as it is now; nothing is changed.
"""

from collections.abc import Callable
from enum import StrEnum

import msgspec

from dides.coordinator.transactions.undo import undos_of
from dides.engine.rollback import Standing, common_state, is_a_rollback
from dides.engine.stop import stop
from dides.engine.threshold import threshold_of
from dides.engine.waves import is_last, open_size, promoted, why_not_promoted
from dides.model.deployment import Deployment, DeploymentStatus, Kind
from dides.store.interface import Transaction
from dides.text.format import plural, seconds, state

MOST_LOOKED_AT = 10_000
"""Targets up to which a rollback is worked out; beyond, it would take longer than somebody who asks wants to wait."""


class Action(StrEnum):
    """What a button does, by its name in addresses."""

    PAUSE = "pause"
    RESUME = "resume"
    PROMOTE = "promote"
    ABORT = "abort"
    ABORT_AND_ROLL_BACK = "abort-and-roll-back"
    ROLL_BACK = "rollback"


class Consequences(msgspec.Struct, frozen=True, kw_only=True):
    """What is said before it is done."""

    title: str
    button: str
    lines: list[str]


class Around(msgspec.Struct, frozen=True, kw_only=True):
    """What else decides on what can be done with a deployment."""

    no_rollback: str | None
    """Why the deployment cannot be undone now."""


BUTTONS = {
    Action.PAUSE: "Pause",
    Action.RESUME: "Resume",
    Action.PROMOTE: "Promote",
    Action.ABORT: "Abort",
    Action.ABORT_AND_ROLL_BACK: "Abort and roll back",
    Action.ROLL_BACK: "Roll back",
}
DANGEROUS = (Action.ABORT, Action.ABORT_AND_ROLL_BACK, Action.ROLL_BACK)


def actions_for(deployment: Deployment, around: Around) -> list[Action]:
    """Return what makes sense now."""
    return [action for action in Action if why_not_now(action, deployment, around) is None]


def why_not_now(action: Action, deployment: Deployment, around: Around) -> str | None:
    """Return why an action makes no sense now; None when it does."""
    if action is Action.ROLL_BACK:
        return _aborted_first(deployment) or around.no_rollback
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


def consequences_of(tx: Transaction, action: Action, deployment: Deployment) -> Consequences:
    """Return what an action that makes sense would do."""
    what = "rollback" if deployment.rollback_of else "deployment"
    return Consequences(
        title=f"{BUTTONS[action]} {what} {deployment.id}?",
        button=BUTTONS[action],
        lines=_LINES[action](tx, deployment),
    )


def _aborted_first(deployment: Deployment) -> str | None:
    if not deployment.in_flight or deployment.kind is Kind.ROLLBACK:
        return None
    return f"Deployment {deployment.id} is in flight: abort it, and roll it back with that."


def _pause(_: Transaction, deployment: Deployment) -> list[str]:
    counts = deployment.counts
    lines = [f"{_pending(deployment)} not told anything until somebody resumes it."]
    if counts.updating:
        go_on = plural(counts.updating, "updating target goes on, and is", "updating targets go on, and are")
        lines.append(f"{go_on} judged as before{_still_stops(deployment)}.")
    lines.append("Timeouts, the deadline and the soak between waves stand still; min_healthy_time runs on.")
    return lines


def _still_stops(deployment: Deployment) -> str:
    if deployment.kind is Kind.ROLLBACK:
        return ""
    failed = plural(threshold_of(deployment), "target has", "targets have")
    return f": it still stops when {failed} failed in all"


def _resume(_: Transaction, deployment: Deployment) -> list[str]:
    lines = [f"{_pending(deployment)} told from now on, at most {deployment.window:,} updating at once."]
    if not is_last(deployment):
        room = max(0, open_size(deployment) - deployment.counts.started)
        wave = f"Wave {deployment.wave.open} of {len(deployment.waves)}"
        lines.append(f"{wave} lets {room:,} more of them start.")
    if deployment.held_by_outage:
        lines.append("Instances that are silent count as silent from now on: their updates fail when they time out.")
    lines.append("Timeouts, the deadline and the soak between waves go on from where they stood.")
    return lines


def _promote(tx: Transaction, deployment: Deployment) -> list[str]:
    lapsed, following = deployment.wave.lapsed, promoted(deployment, tx.now)
    them = f"{lapsed:,} that had succeeded and {'is' if lapsed == 1 else 'are'} not HEALTHY at the target now"
    if following.wave == deployment.wave:
        return [f"It first waits for {them}, for up to {seconds(deployment.policy.update_timeout)}."]
    started = deployment.counts.started
    last = is_last(following)
    room = deployment.counts.pending if last else open_size(following) - started
    wave = f"Wave {following.wave.open} of {len(following.waves)} opens"
    opens = f"{wave}{', the last one' if last else ''}"
    lines = [f"{opens}: up to {room:,} more updates start, at most {deployment.window:,} updating at once."]
    if lapsed:
        lines.append(f"It passes over {them}.")
    if deployment.timers.soaked_at is not None:
        lines.append(f"The rest of the soak of {seconds(float(deployment.policy.wave_pause))} is left out.")
    if deployment.status is DeploymentStatus.PAUSED:
        lines.append("It stays paused: no update starts before somebody resumes it.")
    lines.append("What instances have reported of the open wave is judged first, and can still stop the deployment.")
    return lines


def _abort(tx: Transaction, deployment: Deployment) -> list[str]:
    counts = deployment.counts
    lines = _stopped(deployment)
    if counts.updating:
        stopped, restored = stop(tx.targets.updating(deployment.id))
        read = len(stopped) - len(restored)
        kept = plural(read, "has read the new version and goes", "have read the new version and go")
        unread = plural(len(restored), "is not known to have, and gets", "are not known to have, and get")
        lines.append(f"Of those, {kept} on with it; {unread} the earlier desired state back.")
    lines.append(
        f"{plural(counts.succeeded, 'target')} succeeded and {counts.failed:,} failed: they stay as they are. "
        "Nothing is rolled back."
    )
    return lines


def _abort_and_roll_back(tx: Transaction, deployment: Deployment) -> list[str]:
    return [*_stopped(deployment), *_rolled_back(tx, deployment)]


def _rolled_back(tx: Transaction, deployment: Deployment) -> list[str]:
    touched, window = deployment.counts.touched, f"at most {deployment.window:,} updating at once"
    few = deployment.counts.total <= MOST_LOOKED_AT
    returned = _returned(tx, deployment) if few else [_return(touched, "")]
    if not returned:
        return ["No instance was told anything, so the rollback has nothing to return."]
    how = f"The rollback is a deployment of its own: the failed ones first, {window}, without waves."
    return [*returned, f"{how} Failures in it are recorded and do not stop it. It cannot be rolled back."]


def _returned(tx: Transaction, deployment: Deployment) -> list[str]:
    undos = undos_of(tx, deployment)
    if not undos:
        return []
    known = [each for each in undos if each.to is not None]
    lines = [_return(len(known), state(common_state(known), ""))]
    if nowhere := len(undos) - len(known):
        lines.append(
            f"{plural(nowhere, 'instance has', 'instances have')} nothing known to return to: skipped, and without "
            "a desired state from then on."
        )
    return lines


def _return(number: int, version: str) -> str:
    """Return the line that says how many return; `version` is what all of them return to, "" when that differs."""
    instances = plural(number, "instance is", "instances are")
    return f"{instances} told to return to {version or 'what each of them had before'}."


def _stopped(deployment: Deployment) -> list[str]:
    counts = deployment.counts
    lines = []
    if counts.pending:
        lines.append(f"{_pending(deployment)} skipped as not started: nothing changes on the instances.")
    if counts.updating:
        updating = plural(counts.updating, "updating target is", "updating targets are")
        lines.append(f"{updating} skipped as stopped while updating.")
    return lines


def _pending(deployment: Deployment) -> str:
    return plural(deployment.counts.pending, "pending target is", "pending targets are")


_LINES: dict[Action, Callable[[Transaction, Deployment], list[str]]] = {
    Action.PAUSE: _pause,
    Action.RESUME: _resume,
    Action.PROMOTE: _promote,
    Action.ABORT: _abort,
    Action.ABORT_AND_ROLL_BACK: _abort_and_roll_back,
    Action.ROLL_BACK: _rolled_back,
}
