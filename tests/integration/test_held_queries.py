"""A real coordinator holds a query of everybody: it wakes them all, and lets nobody in who only takes place."""

import asyncio
import resource
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from load.fleet import Fleet
from load.held import Holders
from rig.coordinator import Coordinator, calm, coordinator
from support.processes import until_async

MOST = 3_000
SPARE = 300
"""Open files for everything else."""
SLOW, AFTER = 20, 100
"""How many do not read what they are answered, and how much each of them asks for behind its query."""
SOON = 30.0
"""Seconds within which something must have happened by itself; a minute later every query is answered anyway."""
INSTANT = 5.0
"""Seconds that suffice for an end that waits for nobody; a held query would wait for a minute."""


@pytest.fixture(scope="module")
def many() -> Iterator[int]:
    """Return how many can be held here: the server and this process have as many open files."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = before[1] if before[1] != resource.RLIM_INFINITY else MOST + SPARE
    with suppress(ValueError, OSError):  # macOS calls its limit infinite, and refuses it
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, before[1]))
    yield min(MOST, most - SPARE)
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


@asynccontextmanager
async def holding(directory: Path, many: int) -> AsyncIterator[tuple[Coordinator, Holders]]:
    """Run a coordinator that holds so many queries, for as long as the block lasts."""
    manual = (*calm(), "--reconcile-interval", "0")
    async with coordinator(directory, Fleet(many), *manual, rolling=100, core=None) as running:
        holders = Holders(running.url, running.fleet, range(many))
        await holders.connect()
        holders.ask()
        await until_held(running, many)
        try:
            yield running, holders
        finally:
            holders.close()


async def held(running: Coordinator) -> int:
    """Return how many queries are held now."""
    async with running.processes.http() as http:
        lines = (await http.get("/metrics")).text.splitlines()
    return int(float(next(line.split()[1] for line in lines if line.startswith("dides_queries_held "))))


async def until_held(running: Coordinator, count: int) -> None:
    async with asyncio.timeout(SOON):
        await until_async(lambda: held(running), lambda found: found == count)


async def until_heard(holders: Holders, count: int) -> None:
    async with asyncio.timeout(SOON):
        await holders.until(lambda: len(holders.heard) >= count)


async def assign(running: Coordinator, version: str, **labels: str) -> int:
    """Trigger a deployment that tells everybody it matches at once; return how many."""
    body = {"code_version": version, "labels": labels, "configuration": {"batch_size": running.fleet.size}}
    async with running.processes.http() as http:
        answer = await http.post("/deploy", json=body)
    assert answer.status_code == 201, answer.text
    told: int = answer.json()["progress"]["updating"]
    return told


async def test_all_that_are_told_hear_it_and_are_held_again(tmp_path: Path, many: int) -> None:
    async with holding(tmp_path, many) as (running, holders):
        assert await assign(running, "2", role="rolling") == 100
        await until_heard(holders, 100)
        await until_held(running, many)
        assert len(holders.heard) == 100, "and nobody else"
        async with running.processes.http() as http:
            assert (await http.post("/deploy/abort", json={"rollback": False})).status_code == 200
        await until_heard(holders, 200)
        holders.forget()
        assert await assign(running, "3", env="bench") == many
        await until_heard(holders, many)
        await until_held(running, many)
        # The coordinator may have turned some away while it was busy: they asked again, and heard it too.
        assert (len(holders.heard), holders.wrong) == (many, [])


async def test_those_who_hang_up_are_no_longer_held_and_the_others_hear(tmp_path: Path, many: int) -> None:
    async with holding(tmp_path, many // 2) as (running, staying):
        leaving = Holders(running.url, running.fleet, range(many // 2))
        await leaving.connect()
        leaving.ask()
        await until_held(running, 2 * (many // 2))
        leaving.close()
        await until_held(running, many // 2)
        assert await assign(running, "2", env="bench") == many // 2
        await until_heard(staying, many // 2)
        assert leaving.answers == 0


async def test_those_who_do_not_read_keep_nobody_waiting(tmp_path: Path, many: int) -> None:
    async with holding(tmp_path, many) as (running, holders):
        host, port = urlsplit(running.url).hostname, urlsplit(running.url).port
        slow = [await asyncio.open_connection(host, port, limit=1) for _ in range(SLOW)]
        for number, (_, writer) in enumerate(slow):
            writer.write(running.fleet.query(number, 0))
            writer.write(running.fleet.query(number, 9, wait=0) * AFTER)
        await until_held(running, many + SLOW)
        assert await assign(running, "2", env="bench") == many
        await until_heard(holders, many)
        await until_held(running, many)
        await ends(running, holders)
        for _, writer in slow:
            writer.transport.abort()


async def test_all_that_is_held_is_answered_at_the_end(tmp_path: Path, many: int) -> None:
    async with holding(tmp_path, many) as (running, holders):
        await ends(running, holders)


async def ends(running: Coordinator, holders: Holders) -> None:
    """Send SIGTERM; everybody has to be answered, and the process to end, at once."""
    holders.forget()
    holders.leaving = True
    process = running.processes.process("coordinator")
    process.send_signal(signal.SIGTERM)
    async with asyncio.timeout(INSTANT):
        await holders.until(lambda: holders.answers >= len(holders))
        assert await process.wait() == 0
    assert (holders.answers, holders.wrong) == (len(holders), [])
