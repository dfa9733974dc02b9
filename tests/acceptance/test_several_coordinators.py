"""Three coordinators on one PostgreSQL: whatever befalls them, they decide as one and lose nothing they answered."""

import asyncio
import signal
import statistics
import time
from collections import Counter
from pathlib import Path

import httpx2

from dides.client.instance import InstanceClient
from dides.client.operator import OperatorClient
from dides.model.state import Status
from dides.protocol.action_preview import Action
from dides.protocol.messages import Configuration, DeployRequest, Heartbeat, InstanceSpec
from dides.runtime.datadir import OPERATOR_FILE, REGISTRATION_FILE
from support.coordinators import Coordinators, coordinators
from support.raw_instance import Gauge
from support.rollouts import WINDOW, Rollouts, check, fleet, operators, stopped

QUICK = ("--heartbeat-interval", "0.5", "--time-to-live", "5", "--reconcile-interval", "0.5")
STOPPED = 11.0
"""Seconds that a coordinator stands still: longer than a transaction may be idle, or a lock be waited for."""
CUT_OFF = 6.0
ROUNDS = 15


async def test_rollouts_survive_what_befalls_the_coordinators_and_their_database(tmp_path: Path) -> None:
    gauge = Gauge()
    async with (
        coordinators(tmp_path, *QUICK) as several,
        fleet(several, gauge) as instances,
        operators(several) as clients,
    ):
        rollouts = Rollouts(clients)
        rolling = asyncio.create_task(rollouts.run())
        watching = asyncio.create_task(rollouts.watch())
        for befall in (kill_one, stop_and_cut_off, restart_the_database, kill_two):
            await befall(several, rollouts)
            await rollouts.progress()
        rollouts.enough = True
        await rolling
        await stopped(watching)
        await check(clients, rollouts, instances)
    assert gauge.most == WINDOW


async def kill_one(several: Coordinators, _: Rollouts) -> None:
    await several.kill(0)
    await several.start(0)


async def stop_and_cut_off(several: Coordinators, rollouts: Rollouts) -> None:
    """One stands still and one is cut off from the database, so that the third works alone."""
    several.send(1, signal.SIGSTOP)
    several.proxies[2].blackhole()
    await asyncio.sleep(CUT_OFF)
    await rollouts.progress()
    several.proxies[2].heal()
    await asyncio.sleep(STOPPED - CUT_OFF)
    several.send(1, signal.SIGCONT)


async def restart_the_database(several: Coordinators, rollouts: Rollouts) -> None:
    await asyncio.to_thread(several.server.restart)


async def kill_two(several: Coordinators, rollouts: Rollouts) -> None:
    """The one that is left had stood still."""
    await several.kill(0)
    await several.kill(2)
    await rollouts.progress()
    await asyncio.gather(several.start(0), several.start(2))


async def test_of_simultaneous_triggers_at_all_coordinators_one_is_accepted(tmp_path: Path) -> None:
    """And an instance that waits at one of them hears soon of what was decided at another."""
    # It reports once: as one that is unreachable it would be left out, and every deployment be over at once.
    async with coordinators(tmp_path, *QUICK, "--time-to-live", "600") as several:
        async with InstanceClient(several.urls[0]) as waiting:
            await waiting.register(InstanceSpec(name="web-1", ip="192.0.2.1"), several.token(REGISTRATION_FILE))
            await waiting.heartbeat("web-1", Heartbeat(status=Status.HEALTHY, code_version="0"))
            async with operators(several) as clients:
                seconds = [await decided_elsewhere(waiting, clients[1], number) for number in range(ROUNDS)]
        median = statistics.median(seconds)
        print(
            f"heard at one coordinator of a trigger sent to another after {1000 * median:.1f} ms (median of {ROUNDS})"
        )
        assert median < 1.0
        await all_at_once(several)


async def decided_elsewhere(waiting: InstanceClient, client: OperatorClient, number: int) -> float:
    """Return how many seconds after a trigger was sent to one coordinator another one has passed on what it decided."""
    version = f"1.{number}"
    held = asyncio.create_task(heard(waiting, version))
    await asyncio.sleep(0.05)  # It is held by now, or finds the change when it comes: both are fine.
    request = DeployRequest(code_version=version, labels={}, configuration=Configuration(auto_rollback=False))
    sent = time.monotonic()
    await client.deploy(request, f"latency-{number}")
    passed_on = await held
    await client.act(Action.ABORT)
    return passed_on - sent


async def heard(waiting: InstanceClient, version: str) -> float:
    """Wait until told a version, and return when that was."""
    directive = await waiting.desired("web-1", 0, 0)
    while directive.desired is None or directive.desired.code_version != version:
        directive = await waiting.desired("web-1", directive.generation, 20)
    return time.monotonic()


async def all_at_once(several: Coordinators) -> None:
    headers = {"Authorization": f"Bearer {several.token(OPERATOR_FILE)}"}
    async with httpx2.AsyncClient(headers=headers, timeout=20) as http:
        triggers = [(f"{url}/deploy", f"2.0.{number}") for number in range(8) for url in several.urls]
        bodies = [(url, {"code_version": version, "labels": {}}) for url, version in triggers]
        responses = await asyncio.gather(*(http.post(url, json=body) for url, body in bodies))
    assert Counter(response.status_code for response in responses) == {201: 1, 409: len(triggers) - 1}
    accepted = next(response.json() for response in responses if response.status_code == 201)
    refused = [response.json() for response in responses if response.status_code == 409]
    assert {problem["deployment_id"] for problem in refused} == {accepted["id"]}
