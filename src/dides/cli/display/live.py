"""Shows a deployment on a terminal while it runs: a bar, the window, failures as they come."""

from collections.abc import Iterator
from types import TracebackType
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from dides.cli.display.follow import Sight
from dides.cli.display.marks import DEPLOYMENT, TARGET, UNREACHABLE, in_flight, is_waiting, say_duration, say_wave
from dides.cli.display.progress import ServerTime, counts, failure, headline, held, verdict, window
from dides.cli.options.output import clean
from dides.model.deployment import TargetState
from dides.protocol.messages import Deployment
from dides.protocol.progress import done

ROWS = 8
"""Updating instances shown at most; the rest is counted."""
REDRAWS = 8
"""Times a second, so that durations move."""


class LiveDisplay:
    """A block at the bottom of the terminal that is redrawn; failures are printed above it and stay."""

    def __init__(self, console: Console, time: ServerTime) -> None:
        self._console = console
        self._time = time
        self._sight: Sight | None = None
        self._away: str = ""
        self._live = Live(console=console, get_renderable=self._render, refresh_per_second=REDRAWS)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def show(self, sight: Sight) -> None:
        """Show what changed."""
        self._sight = sight
        for target in sight.failures:
            self._live.console.print(failure(target, self._console))
        self._live.refresh()

    def show_away(self, seconds: float, why: str) -> None:
        """Say that the coordinator has been away for so many seconds, and why it seems to be."""
        self._away = f"the coordinator has been away for {say_duration(seconds)}, still trying: {clean(why)}"
        self._live.refresh()

    def show_back(self) -> None:
        """Say that the coordinator answers again."""
        self._away = ""
        self._live.refresh()

    def _render(self) -> RenderableType:
        if self._sight is None:
            return Text("")
        return Group(*self._parts(self._sight))

    def _parts(self, sight: Sight) -> Iterator[RenderableType]:
        deployment = sight.deployment
        yield Text(headline(deployment), style="bold")
        yield self._bar(deployment)
        yield counts(deployment.progress, self._console)
        if in_flight(deployment):
            yield from self._window(sight)
        else:
            yield verdict(deployment, self._time, self._console)
        if self._away:
            yield Text(f"{UNREACHABLE.on(self._console)} {self._away}", style=UNREACHABLE.style)

    def _bar(self, deployment: Deployment) -> Table:
        progress = deployment.progress
        style = "red" if progress.failed else DEPLOYMENT[deployment.status].style
        elapsed = self._time.seconds_since(deployment.created_at, deployment.finished_at)
        row = Table.grid(padding=(0, 1), expand=True)
        row.add_column(ratio=1)
        row.add_column(no_wrap=True)
        completed = done(progress, deployment.status)
        bar = ProgressBar(
            total=max(progress.total, 1),
            completed=done(progress, deployment.status),
            complete_style=style,
            finished_style=style,
        )
        parts = [say_wave(deployment), f"{completed}/{progress.total}", say_duration(elapsed)]
        row.add_row(bar, "  ".join(part for part in parts if part))
        return row

    def _window(self, sight: Sight) -> Iterator[Text]:
        mark = TARGET[TargetState.UPDATING]
        moments = window(sight.updating, self._time)
        for moment in moments[:ROWS]:
            yield Text.assemble(
                (f"  {mark.on(self._console)} {moment.instance}", mark.style),
                f"  for {say_duration(moment.seconds)}",
                f", {moment.reason}" if moment.reason else "",
            )
        if (more := sight.deployment.progress.updating - ROWS) > 0:
            yield Text(f"    and {more} more")
        if reason := held(sight.deployment, sight.soaks_until, self._time):
            yield Text(f"  {reason}", style="" if is_waiting(sight.deployment) else "dim")
