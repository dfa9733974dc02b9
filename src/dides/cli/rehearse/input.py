"""What `dides rehearse` is given on its command line, checked: amounts, rates and times."""

import math
import re

import msgspec
import typer

from dides.cli.options.common import UsageError
from dides.protocol.messages import Configuration

MAX_INSTANCES, MAX_RUNS, MAX_SPREAD_VALUES = 1_000_000, 100_000, 100
LONGEST_TIME = 31_536_000.0
"""A year, in seconds."""
_RATE = re.compile(r"[0-9]{1,3}(\.[0-9]+)?%\Z")


class Given(msgspec.Struct, frozen=True, kw_only=True):
    """What was given; None is to be asked of the coordinator. Times are seconds, rates from 0 to 1."""

    instances: int | None = None
    spread_values: int | None = None
    duration: float | None = None
    duration_spread: float = 0.0
    failure_rate: float | None = None
    lost_rate: float = 0.0
    time_to_live: float = 30.0


def check_given(given: Given, configuration: Configuration, *, names_a_deployment: bool) -> None:
    """Want all that has to be there, and nothing that contradicts it. Raises UsageError and typer.BadParameter."""
    _check_fleet(given, configuration, names_a_deployment)
    if given.duration is not None:
        _check_time(given.duration, "--duration", above_zero=True)
    elif given.duration_spread:
        raise UsageError("--duration-spread is the spread around --duration: give both, or neither.")
    _check_time(given.duration_spread, "--duration-spread", above_zero=False)
    _check_time(given.time_to_live, "--time-to-live", above_zero=True)


def read_rate(text: str, option: str) -> float:
    """Return a percentage from 0% to 100% as a number from 0 to 1. Raises typer.BadParameter, naming the option."""
    if not _RATE.match(text) or float(text[:-1]) > 100:
        raise typer.BadParameter('must be a percentage from "0%" to "100%", such as "2%".', param_hint=option)
    return float(text[:-1]) / 100


def _check_fleet(given: Given, configuration: Configuration, names_a_deployment: bool) -> None:
    if given.instances is None and given.spread_values is not None:
        raise UsageError("--spread-values belongs to --instances; of a real fleet the labels are known.")
    if given.instances is None:
        return
    if names_a_deployment:
        raise UsageError("--instances makes up a fleet: leave out the version, --label, --selector and --all.")
    if configuration.spread_by is None and given.spread_values is not None:
        raise UsageError("--spread-values says how many values the label of --spread-by has: give both, or neither.")
    if configuration.spread_by is not None and given.spread_values is None:
        raise UsageError(
            f"Say how many values the label {configuration.spread_by} has in the made-up fleet, "
            "such as --spread-values 3."
        )


def _check_time(seconds: float, option: str, *, above_zero: bool) -> None:
    if math.isnan(seconds) or not 0 <= seconds <= LONGEST_TIME or (above_zero and seconds == 0):
        least = "above 0" if above_zero else "0 or more"
        raise typer.BadParameter(f"must be {least} and at most {LONGEST_TIME:.0f} (a year).", param_hint=option)
