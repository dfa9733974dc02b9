"""Shows a deployment where lines cannot be redrawn: one line for each change."""

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.text import Text

from dides.cli.display.follow import Sight
from dides.cli.display.marks import in_flight, is_waiting, say_duration, say_wave
from dides.cli.display.progress import ServerTime, failure, headline, held, verdict
from dides.cli.options.output import clean
from dides.protocol.messages import Target
from dides.protocol.progress import done

NAMES = 5
"""Updating instances named at most in a line; the rest is counted."""


class PlainDisplay:
    """Prints a line for each change."""

    def __init__(self, console: Console, time: ServerTime) -> None:
        self._console = console
        self._time = time
        self._shown: str | None = None
        self._away = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def show(self, sight: Sight) -> None:
        """Print what changed."""
        if self._shown is None:
            self._line(headline(sight.deployment))
        for target in sight.failures:
            self._console.print(failure(target, self._console), soft_wrap=True)
        status = self._status(sight)
        if status != self._shown:
            elapsed = self._time.seconds_since(sight.deployment.created_at, sight.deployment.finished_at)
            self._line(f"[{say_duration(elapsed)}] {status}")
        self._shown = status
        if not in_flight(sight.deployment):
            self._console.print(verdict(sight.deployment, self._time, self._console), soft_wrap=True)

    def show_away(self, seconds: float, why: str) -> None:
        """Say once that the coordinator is away, and why it seems to be."""
        if not self._away:
            self._line(f"The coordinator is away, still trying: {clean(why)}")
        self._away = True

    def show_back(self) -> None:
        """Say that the coordinator answers again."""
        self._away = False
        self._line("The coordinator is back.")

    def _status(self, sight: Sight) -> str:
        deployment, progress = sight.deployment, sight.deployment.progress
        parts = [
            f"{done(progress, deployment.status)}/{progress.total} done",
            f"{progress.updating} updating{self._names(sight)}",
            f"{progress.pending} pending",
        ]
        parts += [f"{progress.failed} failed"] if progress.failed else []
        parts += [f"{progress.skipped} skipped"] if progress.skipped else []
        if wave := say_wave(deployment):
            parts.append(wave)
        if is_waiting(deployment):
            parts.append(held(deployment, sight.soaks_until, self._time))
        return ", ".join(parts)

    def _names(self, sight: Sight) -> str:
        names = [_name(target) for target in sight.updating[:NAMES]]
        if (more := sight.deployment.progress.updating - len(names)) > 0 and names:
            names.append(f"and {more} more")
        return f" ({', '.join(names)})" if names else ""

    def _line(self, text: str) -> None:
        self._console.print(Text(text), soft_wrap=True)


def _name(target: Target) -> str:
    """Return the name of an updating target, with the reason when its update starts once more."""
    return f"{target.instance}: {clean(target.reason)}" if target.reason else target.instance
