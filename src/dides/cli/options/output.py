"""Where output goes: answers to standard output, remarks to standard error, JSON alone and parseable."""

import io
import re
import sys
from collections.abc import Sequence
from enum import StrEnum

import msgspec
from rich.console import Console
from rich.text import Text

PIPE_WIDTH = 4000
"""Columns when the output is not a terminal: programs that read it want whole lines."""
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


class Format(StrEnum):
    """How an answer is shown."""

    TABLE = "table"
    JSON = "json"


def make_console(*, stderr: bool = False) -> Console:
    """Return a console on standard output or standard error that shows text as it is, without markup."""
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else PIPE_WIDTH
    return Console(stderr=stderr, width=width, markup=False, highlight=False, emoji=False)


def make_progress_console(output: Format) -> Console:
    """Return the console for progress: standard error when standard output carries JSON."""
    return make_console(stderr=output is Format.JSON)


def is_live(console: Console) -> bool:
    """Tell whether the console can redraw lines: a real terminal that is not dumb, whatever FORCE_COLOR says."""
    return console.file.isatty() and console.is_terminal and not console.is_dumb_terminal


def accept_any_text() -> None:
    """Let a terminal that is not UTF-8 show a replacement for what it cannot show, instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def print_json(answer: msgspec.Struct | Sequence[msgspec.Struct]) -> None:
    """Write an answer to standard output as on the wire: UTF-8 JSON, indented, with times in UTC."""
    sys.stdout.flush()
    sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(answer), indent=2) + b"\n")
    sys.stdout.buffer.flush()


def print_error(message: str, hint: str = "") -> None:
    """Write what went wrong to standard error and, below it, what to do next."""
    console = make_console(stderr=True)
    console.print(Text.assemble(("error:", "bold red"), " ", clean(message)), soft_wrap=True)
    if hint:
        console.print(Text(hint), soft_wrap=True)


def print_remark(message: str) -> None:
    """Write something worth knowing to standard error."""
    make_console(stderr=True).print(Text(clean(message)), soft_wrap=True)


def clean(text: str) -> str:
    """Return text from elsewhere without control characters, which could move the cursor or recolour the terminal."""
    return _CONTROL.sub("", text.replace("\r\n", "\n").replace("\t", "    ")).strip()
