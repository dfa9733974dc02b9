"""docs/cli.md says what the program does: every command, flag, default, variable and exit code."""

import re
from enum import Enum
from pathlib import Path

import msgspec
import pytest
from typer.core import TyperArgument, TyperOption

from dides.cli.display.exits import ExitCode
from dides.cli.main import COMMANDS, load_command

PAGE = (Path(__file__).parents[3] / "docs" / "cli.md").read_text(encoding="utf-8")
SHARED = ("Flags that many commands share", "Flags that say how a deployment proceeds")


class Row(msgspec.Struct, frozen=True):
    """One argument or flag, on the page or in the program; `default` "" is none, or too long a story for a table."""

    names: frozenset[str]
    default: str
    variable: str


def section(title: str) -> str:
    """Return the text under a heading of the second level."""
    found = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert found, f"docs/cli.md has no section {title!r}"
    return found[1]


def rows_of(text: str) -> list[Row]:
    """Return the rows of the table of flags in a section."""
    rows = []
    for line in re.findall(r"^\| (`.*) \|$", text, re.MULTILINE):
        cells = re.split(r"\s*\|\s*", line)
        names = [word.split()[0] for word in re.findall(r"`([^`]+)`", cells[0])]
        rows.append(Row(frozenset(names), cells[1].strip("`"), cells[2].strip("`")))
    return rows


def rows_in_the_program(command: str) -> list[Row]:
    rows = []
    for param in load_command(command).params:
        assert isinstance(param, TyperOption | TyperArgument)
        named = isinstance(param, TyperOption)
        names = {*param.opts, *param.secondary_opts} if named else {param.metavar or param.name.upper()}
        rows.append(Row(frozenset(names), default_of(param), param.envvar if isinstance(param.envvar, str) else ""))
    return rows


def default_of(param: TyperOption | TyperArgument) -> str:
    default = param.default
    if isinstance(default, bool):
        return (param.opts if default else param.secondary_opts or ["off"])[0]
    if isinstance(default, Enum):
        return str(default.value)
    if isinstance(default, float | int):
        return f"{default:g}"
    return str(default or "")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_flag_of_a_command_is_documented_with_its_default_and_its_variable(command: str) -> None:
    own, shared = rows_of(section(f"dides {command}")), [row for each in SHARED for row in rows_of(section(each))]
    documented = {row.names: row for row in [*shared, *own]}
    for row in rows_in_the_program(command):
        page = documented.get(row.names)
        assert page is not None, f"not documented: {sorted(row.names)}"
        assert page.variable == row.variable
        assert page.default == row.default or not row.default, f"the default of {sorted(row.names)} is {row.default}"


@pytest.mark.parametrize("command", COMMANDS)
def test_nothing_is_documented_that_is_not_there(command: str) -> None:
    real = {row.names for row in rows_in_the_program(command)}
    assert [sorted(row.names) for row in rows_of(section(f"dides {command}")) if row.names not in real] == []


def test_the_shared_flags_are_flags_of_some_command() -> None:
    real = {row.names for command in COMMANDS for row in rows_in_the_program(command)} | {frozenset({"--help"})}
    assert [sorted(row.names) for each in SHARED for row in rows_of(section(each)) if row.names not in real] == []


def test_every_documented_command_exists() -> None:
    assert set(re.findall(r"^## dides (\S+)$", PAGE, re.MULTILINE)) == set(COMMANDS)


def test_every_exit_code_is_documented() -> None:
    documented = {int(number) for number in re.findall(r"^\| (\d+) \|", section("Exit codes"), re.MULTILINE)}
    assert documented >= {code.value for code in ExitCode}
