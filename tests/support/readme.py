"""The commands of the README, each with the terminal that the README has it typed in."""

import re
from pathlib import Path

import msgspec

README = Path(__file__).parents[2] / "README.md"
TERMINALS = ("first", "second")


class Block(msgspec.Struct, frozen=True):
    """Commands that are typed one after the other."""

    terminal: str
    lines: list[str]


def blocks_of(text: str) -> list[Block]:
    """Return the indented blocks of a page; a sentence with "second terminal" before one moves to that terminal."""
    blocks, terminal = [], TERMINALS[0]
    for paragraph in re.split(r"\n\n(?=\S)|(?<=\S)\n\n(?=    )", text):
        if paragraph.startswith("    "):
            lines = [line.removeprefix("    ") for line in paragraph.rstrip().splitlines()]
            blocks.append(Block(terminal, lines))
        else:
            terminal = _terminal_of(paragraph) or terminal
    return blocks


def _terminal_of(paragraph: str) -> str:
    """Return the terminal that a paragraph sends its reader to, the first that it names; else nothing."""
    found = re.search(r"\b[Ii]n (?:a|the) (first|second) terminal[,:]", " ".join(paragraph.split()))
    return found[1] if found else ""
