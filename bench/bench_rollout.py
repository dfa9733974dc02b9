"""How close a rollout comes to the ideal: five real agents, window 2, an apply of 0.3 s, on this machine.

The ideal is what the applies alone take, two at a time: ceil(5 / 2) x 0.3 s = 0.9 s. The goal is less than 1.3 x that.
"""

import argparse
import math
import tempfile
from pathlib import Path

from dides.client.operator import OperatorClient
from dides.protocol.messages import Configuration, DeployRequest
from rig.arguments import parser_of, run
from rig.cores import children_on
from rig.report import Report
from support.processes import finished, running

AGENTS, WINDOW, APPLY_SECONDS, GOAL = 5, 2, 0.3, 1.3


async def measure(arguments: argparse.Namespace) -> Report:
    """Roll out in every round."""
    ideal = math.ceil(AGENTS / WINDOW) * APPLY_SECONDS
    with tempfile.TemporaryDirectory() as directory, children_on(None):
        async with (
            running(Path(directory), agents=AGENTS, apply=f"sleep {APPLY_SECONDS}") as fleet,
            fleet.client() as client,
        ):
            took = [await rollout(client, f"1.0.{number}") for number in range(arguments.rounds)]
    report = Report(
        benchmark="rollout",
        parameters={"agents": AGENTS, "window": WINDOW, "apply_seconds": APPLY_SECONDS, "rounds": arguments.rounds},
    )
    report.add("a rollout, to the ideal", took, "s", to=[ideal] * len(took), most=GOAL)
    return report


async def rollout(client: OperatorClient, version: str) -> float:
    """Roll one version out and return the seconds from its trigger to its end, by the coordinator's clock."""
    request = DeployRequest(
        code_version=version, labels={"env": "test"}, configuration=Configuration(batch_size=WINDOW)
    )
    deployment = await finished(client, (await client.deploy(request, version)).id)
    assert deployment.status == "completed", deployment
    assert deployment.finished_at
    return (deployment.finished_at - deployment.created_at).total_seconds()


def main() -> None:
    """Read the arguments and measure."""
    parser = parser_of(__doc__)
    parser.set_defaults(rounds=7)
    run(measure, parser.parse_args())


if __name__ == "__main__":
    main()
