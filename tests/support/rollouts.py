"""Rollouts over several coordinators and a fleet, one after the other, and a check of what came of them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial

from dides.client.operator import OperatorClient
from dides.protocol.messages import Configuration, Deployment, DeployRequest, Target
from dides.runtime.datadir import OPERATOR_FILE, REGISTRATION_FILE
from support.coordinators import Balanced, Coordinators
from support.event_log import most_updating
from support.processes import until
from support.raw_instance import Gauge, RawInstance

INSTANCES, WINDOW = 12, 3
APPLY_SECONDS = 0.4


class Rollouts:
    """One rollout after the other, each triggered at all coordinators at once."""

    def __init__(self, clients: list[OperatorClient]) -> None:
        self.enough = False
        self.keys: dict[str, int] = {}
        """The deployments that were answered with 2xx, by idempotency key."""
        self.finished: list[Deployment] = []
        self.looks = 0
        self._clients = clients
        self._assigned = 0

    async def run(self) -> None:
        number = 0
        while not self.enough:
            number += 1
            deployment = await self._trigger(number)
            self.finished.append(await self._finish(deployment))

    async def watch(self) -> None:
        """Look again and again, at every coordinator in turn, at how many targets are updating."""
        while True:
            for first in range(len(self._clients)):
                await self._look(Balanced(self._clients, first))
            await asyncio.sleep(0.05)

    @property
    def told(self) -> int:
        """The id of the newest one that was triggered; 0 before."""
        return self._assigned

    async def progress(self) -> None:
        """Wait until a rollout that is triggered from now on has finished."""
        before = len(self.finished)
        await until(lambda: len(self.finished) >= before + 2)

    async def _look(self, balanced: Balanced[OperatorClient]) -> None:
        if self._assigned:
            updating = await balanced.ask(self._updating)
            assert len(updating) <= WINDOW, [each.instance for each in updating]
            self.looks += 1

    async def _updating(self, client: OperatorClient) -> list[Target]:
        return [each async for each in client.targets(self._assigned, state="updating")]

    async def _trigger(self, number: int) -> Deployment:
        key = f"key-{number}"
        request = DeployRequest(
            code_version=f"1.{number}", labels={"env": "test"}, configuration=Configuration(batch_size=WINDOW)
        )
        deployment = await Balanced(self._clients, number).ask(lambda client: client.deploy(request, key))
        self.keys[key] = self._assigned = deployment.id
        return deployment

    async def _finish(self, deployment: Deployment) -> Deployment:
        while deployment.finished_at is None:
            await asyncio.sleep(0.1)
            deployment = await Balanced(self._clients).ask(partial(self._again, deployment.id))
        return deployment

    async def _again(self, number: int, client: OperatorClient) -> Deployment:
        return await client.deployment(number)


async def check(clients: list[OperatorClient], rollouts: Rollouts, instances: list[RawInstance]) -> None:
    """Compare what every coordinator says now with what was answered."""
    assert rollouts.looks > 50
    assert {each.status for each in rollouts.finished} == {"completed"}, rollouts.finished
    assert {each.progress.succeeded for each in rollouts.finished} == {INSTANCES}, rollouts.finished
    for client in clients:
        for deployment in rollouts.finished:
            assert most_updating(await client.events(deployment_id=deployment.id, limit=1000)) == WINDOW
        reported = {each.name: each.current.code_version async for each in client.instances()}
        assert reported == {each.name: each.acknowledged for each in instances}
        for number, (key, deployment_id) in enumerate(rollouts.keys.items(), 1):
            request = DeployRequest(
                code_version=f"1.{number}", labels={"env": "test"}, configuration=Configuration(batch_size=WINDOW)
            )
            assert (await client.deploy(request, key)).id == deployment_id


@asynccontextmanager
async def operators(several: Coordinators) -> AsyncIterator[list[OperatorClient]]:
    clients = [OperatorClient(url, several.token(OPERATOR_FILE)) for url in several.urls]
    yield clients
    await asyncio.gather(*(client.close() for client in clients))


@asynccontextmanager
async def fleet(several: Coordinators, gauge: Gauge) -> AsyncIterator[list[RawInstance]]:
    """Run instances, spread over the coordinators, for as long as the block lasts."""
    names = [f"web-{number}" for number in range(INSTANCES)]
    instances = [RawInstance(name, several.urls, number, APPLY_SECONDS, gauge) for number, name in enumerate(names)]
    await asyncio.gather(*(each.register(several.token(REGISTRATION_FILE)) for each in instances))
    running = [asyncio.create_task(each.run()) for each in instances]
    try:
        yield instances
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await asyncio.gather(*(each.close() for each in instances))


async def stopped(task: "asyncio.Task[None]") -> None:
    """Cancel a task, and raise what it has raised before."""
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
