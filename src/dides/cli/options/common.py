"""Options that several commands share, and how their texts are read."""

from typing import Annotated

import typer

from dides.cli.options.output import Format
from dides.model.errors import InvalidError
from dides.model.selector import check_label, parse_selector

Output = Annotated[
    Format,
    typer.Option("--output", "-o", help="A table with local times, or JSON with times in UTC."),
]
LabelOptions = Annotated[
    list[str] | None,
    typer.Option(
        "--label",
        "-l",
        metavar="KEY=VALUE",
        help="Instances with this label; may be given several times, then all must hold.",
        show_default=False,
    ),
]
SelectorOption = Annotated[
    str | None,
    typer.Option(
        "--selector",
        "-S",
        metavar="SELECTOR",
        help='Instances that a Kubernetes label selector matches: "role in (web,api),!canary".',
        show_default=False,
    ),
]
Wait = Annotated[
    bool,
    typer.Option("--wait/--no-wait", help="Watch it until it ends, or return at once."),
]

Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


class UsageError(typer.BadParameter):
    """A command line that cannot be meant; the text says what to write instead."""

    def format_message(self) -> str:
        """Return the text alone, without naming an option."""
        return self.message


def read_labels(texts: list[str] | None) -> dict[str, str]:
    """Return the labels in `KEY=VALUE` texts. Raises typer.BadParameter when one is none, or contradicts another."""
    labels: dict[str, str] = {}
    for text in texts or []:
        key, separator, value = text.partition("=")
        if not separator:
            raise typer.BadParameter(f"{text!r} is not KEY=VALUE, such as env=production.", param_hint="--label")
        if problem := check_label(key, value):
            hint = " Give one -l for each label." if "," in value else ""
            raise typer.BadParameter(f"{problem}.{hint}", param_hint="--label")
        if labels.setdefault(key, value) != value:
            raise typer.BadParameter(f"{key} cannot be {labels[key]} and {value} at once.", param_hint="--label")
    return labels


def read_selector(text: str | None) -> str | None:
    """Return the selector as it was given. Raises typer.BadParameter when it is none."""
    try:
        parse_selector(text or "")
    except InvalidError as error:
        raise typer.BadParameter(error.errors[0].message, param_hint="--selector") from error
    return text


def join_selectors(labels: dict[str, str], selector: str | None) -> str | None:
    """Return one selector for labels and a selector that must both hold; None for every instance."""
    parts = [f"{key}={value}" for key, value in labels.items()]
    return ",".join([*parts, *([selector] if selector else [])]) or None
