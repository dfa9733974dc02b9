"""Rollouts over simulated agents, triggered as an operator does."""

import asyncio
from time import perf_counter

from dides.protocol.messages import Configuration, Deployment, DeployRequest
from load.tally import LoadError
from rig.coordinator import Coordinator

POLL = 0.05
PATIENCE = 300.0


async def roll_out(running: Coordinator, version: str, window: int) -> Deployment:
    """Roll a version out over the instances labelled role=rolling and return the deployment when it has ended."""
    configuration = Configuration(batch_size=window, update_timeout=PATIENCE)
    request = DeployRequest(code_version=version, labels={"role": "rolling"}, configuration=configuration)
    async with running.processes.client() as client:
        deployment = await client.deploy(request, version)
        until = perf_counter() + PATIENCE
        while deployment.finished_at is None and perf_counter() < until:
            await asyncio.sleep(POLL)
            deployment = await client.deployment(deployment.id)
    if deployment.status != "completed" or deployment.progress.succeeded != deployment.progress.total:
        raise LoadError(f"deployment {deployment.id} is {deployment.status}: {deployment.reason}")
    return deployment


def makespan(deployment: Deployment) -> float:
    """Return the seconds from the trigger to the end, by the coordinator's clock."""
    assert deployment.finished_at
    return (deployment.finished_at - deployment.created_at).total_seconds()
