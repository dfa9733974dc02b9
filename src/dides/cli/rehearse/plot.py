"""Draws a rehearsal into a file, with matplotlib, which is an optional extra."""

import os
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from dides.cli.options.common import UsageError
from dides.cli.rehearse.answer import Answer
from dides.cli.rehearse.report import Quantity, chance, headline, quantities
from dides.rehearsal.run import Outcome
from dides.runtime.datadir import belongs_to_a_coordinator
from dides.runtime.destination import DestinationError, check_destination, draft_for

SUFFIXES = (".pdf", ".png", ".svg")
BINS = 30
LIBRARY = "matplotlib"


def check_plot(path: Path | None) -> None:
    """Want a file that can be written, and matplotlib, before any time is spent on a plot. Raises UsageError."""
    if path is None:
        return
    if path.suffix.lower() not in SUFFIXES:
        raise UsageError(f"--plot writes {', '.join(SUFFIXES)} files: give the file one of these endings.")
    try:
        check_destination(path)
    except DestinationError as error:
        raise UsageError(f"--plot: {error}") from error
    if belongs_to_a_coordinator(path):
        raise UsageError(f"--plot: {path} is in the data directory of a coordinator. Name a file in another directory.")
    if find_spec(LIBRARY) is None:
        raise UsageError(
            "--plot needs matplotlib, which is not installed. It comes with the extra: in a clone of dides, "
            "pip install '.[plot]'"
        )


def draw_plot(answer: Answer, outcomes: Sequence[Outcome], path: Path) -> None:
    """Write histograms of what the terminal shows. Raises OSError, or DestinationError, when they cannot be written."""
    os.environ["MPLBACKEND"] = "agg"  # No other is needed, and one that is not there would be an error.
    from matplotlib.figure import Figure  # noqa: PLC0415 - optional
    from matplotlib.ticker import MaxNLocator  # noqa: PLC0415 - optional

    shown = [quantity for quantity in quantities(answer, outcomes) if quantity.values]
    figure = Figure(figsize=(8, 1.5 + 2.5 * len(shown)), layout="constrained")
    figure.suptitle("\n".join((*headline(answer), chance(answer)[0])), fontsize=8, wrap=True)
    for axes, quantity in zip(figure.subplots(len(shown), squeeze=False)[:, 0], shown, strict=True):
        axes.hist(quantity.values, bins=BINS)
        axes.set_xlabel(_label(quantity))
        axes.set_ylabel("runs")
        axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    with draft_for(path) as draft:
        figure.savefig(draft)


def _label(quantity: Quantity) -> str:
    return f"{quantity.name} (instances)" if quantity.whole else f"{quantity.name} (seconds)"
