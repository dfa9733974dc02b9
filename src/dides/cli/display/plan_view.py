"""What a plan looks like: which instances update in which wave, the worst case, and what to think about first."""

from rich.console import Console
from rich.text import Text

from dides.cli.display.layout import print_rows
from dides.cli.display.marks import WARNING, say_selection_of, say_state, say_threshold
from dides.cli.options.output import clean
from dides.model.state import State
from dides.protocol.forecast import Forecast
from dides.protocol.messages import Configuration, DeployRequest
from dides.text.plan import names, worst_case


def print_forecast(request: DeployRequest, forecast: Forecast, console: Console) -> None:
    """Print what a request would do."""
    console.print(Text(headline(request), style="bold"))
    console.print(matched(forecast), soft_wrap=True)
    if forecast.window:
        console.print(pace(request.configuration or Configuration(), forecast), soft_wrap=True)
        print_waves(forecast, console)
        console.print(worst_case(forecast), soft_wrap=True)
    else:
        console.print("Nothing would be updated.")
    for warning in forecast.warnings:
        console.print(Text.assemble((f"{WARNING.on(console)} ", WARNING.style), clean(warning)))


def headline(request: DeployRequest) -> str:
    """Return what would be rolled out: `Plan: 1.1.0 to env=production`."""
    to = State(request.code_version or None, request.configuration_version or None)
    return f"Plan: {say_state(to)} to {say_selection_of(request.labels or {}, request.selector or None)}"


def matched(forecast: Forecast) -> str:
    """Return how many match, and what is left out."""
    parts = [f"{_instances(forecast.matched)} {'matches' if forecast.matched == 1 else 'match'}"]
    parts += [f"{forecast.already_at_target} already at the target"]
    parts += [f"{forecast.unreachable} unreachable"] if forecast.unreachable else []
    return ", ".join(parts)


def pace(configuration: Configuration, forecast: Forecast) -> str:
    """Return how it would proceed: `At most 4 at once, stops at 2 failures`."""
    return f"At most {forecast.window} at once, {say_threshold(configuration.failure_threshold)}"


def print_waves(forecast: Forecast, console: Console) -> None:
    """Print which instances update in which wave."""
    numbered = list(enumerate(forecast.waves, 1))
    print_rows(
        numbered,
        {
            "Wave": lambda wave: f"{wave[0]} of {len(numbered)}",
            "Size": lambda wave: str(wave[1].size),
            "Instances": lambda wave: names(wave[1]),
        },
        console,
        keep=["Instances"],
    )


def _instances(number: int) -> str:
    return f"{number} instance{'' if number == 1 else 's'}"
