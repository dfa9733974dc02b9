"""The options that say how a deployment proceeds, shared by the commands that trigger, plan or rehearse one.

They are derived from the message of the wire (`dides.protocol.settings`): this file knows only how people type what
the wire has as numbers and lists.
"""

import inspect
from collections.abc import Callable, Mapping
from functools import cache, wraps
from typing import Annotated, Any

import msgspec
import typer

from dides.protocol.configuration import check_configuration
from dides.protocol.field_errors import field_error
from dides.protocol.messages import Configuration
from dides.protocol.settings import Kind, Setting, settings
from dides.protocol.text_values import amount_in, number_in, number_text


class _Typed(msgspec.Struct, frozen=True):
    """How one kind of setting is typed."""

    metavar: str | None
    kind: type
    """What the command line's library reads it as."""
    read: Callable[[Any], object] = lambda value: value
    """Returns what the wire has instead."""
    say: Callable[[Any], object] = lambda value: value
    """Returns the text that a person types for a value of the wire."""


def _amounts_in(text: str) -> list[object]:
    # Empty where it was given is a variable left empty, and not "no waves": it is refused as an amount.
    return [amount_in(part) for part in text.split(",")]


def _amounts_text(amounts: tuple[object, ...]) -> str | None:
    return ",".join(map(str, amounts)) or None


_TYPED: Mapping[Kind, _Typed] = {
    Kind.AMOUNT: _Typed("AMOUNT", str, amount_in, str),
    Kind.AMOUNTS: _Typed("AMOUNTS", str, _amounts_in, _amounts_text),
    Kind.SECONDS: _Typed("SECONDS", float, say=lambda number: int(number) if number == int(number) else number),
    Kind.SECONDS_OR_WORD: _Typed("SECONDS", str, number_in, number_text),
    Kind.NUMBER: _Typed("N", int),
    Kind.TEXT: _Typed("KEY", str),  # The texts of a policy are the keys of labels.
    Kind.CHOICE: _Typed(None, str),
    Kind.SWITCH: _Typed(None, bool),
}


@cache
def options() -> dict[str, inspect.Parameter]:
    """Return the options by name, as parameters of a command."""
    return {name: _parameter(setting) for name, setting in settings().items()}


def read_configuration(**given: Any) -> Configuration:
    """Return the configuration that the options mean. Raises typer.BadParameter, naming the option that is wrong."""
    read = {
        name: _TYPED[settings()[name].kind].read(value)
        for name, value in given.items()
        if value is not None  # Not given, and without a default that one could type.
    }
    return check(read)


def takes_configuration(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options in the place of its parameter `configuration`.

    Three commands have these options; written out in each of them, the three would differ before long.
    """
    parameters: list[inspect.Parameter] = []
    for parameter in inspect.signature(command).parameters.values():
        parameters += options().values() if parameter.name == "configuration" else [parameter]

    @wraps(command)
    def run(**given: Any) -> None:
        read = read_configuration(**{name: given.pop(name) for name in options()})
        command(**given, configuration=read)

    by_name = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in parameters]
    # The command line's library asks both of these for what to offer.
    run.__dict__["__signature__"] = inspect.Signature(by_name)
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in by_name}
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


def _parameter(setting: Setting) -> inspect.Parameter:
    typed = _TYPED[setting.kind]
    default = None if setting.default is None else typed.say(setting.default)
    kind: Any = setting.choices or typed.kind
    option = typer.Option(_flags(setting), metavar=typed.metavar, help=_help(setting), show_default=default is not None)
    return inspect.Parameter(
        setting.name,
        inspect.Parameter.KEYWORD_ONLY,
        default=default,
        annotation=Annotated[kind | None if default is None else kind, option],
    )


def _flags(setting: Setting) -> str:
    name = setting.name.replace("_", "-")
    # A switch that is on needs a flag that turns it off.
    return f"--{name}/--no-{name}" if setting.default is True else f"--{name}"


def _help(setting: Setting) -> str:
    if setting.example is None:
        return setting.help
    return f"{setting.help} Example: {_TYPED[setting.kind].say(setting.example)}"
