"""Tables without lines around them, in whatever room there is: what matters most stays whole."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import zip_longest
from typing import TypeVar

import msgspec
from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from dides.cli.options.output import PIPE_WIDTH, clean

T = TypeVar("T")
Cell = str | Text
GAP = 2
NARROW = 14
"""Columns of the terminal that a cell may be folded into, and no fewer."""
UNBROKEN = {
    *("ID", "Status", "State", "Done", "Failed", "Started", "Took", "Created", "Last heartbeat", "Time", "What", "Wave")
}
"""Titles of columns that are shown whole or not at all."""
LEAVE = (
    *(
        "Labels",
        "Created",
        "Started",
        "Attempt",
        "Size",
        "Wave",
        "Took",
        "Last heartbeat",
        "Deployment",
        "Desired",
        "From",
    ),
    *("Instances", "Details", "Message", "Failed", "Current", "To", "Why", "Time", "Version", "Done"),
    *("Status", "State", "What"),
)
"""Titles of columns in the order in which they leave a table that is too wide for its terminal."""


class Column(msgspec.Struct):
    """A column: what it holds, and how wide it can be and will be."""

    title: str
    cells: list[Text]
    keeps: bool
    """It never leaves, and no word of it is ever broken."""
    natural: int
    """The width at which nothing is folded."""
    least: int
    """The width below which it is not to be."""
    width: int = 0


def make_column(title: str, cells: list[Text], *, keeps: bool) -> Column:
    """Return a column as wide as what it holds needs it."""
    lines = [title, *(line for cell in cells for line in cell.plain.splitlines())]
    natural = max(map(cell_len, lines))
    if keeps:
        least = max(cell_len(word) for line in lines for word in line.split() or [""])
    else:
        least = natural if title in UNBROKEN else min(natural, max(cell_len(title), NARROW))
    return Column(title, cells, keeps, natural, least)


def print_rows(
    rows: Iterable[T], columns: Mapping[str, Callable[[T], Cell]], console: Console, *, keep: Sequence[str]
) -> None:
    """Print a table, which every terminal shows and every program can cut into columns.

    The columns of these titles stay whatever the width; of the others those that matter least leave first.
    """
    listed = list(rows)
    every = [
        make_column(title, [as_text(cell(row)) for row in listed], keeps=title in keep)
        for title, cell in columns.items()
    ]
    shown = fit(every, console.width)
    for cells in zip(*([Text(column.title, style="bold"), *column.cells] for column in shown), strict=True):
        _print_row(cells, [column.width for column in shown], console)
    if missing := [column.title for column in every if column not in shown]:
        console.print(Text(f"Not shown, for want of room: {', '.join(missing)}", style="dim"))


def fit(columns: Sequence[Column], room: int) -> list[Column]:
    """Return the columns that can be shown, with their widths. Where no terminal limits it, all are shown whole."""
    shown = list(columns)
    if room < PIPE_WIDTH:
        shown = _without_what_does_not_fit(shown, room)
    for column in shown:
        column.width = column.least if room < PIPE_WIDTH else column.natural
    left = room - _total(shown, [column.width for column in shown])
    narrowest_first = sorted(shown, key=lambda column: column.natural - column.width)
    for place, column in enumerate(narrowest_first):
        more = min(column.natural - column.width, max(left, 0) // (len(shown) - place))
        column.width += more
        left -= more
    return shown


def print_facts(facts: Mapping[str, Cell], console: Console) -> None:
    """Print names and values, a pair a line; a value of which a word has no room there gets lines of its own."""
    wide = max(map(cell_len, facts)) + GAP
    for name, value in facts.items():
        text = as_text(value)
        longest = max((cell_len(word) for word in text.plain.split()), default=0)
        beside = longest <= max(1, console.width - wide)
        room = max(longest, 1, console.width - wide if beside else console.width)
        title, indent = (name.ljust(wide), " " * wide) if beside else (f"{name}\n", "")
        for number, line in enumerate(text.wrap(console, room) or [Text()]):
            line.rstrip()
            console.print(Text.assemble((indent if number else title, "bold"), line), soft_wrap=True)


def as_text(cell: Cell) -> Text:
    """Return a cell as text without control characters."""
    return cell if isinstance(cell, Text) else Text(clean(cell))


def _print_row(cells: Sequence[Text], widths: Sequence[int], console: Console) -> None:
    """Print one row, on as many lines as its cells need in their widths."""
    folded = [cell.wrap(console, width, overflow="fold") for cell, width in zip(cells, widths, strict=True)]
    for parts in zip_longest(*folded, fillvalue=Text()):
        line = Text()
        for part, width in zip(parts, widths, strict=True):
            line.append(part)
            line.pad_right(width - cell_len(part.plain) + GAP)
        line.rstrip()
        console.print(line, soft_wrap=True)


def _without_what_does_not_fit(columns: list[Column], room: int) -> list[Column]:
    for title in LEAVE:
        if _total(columns, [column.least for column in columns]) <= room:
            break
        columns = [column for column in columns if column.title != title or column.keeps]
    return columns


def _total(columns: Sequence[Column], widths: Sequence[int]) -> int:
    return sum(widths) + GAP * max(0, len(columns) - 1)
