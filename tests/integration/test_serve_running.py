"""A coordinator as a real process: tokens, settings, backups."""

import asyncio
import os
import socket
import stat
import sys
from asyncio.subprocess import PIPE
from pathlib import Path
from typing import Any

import httpx2
import pytest

from dides.cli.main import main
from dides.runtime.datadir import DATABASE, OPERATOR_FILE, REGISTRATION_FILE
from support.processes import Processes, running

MANUAL = ("--reconcile-interval", "0")


class WithVariables(Processes):
    """Processes with variables of their own."""

    def __init__(self, directory: Path, variables: dict[str, str]) -> None:
        super().__init__(directory)
        self._variables = variables

    def environment(self) -> dict[str, str]:
        """Return the environment of a child."""
        return {**super().environment(), **self._variables}


async def run(processes: Processes, *arguments: str) -> tuple[int, str]:
    """Run `dides ARGUMENTS` beside the processes and return its exit code and what it printed, unwrapped."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "dides", *arguments), stdout=PIPE, stderr=PIPE, env=processes.environment()
    )
    out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, " ".join((out + err).decode().split())


async def register(processes: Processes, name: str = "web-1") -> Any:
    """Register an instance and return the answer."""
    body = {"instance": {"name": name, "ip": "192.0.2.1"}, "token": processes.data.token(REGISTRATION_FILE)}
    async with httpx2.AsyncClient(base_url=processes.url) as http:
        response = await http.post("/inventory/register", json=body)
    assert response.status_code == 201, response.text
    return response.json()


async def names(processes: Processes) -> list[str]:
    """Return the names of the instances."""
    async with processes.http() as http:
        return [each["name"] for each in (await http.get("/inventory/instances")).json()["instances"]]


def databases(directory: Path) -> list[Path]:
    return list(directory.rglob(DATABASE))


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


async def test_tokens_are_made_at_the_first_start_and_kept_and_nobody_else_gets_the_data(tmp_path: Path) -> None:
    async with running(tmp_path, *MANUAL) as processes:
        tokens = [processes.data.token(name) for name in (OPERATOR_FILE, REGISTRATION_FILE)]
        assert mode(processes.data.path) == 0o700
        assert {mode(file) for file in processes.data.path.iterdir()} == {0o600}
        credential = (await register(processes))["credential"]
        code, said = await run(processes, "server", "--listen", "127.0.0.1:0")
        assert (code, "Another dides works on" in said) == (4, True), said
        assert await names(processes) == ["web-1"], "the first goes on"
        await processes.stop()
        await processes.start_coordinator(*MANUAL)
        assert [processes.data.token(name) for name in (OPERATOR_FILE, REGISTRATION_FILE)] == tokens
        headers = {"Authorization": f"Bearer {credential}"}
        async with httpx2.AsyncClient(base_url=processes.url, headers=headers) as http:
            assert (await http.get("/inventory/instances/web-1")).status_code == 200
        assert not [token for token in (*tokens, credential) if token in processes.log("coordinator")]


async def test_it_listens_on_ipv6_and_says_that_it_is_in_the_development_mode(tmp_path: Path) -> None:
    if not socket.has_ipv6:
        pytest.skip("this machine has no IPv6")
    processes = Processes(tmp_path)
    processes.url = "http://[::1]:0"
    try:
        await processes.start_coordinator("--dev")
        assert processes.url.startswith("http://[::1]:")
        async with httpx2.AsyncClient(base_url=processes.url) as http:
            assert (await http.get("/inventory/instances")).status_code == 200
        assert "development mode" in processes.log("coordinator")
    finally:
        await processes.stop()


async def test_flags_win_over_variables_over_the_file_over_defaults(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text("heartbeat-interval = 3\ntime-to-live = 60\nreconcile-interval = 0\n")

    async def interval(name: str, *flags: str, **variables: str) -> float:
        processes = WithVariables(tmp_path / name, variables)
        processes.directory.mkdir()
        try:
            await processes.start_coordinator(*flags)
            found: float = (await register(processes))["heartbeat_interval"]
        finally:
            await processes.stop()
        return found

    settings = ("--settings", str(file))
    found = await asyncio.gather(
        interval("default"),
        interval("file", *settings),
        interval("variable", *settings, DIDES_HEARTBEAT_INTERVAL="4"),
        interval("flag", *settings, "--heartbeat-interval", "5", DIDES_HEARTBEAT_INTERVAL="4"),
    )
    assert list(found) == [10, 3, 4, 5]


async def test_a_backup_is_made_while_it_runs_and_put_back_when_it_does_not(tmp_path: Path) -> None:
    backup = tmp_path / "backup.db"
    elsewhere = Processes(tmp_path / "elsewhere")
    elsewhere.directory.mkdir()
    async with running(tmp_path, *MANUAL) as processes:
        credential = (await register(processes, "before"))["credential"]
        code, said = await run(processes, "backup", str(backup))
        assert (code, str(backup) in said, mode(backup)) == (0, True, 0o600), said
        await register(processes, "after")
        code, said = await run(processes, "restore", str(backup), "--force")
        assert (code, "Another dides works on" in said) == (4, True), said
        await processes.stop()
        refused, there = await asyncio.gather(
            run(processes, "restore", str(backup)), run(elsewhere, "restore", str(backup))
        )
        assert (refused[0], "--force" in refused[1], there[0]) == (4, True, 0), (refused, there)
        assert (await run(processes, "restore", str(backup), "--force"))[0] == 0
        await asyncio.gather(processes.start_coordinator(*MANUAL), elsewhere.start_coordinator(*MANUAL))
        try:
            assert await names(processes) == await names(elsewhere) == ["before"]
            assert mode(elsewhere.data.path / DATABASE) == 0o600
            headers = {"Authorization": f"Bearer {credential}"}
            async with httpx2.AsyncClient(base_url=elsewhere.url, headers=headers) as http:
                assert (await http.patch("/inventory/instances/before", json={})).status_code == 200
        finally:
            await elsewhere.stop()


def back_up_here(processes: Processes, place: Path) -> int:
    """Run `dides backup` in this process and return its exit code."""
    try:
        main(["backup", str(place), "--data-dir", str(processes.data.path)])
    except SystemExit as end:
        return int(end.code or 0)
    return 0


async def test_a_backup_to_a_wrong_place_costs_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async with running(tmp_path, *MANUAL) as processes:
        await register(processes, "web-1")
        data, fifo = processes.data.path, tmp_path / "fifo"
        os.mkfifo(fifo)
        before = {each.name for each in data.iterdir()}
        wrong = [fifo, *(data / name for name in (*sorted(before), "dides.db-journal", "backup.db"))]
        for place in wrong:
            assert await asyncio.to_thread(back_up_here, processes, place) == 4
            assert "error:" in capsys.readouterr().err
        assert {each.name for each in data.iterdir()} == before
        await processes.kill("coordinator")
        await processes.start_coordinator(*MANUAL)
        assert await names(processes) == ["web-1"]
        assert fifo.is_fifo()


async def test_what_is_no_backup_is_not_put_back(tmp_path: Path) -> None:
    empty, garbage, missing = tmp_path / "empty.db", tmp_path / "garbage.db", tmp_path / "missing.db"
    empty.touch()
    garbage.write_bytes(b"no database at all, but as long as the first bytes of one" * 10)
    for code, said in await asyncio.gather(
        *(run(Processes(tmp_path / file.stem), "restore", str(file)) for file in (empty, garbage, missing))
    ):
        assert (code, "error:" in said) == (4, True), said
    assert databases(tmp_path) == []
