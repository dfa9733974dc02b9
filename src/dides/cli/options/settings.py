"""Settings from a TOML file, beneath flags and variables: flag > DIDES_ variable > file > default."""

from pathlib import Path
from typing import Annotated

import typer

from dides.runtime.config import SettingsError, load_settings


def read_settings(context: typer.Context, file: Path | None) -> Path | None:
    """Make a file's values the command's defaults (an eager option's callback)."""
    if file is not None:
        names = {str(parameter.name).replace("_", "-"): str(parameter.name) for parameter in context.command.params}
        names.pop("settings", None)
        try:
            settings = load_settings(file, frozenset(names))
        except SettingsError as error:
            raise typer.BadParameter(str(error)) from error
        context.default_map = {names[key]: value for key, value in settings.items()}
    return file


SettingsFile = Annotated[
    Path | None,
    typer.Option(
        "--settings",
        envvar="DIDES_SETTINGS",
        metavar="FILE",
        is_eager=True,
        callback=read_settings,
        help="A TOML file with settings named as the flags are (time-to-live = 30). Flags and variables win over it.",
    ),
]
