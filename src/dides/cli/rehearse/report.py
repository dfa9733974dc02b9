"""Shows a rehearsal on a terminal: the chance of completing, a table of distributions, and histograms."""

from collections.abc import Callable, Sequence

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from dides.cli.display.marks import say_duration
from dides.cli.rehearse.answer import Answer, Assumptions
from dides.cli.rehearse.bins import Bin, bins_of
from dides.rehearsal.run import Outcome
from dides.rehearsal.summary import Distribution

BINS, WIDEST_BAR = 10, 40
EIGHTHS = " ▏▎▍▌▋▊▉"
COLUMNS: dict[str, Callable[[Distribution], float]] = {
    "least": lambda its: its.min,
    "5 %": lambda its: its.p5,
    "median": lambda its: its.p50,
    "mean": lambda its: its.mean,
    "95 %": lambda its: its.p95,
    "most": lambda its: its.max,
}
NARROW, WHEN_NARROW = 110, ("5 %", "median", "mean", "95 %")
"""Below so many columns of the terminal only these are shown."""

Say = Callable[[float], str]


class Quantity(msgspec.Struct, frozen=True, kw_only=True):
    """Something that was measured in the runs, and how its values are written."""

    name: str
    distribution: Distribution | None
    values: tuple[float, ...] = ()
    """One for each run that has it, when it is worth a histogram."""
    say: Say
    whole: bool = False


def print_report(answer: Answer, outcomes: Sequence[Outcome], console: Console) -> None:
    """Print all of it."""
    for line in (*headline(answer), "", *chance(answer)):
        console.print(Text(line))
    shown = quantities(answer, outcomes)
    console.print()
    console.print(table(shown, WHEN_NARROW if console.width < NARROW else tuple(COLUMNS)))
    for quantity in shown:
        if quantity.values:
            console.print()
            print_histogram(quantity, console)


def headline(answer: Answer) -> list[str]:
    """Return what was rehearsed, and what was assumed, in two lines."""
    fleet, configuration = answer.fleet, answer.configuration
    parts = [f"{fleet.instances:,} instances"]
    parts += [f"{fleet.already_at_target:,} at the target already"] if fleet.already_at_target else []
    parts += [f"{fleet.unreachable:,} unreachable"] if fleet.unreachable else []
    parts += [f"{fleet.unhealthy:,} not healthy"] if fleet.unhealthy else []
    pace = f"{configuration.batch_size} at a time, failure threshold {configuration.failure_threshold}"
    return [
        f"Rehearsed {_runs(answer.runs)} with seed {answer.seed}: {', '.join(parts)}; {pace}.",
        say_assumptions(answer.assumptions),
    ]


def say_assumptions(assumptions: Assumptions) -> str:
    """Return what was assumed of updates, and from where it is known."""
    durations = assumptions.durations
    length = f"{say_duration(durations.mean)} on average (standard deviation {say_duration(durations.spread)})"
    if durations.source == "recorded":
        where = ", ".join(str(number) for number in durations.deployments)
        noun = "deployment" if len(durations.deployments) == 1 else "deployments"
        length += f", as {durations.updates:,} recorded ones of {noun} {where}"
    recorded = " as recorded" if assumptions.failure_rate_source == "recorded" else ""
    lost = f", {assumptions.lost_rate * 100:g} % of the instances die of it" if assumptions.lost_rate else ""
    return f"An update takes {length}; {assumptions.failure_rate * 100:.3g} % fail{recorded}{lost}."


def chance(answer: Answer) -> list[str]:
    """Return how likely the rollout is to complete, and what stopped it."""
    completing = answer.results.completing
    bounds = f"95 % confidence: {_percent(completing.low)} to {_percent(completing.high)}"
    how_often = f"Completes in {completing.completed:,} of {_runs(completing.runs)}"
    stopped = answer.results.stopped_by.items()
    return [
        f"{how_often}: {_percent(completing.chance)} ({bounds})",
        *(f"Stopped in {_runs(count)}: {why}" for why, count in stopped),
    ]


def quantities(answer: Answer, outcomes: Sequence[Outcome]) -> list[Quantity]:
    """Return the rows of the table; those with values have a histogram too."""
    results = answer.results
    stopped = tuple(float(outcome.reached) for outcome in outcomes if not outcome.completed)
    return [
        Quantity(
            name="Total time",
            distribution=results.total_time,
            values=tuple(outcome.total_ms / 1000 for outcome in outcomes),
            say=say_duration,
        ),
        Quantity(name="  rolling out", distribution=results.rollout_time, say=say_duration),
        Quantity(name="  rolling back", distribution=results.rollback_time, say=say_duration),
        Quantity(
            name="Reached before stop",
            distribution=results.reached_before_stop,
            values=stopped,
            say=_number,
            whole=True,
        ),
        Quantity(name="Failed", distribution=results.failed, say=_number),
        Quantity(
            name="Most down at once",
            distribution=results.most_down,
            values=tuple(float(outcome.most_down) for outcome in outcomes),
            say=_number,
            whole=True,
        ),
        Quantity(name="  rolling back", distribution=results.most_down_in_rollback, say=_number),
        Quantity(name="Not rolled back", distribution=results.not_returned, say=_number),
    ]


def table(shown: Sequence[Quantity], columns: Sequence[str]) -> Table:
    """Return a line for each quantity that any run has."""
    rows = Table(box=None, pad_edge=False)
    rows.add_column("")
    for column in (*columns, "runs"):
        rows.add_column(column, justify="right", no_wrap=True)
    for quantity in shown:
        if its := quantity.distribution:
            values = (quantity.say(COLUMNS[column](its)) for column in columns)
            rows.add_row(quantity.name, *values, f"{its.runs:,}")
    return rows


def print_histogram(quantity: Quantity, console: Console) -> None:
    """Print a bar for each range of values, with the number of runs in it."""
    bins = bins_of(quantity.values, BINS, whole=quantity.whole)
    console.print(Text(f"{quantity.name.strip()}, by the number of runs"))
    ranges = [_say_range(one, quantity) for one in bins]
    widest = max(len(text) for text in ranges)
    most = max(one.runs for one in bins)
    for text, one in zip(ranges, bins, strict=True):
        line = Text(f"  {text:>{widest}}  ")
        line.append(bar(one.runs / most, console), style="cyan")
        line.append(f" {one.runs:,}")
        console.print(line, soft_wrap=True)


def bar(share: float, console: Console) -> str:
    """Return a bar for a share from 0 to 1 of the widest one; a share above 0 is never without a mark."""
    if console.options.ascii_only:
        return "#" * max(round(share * WIDEST_BAR), 1 if share else 0)
    eighths = max(round(share * WIDEST_BAR * 8), 1 if share else 0)
    return "█" * (eighths // 8) + EIGHTHS[eighths % 8].strip()


def _say_range(one: Bin, quantity: Quantity) -> str:
    if quantity.whole:
        last = max(one.low, one.high - 1)
        return quantity.say(one.low) if last == one.low else f"{quantity.say(one.low)} to {quantity.say(last)}"
    return quantity.say(one.low) if one.low == one.high else f"{quantity.say(one.low)} to {quantity.say(one.high)}"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value == int(value) else f"{value:,.1f}"


def _percent(chance: float) -> str:
    return f"{chance * 100:.3g} %"


def _runs(number: int) -> str:
    return f"{number:,} run{'' if number == 1 else 's'}"
