"""What a start of the program loads, and shell completion: real processes."""

import os
import subprocess
import sys

import pytest

from dides.cli.main import COMMANDS

HEAVY = ("sqlalchemy", "alembic", "litestar", "uvicorn", "dides.store", "dides.coordinator", "dides.engine")
OF_THE_COORDINATOR = {"server", "backup", "restore"}
"""The commands that may load a database or a web framework."""


def dides(*arguments: str, **variables: str) -> str:
    """Run the program and return its standard output."""
    done = subprocess.run(
        [sys.executable, "-m", "dides", *arguments],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def started(*arguments: str, **variables: str) -> tuple[str, set[str]]:
    """Run the program; return its standard output, and the modules that were loaded once it had run."""
    script = (
        "import atexit, sys\n"
        "atexit.register(lambda: print('LOADED', *sys.modules))\n"
        "from dides.cli.main import main\n"
        f"main({list(arguments)!r})\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    text, _, loaded = done.stdout.partition("LOADED")
    return text, set(loaded.split())


def test_help_lists_every_command_and_loads_none_of_them() -> None:
    listed, loaded = started("--help")
    assert {entry.module for entry in COMMANDS.values()} & loaded == set()
    assert all(name in listed for name in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_loads_what_it_needs_and_its_help_has_an_example(command: str) -> None:
    text, loaded = started(command, "--help", COLUMNS="80", TERMINAL_WIDTH="80")
    assert COMMANDS[command].module in loaded
    if command not in OF_THE_COORDINATOR:
        plays_rollouts_itself = {"dides.engine"} if command == "rehearse" else set()
        assert {name for name in HEAVY if name in loaded} == plays_rollouts_itself
    assert f"\n  Example:\n    dides {command}" in text
    assert all(len(line) <= 80 for line in text.partition("\nOptions:\n")[2].splitlines())


@pytest.mark.parametrize(
    ("words", "position", "expected"),
    [
        ("dides dep", 1, {"deploy", "deployment", "deployments"}),
        ("dides deploy --batch", 2, {"--batch-size"}),
        ("dides instances --status ", 3, {"unknown", "healthy", "degraded", "failed"}),
        ("dides status -o ", 3, {"table", "json"}),
    ],
)
def test_commands_and_their_options_are_completed(words: str, position: int, expected: set[str]) -> None:
    variables = {"_DIDES_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(position)}
    assert set(dides(**variables).split()) == expected


def test_completion_can_be_shown_and_loads_no_command() -> None:
    assert "complete_bash" in dides("--show-completion", SHELL="/bin/bash")


def test_a_usage_error_of_a_real_process_has_no_traceback() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "dides", "status", "--server", "http://127.0.0.1:1", "--token", "x"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 4
    assert done.stdout == ""
    assert done.stderr.startswith("error: http://127.0.0.1:1 cannot be reached")
    assert "Traceback" not in done.stderr


def test_a_url_that_is_none_is_an_error_and_no_traceback() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "dides", "status", "--server", "coordinator:8420", "--token", "x"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (4, "")
    assert done.stderr.startswith("error: ")
    assert "Traceback" not in done.stderr
