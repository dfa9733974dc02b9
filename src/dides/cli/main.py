"""The program `dides`: one table of commands, each loaded only when it is used."""

import importlib
import inspect
import sys
from collections.abc import Callable, Sequence
from importlib.metadata import version
from typing import Annotated, Any, NamedTuple

import typer
import typer.core
import typer.main

from dides.cli.display.exits import ExitCode, UnforeseenError
from dides.cli.display.hints import next_step
from dides.cli.options.output import accept_any_text, print_error
from dides.client.errors import ClientError, EnvironmentVariableError
from dides.runtime.config import SettingsError


class Entry(NamedTuple):
    """Where a command is, and how `dides --help` lists it."""

    module: str
    attribute: str
    help: str
    panel: str


ROLL_OUT, LOOK, RUN = "Roll out", "Look", "Run"
COMMANDS: dict[str, Entry] = {
    "deploy": Entry("dides.cli.commands.deploy", "deploy", "Roll a version out, a few instances at a time.", ROLL_OUT),
    "plan": Entry("dides.cli.commands.plan", "plan", "Say what a deployment would do, and change nothing.", ROLL_OUT),
    "rehearse": Entry(
        "dides.cli.rehearse.command", "rehearse", "Run a deployment many times on a simulated fleet.", ROLL_OUT
    ),
    "rollback": Entry(
        "dides.cli.commands.control", "rollback", "Undo the deployment in flight, or the newest one.", ROLL_OUT
    ),
    "abort": Entry("dides.cli.commands.control", "abort", "Stop the deployment in flight.", ROLL_OUT),
    "pause": Entry("dides.cli.commands.control", "pause", "Start no further updates until resumed.", ROLL_OUT),
    "resume": Entry("dides.cli.commands.control", "resume", "Go on after a pause.", ROLL_OUT),
    "promote": Entry("dides.cli.commands.control", "promote", "Open the next wave.", ROLL_OUT),
    "progress": Entry("dides.cli.commands.control", "progress", "Take one reconcile step now.", ROLL_OUT),
    "converge": Entry("dides.cli.commands.converge", "converge", "Show who catches up, or let it go on.", ROLL_OUT),
    "status": Entry(
        "dides.cli.commands.status", "status", "Show the fleet in numbers and the newest deployment.", LOOK
    ),
    "instances": Entry("dides.cli.commands.read", "instances", "List instances.", LOOK),
    "instance": Entry("dides.cli.commands.read", "instance", "Show one instance.", LOOK),
    "deployments": Entry("dides.cli.commands.read", "deployments", "List deployments, newest first.", LOOK),
    "deployment": Entry("dides.cli.commands.read", "deployment", "Show one deployment and its targets.", LOOK),
    "events": Entry("dides.cli.commands.read", "events", "Show what happened.", LOOK),
    "server": Entry("dides.cli.commands.serve", "server", "Run the coordinator.", RUN),
    "agent": Entry("dides.cli.commands.agent", "agent", "Run the agent of one instance.", RUN),
    "decommission": Entry("dides.cli.commands.control", "decommission", "Remove an instance; its agent stops.", RUN),
    "backup": Entry("dides.cli.commands.serve", "backup", "Write a copy of the coordinator's data.", RUN),
    "restore": Entry("dides.cli.commands.serve", "restore", "Put a backup into a data directory.", RUN),
    "demo": Entry(
        "dides.cli.demo.command", "demo", "Watch a small fleet on this machine: rollout, failure, rollback.", RUN
    ),
    "version": Entry("dides.cli.commands.read", "version", "Show the version of this program.", RUN),
}


class NotInstalledError(Exception):
    """A command needs a library that is not installed; the text says which, and how to get it."""


class LazyGroup(typer.core.TyperGroup):
    """A group whose listed commands are names and help only, until one of them is to be run or completed."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command. Raises UnforeseenError where the library would leave with 1 and without a word."""
        try:
            return super().invoke(ctx)
        except (EOFError, OSError) as error:
            raise UnforeseenError from error

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """Return the command's name, the command itself, loaded, and its arguments."""
        name, stub, rest = super().resolve_command(ctx, args)
        return name, None if stub is None or name is None else load_command(name), rest


def load_command(name: str) -> typer.core.TyperCommand:
    """Import the module of a command of the table and return the command. Raises NotInstalledError."""
    entry = COMMANDS[name]
    try:
        function: Callable[..., object] = getattr(importlib.import_module(entry.module), entry.attribute)
    except ModuleNotFoundError as error:
        if (error.name or "dides").split(".")[0] == "dides":
            raise
        raise NotInstalledError(f"`dides {name}` needs {error.name}, which is not installed.") from error
    app = typer.Typer(add_completion=False, rich_markup_mode=None)
    app.command(name, help=keep_examples(inspect.getdoc(function) or ""))(function)
    command = typer.main.get_command(app)
    assert isinstance(command, typer.core.TyperCommand)
    return command


def keep_examples(text: str) -> str:
    """Return a command's help with its examples marked (by a backspace, as the help formatter wants it) as they are."""
    return text.replace("\n\nExample:", "\n\n\b\nExample:")


def make_program() -> LazyGroup:
    """Return the program with all its commands, none of them loaded."""
    app = typer.Typer(name="dides", cls=LazyGroup, rich_markup_mode="rich", no_args_is_help=True)
    app.callback()(_root)
    group = typer.main.get_command(app)
    assert isinstance(group, LazyGroup)
    for name, entry in COMMANDS.items():
        group.add_command(typer.core.TyperCommand(name, help=entry.help, rich_help_panel=entry.panel))
    return group


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the program and leave the process with its exit code; errors are shown without a traceback."""
    accept_any_text()
    try:
        make_program()(args=arguments, prog_name="dides")
    except EnvironmentVariableError as error:
        print_error(str(error))
        sys.exit(ExitCode.USAGE)
    except ClientError as error:
        print_error(str(error), next_step(error))
        sys.exit(ExitCode.REFUSED)
    except NotInstalledError as error:
        print_error(
            str(error), "The coordinator's libraries come with the extra: in a clone of dides, pip install '.[server]'"
        )
        sys.exit(ExitCode.USAGE)
    except SettingsError as error:
        print_error(str(error))
        sys.exit(ExitCode.USAGE)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"dides {version('dides')}")
        raise typer.Exit


def _root(
    _version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit."),
    ] = False,
) -> None:
    """Roll a version out over a fleet of instances, a few at a time, and roll it back when it fails.

    Start with: dides demo
    """
