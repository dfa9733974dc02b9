"""What an action of an operator would do, in sentences, for the pages and the command line."""

from collections.abc import Callable

from dides.model.deployment import Kind
from dides.protocol.action_preview import Action, ActionPreview, PreviewedReturn, PreviewedStop, PreviewedWave
from dides.text.format import plural, seconds, state

NAMES = {
    Action.PAUSE: "Pause",
    Action.RESUME: "Resume",
    Action.PROMOTE: "Promote",
    Action.ABORT: "Abort",
    Action.ABORT_AND_ROLL_BACK: "Abort and roll back",
    Action.ROLL_BACK: "Roll back",
}
DANGEROUS = (Action.ABORT, Action.ABORT_AND_ROLL_BACK, Action.ROLL_BACK)


def question(preview: ActionPreview) -> str:
    """Return what an operator is asked, such as `Abort deployment 42?`, before an action."""
    what = "rollback" if preview.kind is Kind.ROLLBACK else "deployment"
    return f"{NAMES[preview.action]} {what} {preview.deployment_id}?"


def consequences(preview: ActionPreview) -> list[str]:
    """Return what will happen, a sentence or two each; why nothing will, when the action would not act."""
    return [preview.why_not] if preview.why_not else _LINES[preview.action](preview)


def _pause(preview: ActionPreview) -> list[str]:
    lines = [f"{_pending(preview.pending)} not started until somebody resumes it."]
    if preview.updating:
        go_on = plural(preview.updating, "updating target goes on, and is", "updating targets go on, and are")
        lines.append(f"{go_on} judged as before{_still_stops(preview)}.")
    lines.append("Timeouts, the deadline and the soak between waves stand still; min_healthy_time runs on.")
    return lines


def _still_stops(preview: ActionPreview) -> str:
    if preview.stops_at is None:
        return ""
    failed = plural(preview.stops_at, "target has", "targets have")
    return f": it still stops when {failed} failed in all"


def _resume(preview: ActionPreview) -> list[str]:
    pending = plural(preview.pending, "pending target")
    lines = [f"{pending} may start from now on, at most {preview.window:,} updating at once."]
    if preview.wave:
        lines.append(f"{_name(preview.wave)} lets {preview.wave.room:,} more of them start.")
    if preview.outage:
        lines.append("Instances that are silent count as silent from now on: their updates fail when they time out.")
    lines.append("Timeouts, the deadline and the soak between waves go on from where they stood.")
    return lines


def _promote(preview: ActionPreview) -> list[str]:
    lapsed, wave = preview.lapsed, preview.wave
    them = f"{lapsed:,} that had succeeded and {'is' if lapsed == 1 else 'are'} not HEALTHY at the target now"
    if wave is None:
        return [f"It first waits for {them}, for up to {seconds(preview.health_wait or 0.0)}."]
    opens = f"{_name(wave)} opens{', the last one' if wave.number == wave.of else ''}"
    lines = [f"{opens}: up to {wave.room:,} more updates start, at most {preview.window:,} updating at once."]
    if lapsed:
        lines.append(f"It passes over {them}.")
    if preview.soak_cut is not None:
        lines.append(f"The rest of the soak of {seconds(preview.soak_cut)} is left out.")
    if preview.paused:
        lines.append("It stays paused: no update starts before somebody resumes it.")
    lines.append("What instances have reported of the open wave is judged first, and can still stop the deployment.")
    return lines


def _abort(preview: ActionPreview) -> list[str]:
    lines, stopped = _stopped(preview.stopped), preview.stopped
    if stopped and stopped.updating:
        read = stopped.updating - stopped.restored
        kept = plural(read, "has read the new version and goes", "have read the new version and go")
        unread = plural(stopped.restored, "is not known to have, and gets", "are not known to have, and get")
        lines.append(f"Of those, {kept} on with it; {unread} the earlier desired state back.")
    ended = f"{plural(preview.succeeded, 'target')} succeeded and {preview.failed:,} failed"
    return [*lines, f"{ended}: they stay as they are. Nothing is rolled back."]


def _roll_back(preview: ActionPreview) -> list[str]:
    returned, window = preview.returned, f"at most {preview.window:,} updating at once"
    lines = _stopped(preview.stopped)
    if returned is None or not returned.instances + returned.nowhere:
        return [*lines, "No instance was assigned anything, so the rollback has nothing to return."]
    how = f"The rollback is a deployment of its own: the failed ones first, {window}, without waves."
    end = "Failures in it are recorded and do not stop it. It cannot be rolled back."
    return [*lines, *_returned(returned), f"{how} {end}"]


def _returned(returned: PreviewedReturn) -> list[str]:
    instances = plural(returned.instances, "instance returns", "instances return")
    lines = [f"{instances} to {state(returned.to, 'what each of them had before')}."]
    if returned.nowhere:
        have = plural(returned.nowhere, "instance has", "instances have")
        lines.append(f"{have} nothing known to return to: skipped, and without a desired state from then on.")
    return lines


def _stopped(stopped: PreviewedStop | None) -> list[str]:
    lines = []
    if stopped and stopped.pending:
        lines.append(f"{_pending(stopped.pending)} skipped as not started: nothing changes on the instances.")
    if stopped and stopped.updating:
        updating = plural(stopped.updating, "updating target is", "updating targets are")
        lines.append(f"{updating} skipped as stopped while updating.")
    return lines


def _pending(number: int) -> str:
    return plural(number, "pending target is", "pending targets are")


def _name(wave: PreviewedWave) -> str:
    return f"Wave {wave.number} of {wave.of}"


_LINES: dict[Action, Callable[[ActionPreview], list[str]]] = {
    Action.PAUSE: _pause,
    Action.RESUME: _resume,
    Action.PROMOTE: _promote,
    Action.ABORT: _abort,
    Action.ABORT_AND_ROLL_BACK: _roll_back,
    Action.ROLL_BACK: _roll_back,
}
