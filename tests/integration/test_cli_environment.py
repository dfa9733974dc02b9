"""Variables of the environment that break something: one line names them, and 1 means a failed deployment only."""

import asyncio
from pathlib import Path

import pytest

from support.commands import Ended, run
from support.ports import free_port
from support.processes import Processes

ELSEWHERE = ("--server", "https://coordinator.test")


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("ALL_PROXY", "socks5://127.0.0.1:1080", "the library socksio"),
        ("https_proxy", "nonsense://proxy", "not the URL of a proxy"),
        ("SSL_CERT_FILE", "/no/such/file", "No such file or directory"),
        ("SSL_CERT_FILE", __file__, "TLS cannot be set up with it"),
        ("SSLKEYLOGFILE", "/no/such/file", "No such file or directory"),
    ],
)
async def test_a_variable_that_cannot_be_used_is_named(tmp_path: Path, variable: str, value: str, said: str) -> None:
    """`SSLKEYLOGFILE` counts where certificates are named."""
    variables = {"SSL_CERT_DIR": str(tmp_path), variable: value}
    agent = ("agent", *ELSEWHERE, "--state-dir", str(tmp_path / "state"))
    status, agent_ended = await asyncio.gather(
        run("status", *ELSEWHERE, **variables), run(*agent, DIDES_REGISTRATION_TOKEN="x", **variables)
    )
    assert (status.code, status.out, len(status.err.splitlines())) == (2, "", 1)
    assert status.err.startswith(f"error: {variable} in the environment cannot be used: ")
    assert said in status.err
    assert (agent_ended.code, agent_ended.err) == (2, "")
    assert f"{variable} in the environment cannot be used" in agent_ended.out.splitlines()[-1]


async def test_what_is_not_needed_breaks_nothing(tmp_path: Path) -> None:
    here = f"http://127.0.0.1:{free_port()}"
    broken = {"ALL_PROXY": "socks5://127.0.0.1:1080", "SSL_CERT_FILE": "/no/such/file", "DIDES_DATA_DIR": str(tmp_path)}
    ended = await run("status", "--server", here, **broken)
    assert (ended.code, ended.err.startswith(f"error: {here} cannot be reached")) == (4, True)


async def test_a_coordinator_starts_whatever_its_libraries_are_told(tmp_path: Path) -> None:
    processes = WithVariables(tmp_path)
    try:
        await processes.start_coordinator()
        async with processes.http() as http:
            assert (await http.get("/no/such/page")).json()["status"] == 404
    finally:
        await processes.stop()


class WithVariables(Processes):
    """A coordinator with variables that mean something to its libraries, or to a service manager."""

    def environment(self) -> dict[str, str]:
        return {
            **super().environment(),
            "WEB_CONCURRENCY": "many",
            "NOTIFY_SOCKET": "/no/such/socket",
            "LITESTAR_DEBUG": "1",
        }


async def break_something(directory: Path, *arguments: str, **variables: str) -> Ended:
    """Run a command of which a module cannot be imported, for a reason that nobody could foresee."""
    (directory / "sitecustomize.py").write_text("import sys\nsys.modules['dides.cli.commands.status'] = None\n")
    return await run(*arguments, PYTHONPATH=f"{directory}:{Path(__file__).parents[2] / 'src'}", **variables)


async def test_what_nobody_has_foreseen_is_one_line_and_another_code(tmp_path: Path) -> None:
    ended = await break_something(tmp_path, "status")
    assert ended.code == 70
    assert ended.err.startswith("error: ModuleNotFoundError: ")
    assert "Traceback" not in ended.err
    shown = await break_something(tmp_path, "status", DIDES_TRACEBACK="1")
    assert (shown.code, "Traceback" in shown.err) == (70, True)
