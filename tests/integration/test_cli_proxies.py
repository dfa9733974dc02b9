"""Proxies that the environment names: no credential for this machine reaches one, and errors say that there is one."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from support.commands import PATIENCE, Ended, run, start
from support.http_proxy import HttpProxy, http_proxy
from support.processes import running

NAMES = ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY")


@pytest.fixture
async def proxy() -> AsyncIterator[HttpProxy]:
    async with http_proxy() as proxy:
        yield proxy


async def test_no_token_for_this_machine_goes_to_a_proxy(tmp_path: Path, proxy: HttpProxy) -> None:
    async with running(tmp_path) as processes:
        through = {"DIDES_DATA_DIR": str(processes.data.path), **dict.fromkeys(NAMES, proxy.url)}
        for host in ("127.0.0.1", "localhost"):
            server = processes.url.replace("127.0.0.1", host)
            ended = await run("status", "--server", server, **through)
            assert (ended.code, ended.err) == (0, "")
        registered = await agent_that_registers(
            tmp_path, processes.url, processes.data.token("registration-token"), through
        )
    assert registered
    assert proxy.heard == b""


async def agent_that_registers(directory: Path, server: str, token: str, variables: dict[str, str]) -> bool:
    """Start an agent, and tell whether it says that it has registered."""
    options = ("--server", server, "--name", "web-1", "--state-dir", str(directory / "web-1"))
    agent = await start("agent", *options, DIDES_REGISTRATION_TOKEN=token, **variables)
    assert agent.stdout is not None
    try:
        async with asyncio.timeout(PATIENCE):
            async for line in agent.stdout:
                if b'"registered"' in line:
                    return True
    finally:
        agent.terminate()
        await agent.communicate()
    return False


@pytest.mark.parametrize("variable", ["http_proxy", "ALL_PROXY"])
async def test_elsewhere_a_request_goes_through_the_proxy_and_its_failure_names_it(
    proxy: HttpProxy, variable: str
) -> None:
    ended = await status("http://coordinator.test:8420", **{variable: proxy.url})
    assert b"GET http://coordinator.test:8420/" in proxy.heard
    assert ended.code == 4
    assert f"http://coordinator.test:8420, through the proxy {proxy.url} ({variable}), answered 502" in ended.err


async def test_through_tls_as_well(proxy: HttpProxy) -> None:
    ended = await status("https://coordinator.test:8420", HTTPS_PROXY=proxy.url)
    assert proxy.heard.startswith(b"CONNECT coordinator.test:8420 HTTP/1.1\r\n")
    assert b"secret" not in proxy.heard
    assert f"through the proxy {proxy.url} (HTTPS_PROXY), cannot be reached: 502" in ended.err


async def test_a_proxy_that_is_not_there_is_named(proxy: HttpProxy) -> None:
    ended = await status("http://coordinator.test", http_proxy="http://me:password@127.0.0.1:1")
    assert ended.code == 4
    assert "through the proxy http://127.0.0.1:1 (http_proxy), cannot be reached" in ended.err
    assert "password" not in ended.err


async def status(server: str, **variables: str) -> Ended:
    return await run("status", "--server", server, "--token", "secret", **variables)
