"""The options that say how a deployment proceeds, shared by the commands that trigger, plan or rehearse one."""

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Annotated, Any

import msgspec
import typer

from dides.model.policy import Ordering
from dides.protocol.configuration import check_configuration
from dides.protocol.field_errors import field_error
from dides.protocol.messages import Configuration
from dides.protocol.text_values import amount_in, number_in

BatchSize = Annotated[
    str,
    typer.Option(
        "--batch-size",
        metavar="AMOUNT",
        help='How many are updated at once: a count, or a percentage like "25%".',
    ),
]
FailureThreshold = Annotated[
    str,
    typer.Option("--failure-threshold", metavar="AMOUNT", help="How many failures stop it: a count, or a percentage."),
]
Waves = Annotated[
    str | None,
    typer.Option(
        "--waves",
        metavar="AMOUNTS",
        help='Who goes first, in cumulative sizes: "1,10%" is one, then a tenth in all, then the rest.',
        show_default=False,
    ),
]
WavePause = Annotated[
    str,
    typer.Option(
        "--wave-pause",
        metavar="SECONDS",
        help='How long to wait after each wave; "manual": until dides promote.',
    ),
]
MinHealthyTime = Annotated[
    float,
    typer.Option(
        "--min-healthy-time", metavar="SECONDS", help="How long an instance has to stay healthy to count as updated."
    ),
]
UpdateTimeout = Annotated[
    float,
    typer.Option(
        "--update-timeout", metavar="SECONDS", help="After how long an update that is not healthy has failed."
    ),
]
Deadline = Annotated[
    float | None,
    typer.Option(
        "--deadline", metavar="SECONDS", help="After how long the whole of it has failed.", show_default=False
    ),
]
MaxUnavailable = Annotated[
    str | None,
    typer.Option(
        "--max-unavailable",
        metavar="AMOUNT",
        help="How many may be updating or not healthy at once: a count, or a percentage.",
        show_default=False,
    ),
]
SpreadBy = Annotated[
    str | None,
    typer.Option(
        "--spread-by",
        metavar="KEY",
        help="Take those that are updated at once evenly from the values of this label, such as zone.",
        show_default=False,
    ),
]
Retries = Annotated[
    int, typer.Option("--retries", metavar="N", help="How often a failed attempt at one instance is tried again.")
]
Order = Annotated[Ordering, typer.Option("--order", help="By name, or shuffled.")]
AutoRollback = Annotated[
    bool,
    typer.Option("--auto-rollback/--no-auto-rollback", help="Roll back by itself when it fails, or not."),
]

Force = Annotated[
    bool, typer.Option("--force", help="Update those at the target too: every agent applies it once more.")
]


def read_configuration(
    *,
    batch_size: BatchSize = "1",
    failure_threshold: FailureThreshold = "1",
    waves: Waves = None,
    wave_pause: WavePause = "0",
    min_healthy_time: MinHealthyTime = 0,
    update_timeout: UpdateTimeout = 600,
    deadline: Deadline = None,
    max_unavailable: MaxUnavailable = None,
    spread_by: SpreadBy = None,
    retries: Retries = 0,
    order: Order = Ordering.NAME,
    auto_rollback: AutoRollback = True,
    force: Force = False,
) -> Configuration:
    """Return the configuration that the options mean. Raises typer.BadParameter, naming the option that is wrong."""
    given: dict[str, object] = {
        "batch_size": amount_in(batch_size),
        "failure_threshold": amount_in(failure_threshold),
        # Empty where it was given is a variable left empty, and not "no waves": it is refused as an amount.
        "waves": [] if waves is None else [amount_in(part) for part in waves.split(",")],
        "wave_pause": number_in(wave_pause),
        "min_healthy_time": min_healthy_time,
        "update_timeout": update_timeout,
        "deadline": deadline,
        "max_unavailable": None if max_unavailable is None else amount_in(max_unavailable),
        "spread_by": spread_by,
        "retries": retries,
        "order": order,
        "auto_rollback": auto_rollback,
        "force": force,
    }
    return check(given)


def takes_configuration(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of `read_configuration` in the place of its parameter `configuration`.

    Three commands have these options; written out in each of them, the three would differ before long.
    """
    options = inspect.signature(read_configuration).parameters
    parameters: list[inspect.Parameter] = []
    for each in inspect.signature(command).parameters.values():
        parameters += options.values() if each.name == "configuration" else [each]

    @wraps(command)
    def run(**given: Any) -> None:
        read = read_configuration(**{name: given.pop(name) for name in options})
        command(**given, configuration=read)

    by_name = [each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in parameters]
    # The command line's library asks both of these for what to offer.
    run.__dict__["__signature__"] = inspect.Signature(by_name)
    run.__annotations__ = {each.name: each.annotation for each in by_name}
    return run


def check(given: dict[str, object]) -> Configuration:
    """Return a configuration within the limits of the wire. Raises typer.BadParameter, naming the option."""
    try:
        configuration = msgspec.convert(given, Configuration)
    except msgspec.ValidationError as error:
        problem = field_error(str(error), Configuration)
        raise refusal(problem.field, problem.message) from None
    for problem in check_configuration("", configuration):
        raise refusal(problem.field, problem.message)
    return configuration


def refusal(field: str, message: str) -> typer.BadParameter:
    """Return the error about the option of a field. What null would mean is of no use on a command line."""
    name = field.strip(".").partition("[")[0].replace("_", "-")
    return typer.BadParameter(f"{message.partition(', or null')[0]}.", param_hint=f"--{name}")
