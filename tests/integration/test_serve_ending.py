"""How a coordinator speaks while it runs, and how it ends: with its log in JSON, and nobody kept waiting."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
import pytest_asyncio

from dides.coordinator.memory.waiters import MOST_HELD
from dides.runtime.datadir import OPERATOR_FILE, REGISTRATION_FILE
from support.event_stream import listening
from support.processes import PATIENCE, Processes, running, until, until_async

pytestmark = pytest.mark.asyncio(loop_scope="module")
INSTANT = 5.0
"""Seconds that suffice for an end that waits for nobody; a held query would wait for a minute."""
HOLD = "/inventory/instances/web-1/desired?generation=0&wait=60"
COUNTS_SOCKETS = pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="only Linux shows them in /proc")
MANUAL = ("--reconcile-interval", "0")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def processes(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Processes]:
    async with running(tmp_path_factory.mktemp("server"), *MANUAL) as started:
        yield started


@asynccontextmanager
async def instance(processes: Processes) -> AsyncIterator[httpx2.AsyncClient]:
    """Register web-1 and give its client."""
    body = {"instance": {"name": "web-1", "ip": "192.0.2.1"}, "token": processes.data.token(REGISTRATION_FILE)}
    async with httpx2.AsyncClient(base_url=processes.url, timeout=PATIENCE) as http:
        answer = await http.post("/inventory/register", json=body)
        http.headers["Authorization"] = f"Bearer {answer.json()['credential']}"
        yield http


def log_of(processes: Processes) -> list[dict[str, Any]]:
    """Return the lines of the log; every one must be JSON."""
    return [json.loads(line) for line in processes.log("coordinator").splitlines()]


def sockets(processes: Processes) -> int:
    """Return how many sockets the coordinator has open."""
    descriptors = Path(f"/proc/{processes.process('coordinator').pid}/fd")
    return sum(1 for each in descriptors.iterdir() if each.is_socket())


@COUNTS_SOCKETS
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_held_queries_are_answered_and_it_ends_at_once(tmp_path: Path, number: signal.Signals) -> None:
    async with running(tmp_path, *MANUAL) as processes, instance(processes) as http:
        idle = sockets(processes)
        held = [asyncio.create_task(http.get(HOLD)) for _ in range(5)]
        await until(lambda: sockets(processes) >= idle + 4)
        assert (await http.get("/inventory/instances/web-1")).status_code == 200
        process = processes.process("coordinator")
        process.send_signal(number)
        async with asyncio.timeout(INSTANT):
            answers = await asyncio.gather(*held)
            assert await process.wait() == 0
        assert [each.status_code for each in answers] == [200] * 5
        assert {each.json()["generation"] for each in answers} == {0}
        assert log_of(processes)[-1]["event"] == "stopped"


async def test_streams_are_ended_and_it_ends_at_once(tmp_path: Path) -> None:
    async with running(tmp_path, *MANUAL) as processes:
        operator = processes.data.token(OPERATOR_FILE)
        async with listening(processes.url, credential=operator) as one, listening(processes.url, credential=operator):
            process = processes.process("coordinator")
            process.send_signal(signal.SIGTERM)
            async with asyncio.timeout(INSTANT):
                await one.end()
                assert await process.wait() == 0
        assert log_of(processes)[-1]["event"] == "stopped"


async def test_every_line_of_the_log_is_json_with_the_request_id_where_there_is_one(processes: Processes) -> None:
    async with processes.http() as http:
        await http.get("/deployments", headers={"X-Request-ID": "find-me"})
        await http.get("/nothing%0A", headers={"X-Request-ID": "me-too"})
        await http.post("/deploy", content=b"{", headers={"X-Request-ID": "and-me"})
    # A thread writes the log, so that an answer may overtake its line.
    await until(lambda: any(line.get("request_id") == "and-me" for line in log_of(processes)))
    lines = log_of(processes)
    assert all({"event", "level", "timestamp"} <= set(line) for line in lines)
    found = [(line.get("request_id"), line.get("method"), line.get("status")) for line in lines]
    assert found[-3:] == [("find-me", "GET", 200), ("me-too", "GET", 404), ("and-me", "POST", 400)]
    assert [line["url"] for line in lines if line["event"] == "listening"] == [processes.url]


async def speak(processes: Processes, *parts: bytes) -> bytes:
    """Send bytes over a connection of its own and return the whole answer."""
    host, _, port = processes.url.removeprefix("http://").rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    for part in parts:
        writer.write(part)
        await writer.drain()
    async with asyncio.timeout(PATIENCE):
        answer = await reader.read()
    writer.close()
    return answer


async def test_what_only_a_socket_can_send(processes: Processes) -> None:
    close = b"\r\nConnection: close\r\n\r\n"
    head = await speak(processes, b"HEAD /healthz HTTP/1.1\r\nHost: x" + close)
    assert head.startswith(b"HTTP/1.1 200")
    assert head.endswith(b"\r\n\r\n"), "no body"
    for garbage in (b"\x16\x03\x01\x02\x00\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"nonsense\r\n\r\n"):
        assert b"400" in (await speak(processes, garbage)).partition(b"\r\n")[0]
    for path in (b"/%00", b"/inventory/instances/%ff%00", b"//deploy", b"/..%2f..%2fetc", b"http://other/deploy"):
        answer = await speak(processes, b"GET " + path + b" HTTP/1.1\r\nHost: x" + close)
        assert answer[9:12] in (b"400", b"401", b"404"), (path, answer)
    async with processes.http() as http:
        assert (await http.get("/readyz")).status_code == 200


async def test_a_large_body_is_refused_and_the_connection_can_be_used_again(processes: Processes) -> None:
    async with processes.http() as http:
        for _ in range(3):
            response = await http.post("/deploy", content=b" " * (3 * 1024 * 1024))
            assert response.status_code == 413
            assert response.json()["request_id"] == response.headers["X-Request-ID"]
        assert (await http.get("/deployments")).status_code == 200


async def queries_held(http: httpx2.AsyncClient, count: int) -> None:
    """Wait until the coordinator holds so many queries."""

    async def shown() -> str:
        return (await http.get("/metrics")).text

    await until_async(shown, lambda text: f"dides_queries_held {count}.0" in text)


@COUNTS_SOCKETS
async def test_a_query_whose_sender_hangs_up_holds_nothing(processes: Processes) -> None:
    async with instance(processes) as http, processes.http() as operator:
        await queries_held(operator, 0)
        idle = sockets(processes)
        held = [asyncio.create_task(http.get(HOLD)) for _ in range(MOST_HELD)]
        await queries_held(operator, MOST_HELD)
        assert sockets(processes) > idle
        for query in held:
            query.cancel()
        await asyncio.gather(*held, return_exceptions=True)
        await queries_held(operator, 0)
        await until(lambda: sockets(processes) <= idle)


async def test_a_hangup_is_ignored(tmp_path: Path) -> None:
    async with running(tmp_path, *MANUAL) as processes, instance(processes) as http:
        process = processes.process("coordinator")
        process.send_signal(signal.SIGHUP)
        await until(lambda: any(line["event"].startswith("SIGHUP is ignored") for line in log_of(processes)))
        assert (await http.get("/inventory/instances/web-1")).status_code == 200
        process.terminate()
        assert await process.wait() == 0
