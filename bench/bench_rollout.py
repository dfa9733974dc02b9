"""How close a rollout comes to the ideal: five real agents, window 2, an apply of 0.3 s, on this machine.

The ideal is what the applies alone take, two at a time: ceil(5 / 2) x 0.3 s = 0.9 s. The goal is less than 1.3 x that.
"""

import asyncio
import math
import statistics
import tempfile
from pathlib import Path

from dides.client.operator import OperatorClient
from dides.protocol.messages import Configuration, DeployRequest
from support.processes import finished, running

AGENTS, WINDOW, APPLY_SECONDS, RUNS, GOAL = 5, 2, 0.3, 7, 1.3


async def main() -> None:
    ideal = math.ceil(AGENTS / WINDOW) * APPLY_SECONDS
    with tempfile.TemporaryDirectory() as directory:
        async with (
            running(Path(directory), agents=AGENTS, apply=f"sleep {APPLY_SECONDS}") as fleet,
            fleet.client() as client,
        ):
            took = [await rollout(client, f"1.0.{number}") for number in range(RUNS)]
    median = statistics.median(took)
    print(f"{AGENTS} agents, window {WINDOW}, apply {APPLY_SECONDS} s, {RUNS} rollouts")
    print(f"ideal {ideal:.2f} s; median {median:.3f} s, fastest {min(took):.3f} s, slowest {max(took):.3f} s")
    print(f"ratio to the ideal: {median / ideal:.2f} (goal: under {GOAL})")


async def rollout(client: OperatorClient, version: str) -> float:
    """Roll one version out and return the seconds from its trigger to its end, by the coordinator's clock."""
    request = DeployRequest(
        code_version=version, labels={"env": "test"}, configuration=Configuration(batch_size=WINDOW)
    )
    deployment = await finished(client, (await client.deploy(request, version)).id)
    assert deployment.status == "completed", deployment
    assert deployment.finished_at
    return (deployment.finished_at - deployment.created_at).total_seconds()


if __name__ == "__main__":
    asyncio.run(main())
