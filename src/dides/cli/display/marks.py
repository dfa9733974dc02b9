"""The words and symbols for states. The word carries the meaning; symbol and colour only help to find it."""

from collections.abc import Mapping
from datetime import UTC, date, datetime

import msgspec
from rich.console import Console
from rich.text import Text

from dides.model.deployment import DeploymentStatus, TargetState
from dides.model.policy import Amount
from dides.model.state import State, Status
from dides.protocol.messages import Deployment, Instance


class Mark(msgspec.Struct, frozen=True):
    """How one state is shown: a symbol, one for terminals that know only ASCII, the word and its colour."""

    symbol: str
    plain: str
    word: str
    style: str

    def text(self, console: Console) -> Text:
        """Return the symbol and the word for this console."""
        return Text(f"{self.on(console)} {self.word}", style=self.style)

    def count(self, console: Console, number: int) -> Text:
        """Return the symbol, how many there are, and the word; dim when there are none."""
        return Text(f"{self.on(console)} {number} {self.word}", style=self.style if number else "dim")

    def on(self, console: Console) -> str:
        """Return the symbol for this console."""
        return self.plain if console.options.ascii_only else self.symbol


STATUS = {
    Status.UNKNOWN: Mark("?", "?", "unknown", "magenta"),
    Status.HEALTHY: Mark("✔", "+", "healthy", "green"),
    Status.DEGRADED: Mark("!", "!", "degraded", "yellow"),
    Status.FAILED: Mark("✖", "x", "failed", "red"),
}
TARGET = {
    TargetState.PENDING: Mark("○", ".", "pending", "dim"),
    TargetState.UPDATING: Mark("▸", ">", "updating", "cyan"),
    TargetState.SUCCEEDED: Mark("✔", "+", "succeeded", "green"),
    TargetState.FAILED: Mark("✖", "x", "failed", "red"),
    TargetState.SKIPPED: Mark("»", "-", "skipped", "yellow"),
}
DEPLOYMENT = {
    DeploymentStatus.RUNNING: Mark("▸", ">", "running", "cyan"),
    DeploymentStatus.PAUSED: Mark("=", "=", "paused", "yellow"),
    DeploymentStatus.COMPLETED: Mark("✔", "+", "completed", "green"),
    DeploymentStatus.FAILED: Mark("✖", "x", "failed", "red"),
    DeploymentStatus.ABORTED: Mark("!", "!", "aborted", "yellow"),
}
DRIFTED = Mark("≠", "#", "drifted", "yellow")
UNREACHABLE = Mark("!", "!", "unreachable", "magenta")

DUPLICATED = Mark("✖", "x", "duplicated", "red")
CONVERGING = Mark("↻", "~", "converging", "cyan")
WARNING = Mark("!", "!", "warning", "yellow")

WAITS = ("promote", "soak", "health", "paused", "outage")
"""Holds for which nothing goes on until an operator acts, or time has passed."""
BLOCKS = ("max_unavailable", "spread_by")
"""Holds for which something has to happen to the fleet: worth a word when nothing is updating."""


def in_flight(deployment: Deployment) -> bool:
    """Tell whether a deployment is not yet final."""
    return deployment.status in (DeploymentStatus.RUNNING, DeploymentStatus.PAUSED)


def is_drifted(instance: Instance) -> bool:
    """Tell whether an instance reports something else than it should be; one that reports nothing is unknown."""
    return not instance.current.empty and not instance.current.meets(instance.desired)


def say_state(state: State | None) -> str:
    """Return a pair of versions in short: `1.0.0`, `1.0.0 config 7`, `config 7`, or `-` when nothing is known."""
    if state is None or state.empty:
        return "-"
    config = "" if state.configuration_version is None else f"config {state.configuration_version}"
    return " ".join(part for part in (state.code_version, config) if part)


def say_selection(deployment: Deployment) -> str:
    """Return which instances a deployment is for: its labels and selector, or the whole fleet."""
    return say_selection_of(deployment.labels, deployment.selector)


def say_selection_of(labels: Mapping[str, str], selector: str | None) -> str:
    """Return labels and a selector as one selector; both empty mean the whole fleet."""
    each = [f"{key}={value}" for key, value in sorted(labels.items())]
    return ",".join([*each, *([selector] if selector else [])]) or "the whole fleet"


def say_threshold(threshold: Amount) -> str:
    """Return how many failures stop a deployment."""
    if isinstance(threshold, str):
        return f"stops when {threshold} failed"
    return f"stops at {threshold} failure{'' if threshold == 1 else 's'}"


def is_waiting(deployment: Deployment) -> bool:
    """Tell whether nothing goes on, so that whoever watches wants to know why."""
    blocked = deployment.held_by in BLOCKS and deployment.progress.updating == 0
    return deployment.held_by in WAITS or blocked


def say_wave(deployment: Deployment) -> str:
    """Return which wave is open, as `wave 2 of 3`; "" without waves, and once it has ended."""
    wave = deployment.wave
    return f"wave {wave.open} of {wave.of}" if wave and in_flight(deployment) else ""


def say_version(deployment: Deployment) -> str:
    """Return what a deployment rolls out, or what it undoes."""
    if deployment.rollback_of is not None:
        return f"rollback of deployment {deployment.rollback_of}"
    return say_state(State(deployment.code_version, deployment.configuration_version))


def say_duration(seconds: float) -> str:
    """Return a duration in seconds in words: `4.2 s`, `3 min 12 s`, `2 h 5 min`."""
    if seconds < 60:
        return f"{max(0.0, seconds):.1f} s"
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def say_time(moment: datetime | None, today: date | None = None) -> str:
    """Return a moment in the time zone of this machine, without its date when it is of today, or `-`."""
    if moment is None:
        return "-"
    local = moment.astimezone()
    return local.strftime("%H:%M:%S" if local.date() == (today or local_today()) else "%Y-%m-%d %H:%M:%S")


def local_today() -> date:
    """Return the date in the time zone of this machine."""
    return datetime.now(UTC).astimezone().date()
