"""Asks before something is done."""

import sys

import typer

from dides.cli.display.exits import ExitCode
from dides.cli.options.output import print_remark


def can_ask() -> bool:
    """Tell whether somebody sits at a terminal: who can read a question on standard error, and type an answer."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def confirm(question: str) -> None:
    """Ask on the terminal, and leave unless the answer is yes. Raises typer.Exit.

    All of it on standard error: standard output may be a file that is to hold JSON and nothing else.
    """
    typer.echo(f"{question} [y/N]: ", nl=False, err=True)
    try:
        answer = sys.stdin.readline()
    except KeyboardInterrupt:
        _say_that_nothing_was_done(below=True)
        raise typer.Exit(ExitCode.INTERRUPTED) from None
    if answer.strip().lower() not in ("y", "yes"):
        _say_that_nothing_was_done(below=not answer)
        raise typer.Exit(ExitCode.INTERRUPTED)


def _say_that_nothing_was_done(*, below: bool) -> None:
    """Say so; `below` the question, where nobody has typed the end of its line."""
    if below:
        typer.echo(err=True)
    print_remark("Nothing was done.")
