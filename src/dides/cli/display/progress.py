"""What the progress of a deployment looks like: the pieces that the live display, plain lines and tables share."""

from datetime import datetime

import msgspec
from rich.console import Console, Group
from rich.padding import Padding
from rich.text import Text

from dides.cli.display.marks import (
    DEPLOYMENT,
    TARGET,
    in_flight,
    say_duration,
    say_selection,
    say_threshold,
    say_version,
)
from dides.cli.options.output import clean
from dides.model.deployment import TargetState
from dides.protocol.messages import Deployment, Progress, Target
from dides.protocol.progress import done
from dides.runtime.clock import Clock
from dides.text.holds_in_short import in_short

MESSAGE_LINES = 6
"""Lines of a failure's message that are shown while watching; the last ones, where the error usually is."""

INDENT = 4


class ServerTime:
    """The coordinator's time as far as it is known here, so that a wrong clock does not show nonsense."""

    def __init__(self, clock: Clock, now: datetime | None = None) -> None:
        """Take `now` as what the coordinator's clock shows at this moment; None: trust this machine's clock."""
        self._clock = clock
        self._ahead = 0.0 if now is None else self._local() - now.timestamp()

    def seconds_since(self, moment: datetime | None, until: datetime | None = None) -> float:
        """Return the seconds from a moment of the coordinator to another, or to now; never negative."""
        if moment is None:
            return 0.0
        end = until.timestamp() if until else self._local() - self._ahead
        return max(0.0, end - moment.timestamp())

    def seconds_until(self, moment: datetime) -> float:
        """Return the seconds from now to a moment of the coordinator; never negative."""
        return max(0.0, moment.timestamp() - self._local() + self._ahead)

    def _local(self) -> float:
        return self._clock.now() / 1000


def headline(deployment: Deployment) -> str:
    """Return what a deployment is: `Deployment 42: 1.1.0 to env=demo, 2 at a time, stops at 1 failure`."""
    if deployment.rollback_of is not None:
        return f"Deployment {deployment.id}: {say_version(deployment)}, {say_pace(deployment)}"
    return (
        f"Deployment {deployment.id}: {say_version(deployment)} to {say_selection(deployment)}, "
        f"{say_pace(deployment)}, {say_threshold(deployment.configuration.failure_threshold)}"
    )


def say_pace(deployment: Deployment) -> str:
    """Return how many are updated at once."""
    return f"{deployment.configuration.batch_size} at a time"


def counts(progress: Progress, console: Console) -> Text:
    """Return how many targets are in each state, in symbols and words; those in which none is are dim."""
    order = ("succeeded", "updating", "pending", "failed", "skipped")
    return Text("  ").join(TARGET[TargetState(state)].count(console, getattr(progress, state)) for state in order)


def held(deployment: Deployment, soaks_until: datetime | None, time: ServerTime) -> str:
    """Return what holds a deployment, and for how long still where that is known; "" when nothing does."""
    left = f", for {say_duration(time.seconds_until(soaks_until))} more" if soaks_until else ""
    return f"{in_short(deployment.held_by)}{left}"


def failure(target: Target, console: Console) -> Group:
    """Return a failed target with the end of its message, indented, on lines of its own."""
    mark = TARGET[TargetState.FAILED]
    title = Text.assemble((f"{mark.on(console)} {target.instance} {mark.word}", mark.style))
    if target.reason:
        title.append(f": {clean(target.reason)}")
    lines = clean(target.message).splitlines()[-MESSAGE_LINES:]
    return Group(title, *(Padding.indent(Text(line), INDENT) for line in lines))


def verdict(deployment: Deployment, time: ServerTime, console: Console) -> Text:
    """Return how a deployment stands, or how it ended and why."""
    mark, progress = DEPLOYMENT[deployment.status], deployment.progress
    took = say_duration(time.seconds_since(deployment.created_at, deployment.finished_at))
    title = f"{mark.on(console)} Deployment {deployment.id}"
    if in_flight(deployment):
        title, rest = (
            f"{title} is {mark.word}",
            f", {took} so far: {done(progress, deployment.status)} of {progress.total} done",
        )
    else:
        title, rest = f"{title} {mark.word}", f" after {took}"
    return Text.assemble((title, mark.style), rest, f": {clean(deployment.reason)}" if deployment.reason else "")


class UpdatingFor(msgspec.Struct, frozen=True):
    """How long a target has been updating, as of now."""

    instance: str
    seconds: float
    reason: str = ""
    """Why it is assigned once more."""


def window(updating: tuple[Target, ...], time: ServerTime) -> list[UpdatingFor]:
    """Return the updating targets, the longest first."""
    moments = [
        UpdatingFor(target.instance, time.seconds_since(target.assigned_at), clean(target.reason))
        for target in updating
    ]
    return sorted(moments, key=lambda moment: -moment.seconds)
