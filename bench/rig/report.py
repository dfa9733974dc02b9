"""What a benchmark found: a table for people, one JSON document for scripts."""

import statistics
import sys
from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec

from rig.machine import Machine, this_machine


class Spread(msgspec.Struct, frozen=True):
    """What was found in several rounds."""

    median: float
    low: float
    high: float

    def __format__(self, spec: str) -> str:
        return f"{self.median:{spec}} ({self.low:{spec}} to {self.high:{spec}})"


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """One figure. `ratio` is what it is in terms of a yardstick of the same run."""

    what: str
    value: Spread
    unit: str = ""
    ratio: Spread | None = None
    goal: str = ""
    met: bool | None = None


class Report(msgspec.Struct, kw_only=True):
    """Everything that one run of a benchmark found."""

    benchmark: str
    parameters: dict[str, str | int | float | bool | list[int]] = {}
    figures: list[Figure] = []
    notes: list[str] = []
    at: datetime = msgspec.field(default_factory=lambda: datetime.now(UTC))
    machine: Machine = msgspec.field(default_factory=this_machine)

    def add(
        self,
        what: str,
        values: Sequence[float],
        unit: str = "",
        *,
        to: Sequence[float] | None = None,
        least: float | None = None,
        most: float | None = None,
    ) -> None:
        """Add a figure from its rounds; `to` are the yardstick's, and the goal is for the ratio if there is one."""
        value, ratio = spread(values), ratios(values, to) if to else None
        judged = (ratio or value).median
        goal = f"at least {least:g}" if least is not None else f"at most {most:g}" if most is not None else ""
        met = judged >= least if least is not None else judged <= most if most is not None else None
        self.figures.append(Figure(what=what, value=value, unit=unit, ratio=ratio, goal=goal, met=met))

    def show(self, *, as_json: bool) -> None:
        """Print it."""
        if as_json:
            sys.stdout.buffer.write(msgspec.json.encode(self) + b"\n")
            return
        rows = [("", "value", "ratio", "goal"), *(_cells(each) for each in self.figures)]
        widths = [max(len(row[column]) for row in rows) for column in range(4)]
        print(f"{self.benchmark}  {self.parameters}")
        for row in rows:
            print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
        for note in self.notes:
            print(f"note: {note}")


def spread(values: Sequence[float]) -> Spread:
    """Return the median, the lowest and the highest."""
    return Spread(statistics.median(values), min(values), max(values))


def ratios(values: Sequence[float], to: Sequence[float]) -> Spread:
    """Return the spread of the ratios, each of two values of one round."""
    return spread([one / other for one, other in zip(values, to, strict=True)])


def say(figure: Spread, unit: str) -> str:
    """Return a figure in words."""
    digits = ",.0f" if figure.median >= 100 else ".3g"
    return f"{format(figure, digits)} {unit}".rstrip()


def _cells(figure: Figure) -> tuple[str, str, str, str]:
    met = "" if figure.met is None else " (met)" if figure.met else " (MISSED)"
    ratio = "" if figure.ratio is None else say(figure.ratio, "")
    return figure.what, say(figure.value, figure.unit), ratio, figure.goal + met
