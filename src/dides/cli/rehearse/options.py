"""The options of `dides rehearse`, besides those that it shares with other commands."""

from pathlib import Path
from typing import Annotated

import typer

from dides.cli.rehearse.input import MAX_INSTANCES, MAX_RUNS, MAX_SPREAD_VALUES

Instances = Annotated[
    int | None,
    typer.Option(
        "--instances",
        metavar="N",
        min=1,
        max=MAX_INSTANCES,
        help="Make up a fleet of so many healthy instances, instead of asking the coordinator.",
        show_default=False,
    ),
]
SpreadValues = Annotated[
    int | None,
    typer.Option(
        "--spread-values",
        metavar="N",
        min=1,
        max=MAX_SPREAD_VALUES,
        help="How many values the label of --spread-by has in the made-up fleet.",
        show_default=False,
    ),
]
Duration = Annotated[
    float | None,
    typer.Option(
        "--duration",
        metavar="SECONDS",
        help="How long an update takes on average; left out, as recorded in past deployments.",
        show_default=False,
    ),
]
DurationSpread = Annotated[
    float,
    typer.Option("--duration-spread", metavar="SECONDS", help="The standard deviation of the duration."),
]
FailureRate = Annotated[
    str | None,
    typer.Option(
        "--failure-rate",
        metavar="PERCENT",
        help="How many attempts fail, such as 2%; left out, as recorded, and 0% without a coordinator.",
        show_default=False,
    ),
]
LostRate = Annotated[
    str,
    typer.Option(
        "--lost-rate", metavar="PERCENT", help="How many instances die silently once their update has started."
    ),
]
TimeToLive = Annotated[
    float,
    typer.Option(
        "--time-to-live", metavar="SECONDS", help="How long an instance may be silent, as set for the coordinator."
    ),
]
Runs = Annotated[int, typer.Option("--runs", metavar="N", min=1, max=MAX_RUNS, help="How often it is played.")]
Seed = Annotated[int, typer.Option("--seed", metavar="N", help="What chance comes from: same seed, same numbers.")]
Processes = Annotated[
    int | None,
    typer.Option(
        "--processes",
        metavar="N",
        min=1,
        max=256,
        help="How many processes share the work; left out, one for each processor.",
        show_default=False,
    ),
]
Plot = Annotated[
    Path | None,
    typer.Option(
        "--plot",
        metavar="FILE",
        help="Also draw it into a .png, .svg or .pdf file.",
        show_default=False,
        dir_okay=False,
    ),
]
