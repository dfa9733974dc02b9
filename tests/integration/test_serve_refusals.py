"""A coordinator that cannot run says why, and what to do, in one line, before it serves anything."""

import asyncio
import os
import re
import sqlite3
import sys
from asyncio.subprocess import DEVNULL, PIPE
from contextlib import closing
from pathlib import Path

import pytest

from dides.cli.demo.fleet import child_environment
from dides.cli.main import main
from dides.runtime.clock import SystemClock
from dides.runtime.datadir import OPERATOR_FILE
from dides.server import Listen
from dides.store.sqlite.store import SqliteStore

PATIENCE = 60.0


async def refused(*arguments: str, **variables: str) -> tuple[int, str]:
    """Run `dides server` until it ends; return its exit code and standard error, unwrapped."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "dides", "server", *arguments),
        stdin=DEVNULL,
        stdout=PIPE,
        stderr=PIPE,
        env={**child_environment(os.environ), "NO_COLOR": "1", "COLUMNS": "1000", **variables},
    )
    async with asyncio.timeout(PATIENCE):
        _, err = await process.communicate()
    assert process.returncode is not None
    assert b"Traceback" not in err
    return process.returncode, " ".join(err.decode().split())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--listen", "8420"], "not HOST:PORT, such as 127.0.0.1:8420"),
        (
            ["--time-to-live", "10", "--heartbeat-interval", "10"],
            "--time-to-live must be longer than --heartbeat-interval",
        ),
        (["--reconcile-interval", "-1"], "--reconcile-interval"),
        (["--settings", "unknown.toml"], "sets time_to_live, which is no setting here; known: "),
        (["--settings", "broken.toml"], "is not valid TOML"),
        (["--settings", "missing.toml"], "cannot read"),
    ],
)
def test_wrong_command_lines_are_usage_errors(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    (tmp_path / "unknown.toml").write_text('listen = "127.0.0.1:0"\ntime_to_live = 30\n')
    (tmp_path / "broken.toml").write_text("listen =\n")
    placed = [str(tmp_path / each) if each.endswith(".toml") else each for each in arguments]
    with pytest.raises(SystemExit) as ended:
        main(["server", *placed])
    assert ended.value.code == 2
    err = " ".join(re.sub(r"[│╭╮╰╯─]", " ", capsys.readouterr().err).split())
    assert said in err or said.replace(" ", "") in err.replace(" ", ""), err


async def test_what_would_open_a_door_is_refused(tmp_path: Path) -> None:
    where = ("--data-dir", str(tmp_path / "data"))
    found = await asyncio.gather(
        refused("--listen", "0.0.0.0:0", *where),
        refused("--listen", "[::]:0", *where),
        refused("--listen", "0.0.0.0:0", "--dev", "--insecure-http", *where),
        refused(*where, DIDES_LISTEN="0.0.0.0:0"),
    )
    assert [code for code, _ in found] == [4] * 4
    for (_, err), text in zip(found, ("--insecure-http", "--insecure-http", "--dev", "--insecure-http"), strict=True):
        assert text in err
    assert not (tmp_path / "data").exists(), "nothing was made"


async def test_what_is_in_the_way_is_said(tmp_path: Path) -> None:
    file, garbage, empty = tmp_path / "file", tmp_path / "garbage", tmp_path / "empty"
    file.touch()
    garbage.write_bytes(b"this is no database, but long enough to be taken for one" * 100)
    empty.mkdir()
    (empty / OPERATOR_FILE).touch(mode=0o600)
    with Listen("127.0.0.1", 0).open() as taken:
        found = await asyncio.gather(
            refused("--listen", f"127.0.0.1:{taken.getsockname()[1]}", "--data-dir", str(tmp_path / "a")),
            refused("--listen", "127.0.0.1:0", "--data-dir", str(file)),
            refused("--listen", "127.0.0.1:0", "--data-dir", str(empty)),
            refused(
                "--listen",
                "127.0.0.1:0",
                "--data-dir",
                str(tmp_path / "b"),
                "--database",
                "postgresql://u:secret@127.0.0.1:1/d",
            ),
            refused("--listen", "127.0.0.1:0", "--data-dir", str(tmp_path / "c"), "--database", f"sqlite:///{garbage}"),
        )
    for (code, err), text in zip(
        found,
        (
            "in use",
            "cannot be used as a data directory",
            "is empty",
            "The database cannot be opened: connection failed",
            "cannot be opened",
        ),
        strict=True,
    ):
        assert (code, "error:" in err) == (4, True), err
        assert text in err
    assert "secret" not in found[3][1]


async def test_a_database_of_a_newer_version_is_refused_and_left_alone(tmp_path: Path) -> None:
    revision = "9999"
    data = tmp_path / "data"
    data.mkdir()
    await SqliteStore(data / "dides.db", SystemClock()).close()
    with closing(sqlite3.connect(data / "dides.db")) as database, database:
        database.execute("UPDATE alembic_version SET version_num = ?", (revision,))
    before = (data / "dides.db").read_bytes()
    code, err = await refused("--listen", "127.0.0.1:0", "--data-dir", str(data))
    assert code == 4
    assert f"schema {revision}" in err
    assert "newer dides wrote it" in err
    assert (data / "dides.db").read_bytes() == before


@pytest.mark.parametrize(
    ("command", "instead"), [("backup", "pg_dump --format=custom"), ("restore", "pg_restore --clean")]
)
def test_a_database_on_a_server_is_copied_with_its_own_tools(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str, instead: str
) -> None:
    where = ["--data-dir", str(tmp_path / "data"), "--database", "postgresql://u:secret@h/d"]
    with pytest.raises(SystemExit) as ended:
        main([command, str(tmp_path / "file"), *where])
    assert ended.value.code == 4
    err = " ".join(capsys.readouterr().err.split())
    assert instead in err
    assert "secret" not in err
    assert not (tmp_path / "file").exists()
