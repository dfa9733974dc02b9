"""Rollouts over simulated agents, triggered as an operator does."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from time import perf_counter

from dides.client.errors import UnreachableError
from dides.protocol.messages import Configuration, Deployment, DeployRequest
from load.tally import LoadError
from rig.coordinator import Coordinator

POLL = 0.05
PATIENCE = 300.0
TRIES, RETRY_PAUSE = 60, 0.5


async def roll_out(running: Coordinator, version: str, window: int) -> Deployment:
    """Roll a version out over the instances labelled role=rolling and return the deployment when it has ended."""
    configuration = Configuration(batch_size=window, update_timeout=PATIENCE)
    request = DeployRequest(code_version=version, labels={"role": "rolling"}, configuration=configuration)
    async with running.processes.client() as client:
        deployment = await insist(partial(client.deploy, request, version))
        until = perf_counter() + PATIENCE
        while deployment.finished_at is None and perf_counter() < until:
            await asyncio.sleep(POLL)
            deployment = await insist(partial(client.deployment, deployment.id))
    if deployment.status != "completed" or deployment.progress.succeeded != deployment.progress.total:
        raise LoadError(f"deployment {deployment.id} is {deployment.status}: {deployment.reason}")
    return deployment


async def insist(ask: Callable[[], Awaitable[Deployment]]) -> Deployment:
    """Ask until there is an answer; a coordinator under load may turn an operator away too."""
    for _ in range(TRIES):
        with suppress(UnreachableError):
            return await ask()
        await asyncio.sleep(RETRY_PAUSE)
    raise LoadError(f"an operator was turned away {TRIES} times")


def makespan(deployment: Deployment) -> float:
    """Return the seconds from the trigger to the end, by the coordinator's clock."""
    assert deployment.finished_at
    return (deployment.finished_at - deployment.created_at).total_seconds()
