"""What a start of the program loads, and shell completion: real processes."""

import os
import subprocess
import sys

import pytest

from dides.cli.main import COMMANDS

HEAVY = ("sqlalchemy", "alembic", "litestar", "uvicorn", "dides.store", "dides.coordinator", "dides.engine")


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


def loaded_by(*arguments: str) -> set[str]:
    """Return the modules that are loaded once the program has run with these arguments."""
    script = (
        "import atexit, sys\n"
        "atexit.register(lambda: print('LOADED', *sys.modules))\n"
        "from dides.cli.main import main\n"
        f"main({list(arguments)!r})\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    return set(done.stdout.split("LOADED")[-1].split())


def test_help_lists_every_command_and_loads_none_of_them() -> None:
    loaded = loaded_by("--help")
    assert {entry.module for entry in COMMANDS.values()} & loaded == set()
    listed = dides("--help")
    assert all(name in listed for name in COMMANDS)


@pytest.mark.parametrize("command", sorted(set(COMMANDS) - {"server", "backup", "restore"}))
def test_only_the_commands_of_the_coordinator_load_a_database_or_a_web_framework(command: str) -> None:
    loaded = loaded_by(command, "--help")
    assert COMMANDS[command].module in loaded
    plays_rollouts_itself = {"dides.engine"} if command == "rehearse" else set()
    assert {name for name in HEAVY if name in loaded} == plays_rollouts_itself


@pytest.mark.parametrize("command", COMMANDS)
def test_every_help_has_an_example(command: str) -> None:
    text = dides(command, "--help", COLUMNS="80", TERMINAL_WIDTH="80")
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
