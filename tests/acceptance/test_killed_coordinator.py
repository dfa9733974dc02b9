"""A coordinator killed at any point of a rollout, and started again, finishes it; nothing acknowledged is lost."""

import asyncio
import itertools
import random
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path

import httpx2
import pytest

from dides.client.operator import OperatorClient
from dides.protocol.messages import Configuration, DeployRequest
from support.event_log import most_updating
from support.processes import Processes, finished, running, until

KILLS = 12
AGENTS = 5
WINDOW = 2
QUICK = ("--heartbeat-interval", "0.5", "--time-to-live", "5", "--reconcile-interval", "0.5")


@pytest.mark.parametrize("seed", [1, 2])
async def test_a_coordinator_killed_at_random_points_finishes_its_rollouts(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    applied = tmp_path / "applied"
    apply = f'echo "start $DIDES_INSTANCE" >> {applied}; sleep 0.15; echo "end $DIDES_INSTANCE" >> {applied}'
    async with running(tmp_path, *QUICK, agents=AGENTS, apply=apply) as fleet, fleet.client() as client:
        kills = 0
        for version in range(1, 100):
            deployment_id = await trigger(client, f"1.{seed}.{version}")
            rollout = asyncio.create_task(finished(client, deployment_id))
            while not rollout.done() and kills < KILLS:
                await asyncio.wait({rollout}, timeout=chance.uniform(0.02, 0.5))
                await fleet.kill("coordinator")
                kills += 1
                await fleet.start_coordinator(*QUICK)
            deployment = await rollout
            assert deployment.status == "completed", deployment
            assert deployment.progress.succeeded == AGENTS, deployment
            if kills >= KILLS:
                break
        assert kills == KILLS
        assert most_updating(await client.events(limit=1000)) <= WINDOW
    assert most_applying(applied.read_text().splitlines()) <= WINDOW


async def test_what_was_answered_with_2xx_survives_a_kill(tmp_path: Path) -> None:
    chance = random.Random(4)
    async with running(tmp_path, *QUICK) as fleet:
        acknowledged: dict[str, str] = {}
        names = (f"w-{number}" for number in itertools.count())
        for _ in range(6):
            enough = len(acknowledged) + chance.randrange(10, 60)
            async with fleet.http() as http:
                writers = [asyncio.create_task(keep_writing(http, fleet, acknowledged, names)) for _ in range(8)]
                await until(partial(reached, acknowledged, enough))
                await fleet.kill("coordinator")
                await asyncio.gather(*writers)
            await fleet.start_coordinator(*QUICK)
        async with fleet.client() as client:
            stored = {each.name: each.current.code_version async for each in client.instances()}
        for name, version in acknowledged.items():
            # A later heartbeat may have been stored without its answer having arrived; an earlier one may not.
            assert int(stored[name] or -1) >= int(version), name


async def trigger(client: OperatorClient, version: str) -> int:
    request = DeployRequest(
        code_version=version, labels={"env": "test"}, configuration=Configuration(batch_size=WINDOW)
    )
    return (await client.deploy(request, f"key-{version}")).id


def reached(acknowledged: dict[str, str], enough: int) -> bool:
    return len(acknowledged) >= enough


async def keep_writing(
    http: httpx2.AsyncClient, fleet: Processes, acknowledged: dict[str, str], names: Iterator[str]
) -> None:
    """Register instances and report for them, noting what was acknowledged, until the coordinator is gone."""
    try:
        while True:
            await write_one(http, fleet, acknowledged, next(names))
    except httpx2.TransportError:
        return


async def write_one(http: httpx2.AsyncClient, fleet: Processes, acknowledged: dict[str, str], name: str) -> None:
    token = fleet.data.token("registration-token")
    body = {"instance": {"name": name, "ip": "10.0.0.1"}, "token": token}
    registered = await http.post("/inventory/register", json=body)
    if registered.status_code not in (200, 201):
        return
    acknowledged[name] = "-1"
    headers = {"Authorization": f"Bearer {registered.json()['credential']}"}
    for version in ("1", "2", "3"):
        report = {"code_version": version, "status": 1}
        answer = await http.patch(f"/inventory/instances/{name}", json=report, headers=headers)
        if answer.status_code == 200:
            acknowledged[name] = version


def most_applying(lines: Iterable[str]) -> int:
    """Return how many instances were applying at once at the most, by what the apply commands wrote."""
    applying: set[str] = set()
    most = 0
    for line in lines:
        what, name = line.split()
        (applying.add if what == "start" else applying.discard)(name)
        most = max(most, len(applying))
    assert most > 0
    return most
