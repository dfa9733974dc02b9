"""Two agents with copies of one state directory, as real processes: seen, said, and over once one of them has ended."""

import shutil
from pathlib import Path

from dides.client.operator import OperatorClient
from dides.protocol.messages import Deployment, DeployRequest, Instance
from support.processes import Processes, finished, running, until_async

QUICK = ("--heartbeat-interval", "0.5", "--time-to-live", "3", "--reconcile-interval", "0.5")
CLONE = "clone"


async def start_clone(fleet: Processes) -> None:
    """Start a second agent as web-1, with a copy of its state directory, as on a machine that was copied."""
    copy = fleet.directory / CLONE
    shutil.copytree(fleet.directory / "web-1", copy)
    options = {"--server": fleet.url, "--name": "web-1", "--ip": "127.0.0.1", "--label": "env=test", "--apply": "true"}
    words = [word for pair in options.items() for word in pair]
    await fleet.start(CLONE, "agent", *words, "--state-dir", str(copy), "--interval", "0.5")


async def web_1(client: OperatorClient, *, duplicated: bool) -> Instance:
    return await until_async(lambda: client.instance("web-1"), lambda seen: seen.duplicated is duplicated)


async def deployed(client: OperatorClient, version: str) -> Deployment:
    triggered = await client.deploy(DeployRequest(code_version=version, labels={"env": "test"}), version)
    return await finished(client, triggered.id)


async def test_clones_are_seen_and_fail_their_deployment(tmp_path: Path) -> None:
    async with running(tmp_path, *QUICK, agents=1) as fleet, fleet.client() as client:
        assert (await deployed(client, "1")).status == "completed"
        await start_clone(fleet)
        await web_1(client, duplicated=True)
        failed = await deployed(client, "2")
        targets = [target async for target in client.targets(failed.id)]
        assert [(target.state, target.reason) for target in targets] == [
            ("failed", "two agents report as this instance")
        ]
        await fleet.end(CLONE)
        await web_1(client, duplicated=False)
        assert (await deployed(client, "3")).status == "completed"
        events = [event.kind for event in await client.events(limit=1000)]
        assert events.count("instance.duplicated") == 1


async def test_an_agent_that_is_restarted_again_and_again_is_no_clone(tmp_path: Path) -> None:
    async with running(tmp_path, *QUICK, agents=1) as fleet, fleet.client() as client:
        for version in range(6):
            await fleet.kill("web-1")
            await fleet.start_agent("web-1")
            assert (await deployed(client, str(version))).status == "completed"
        assert "instance.duplicated" not in [event.kind for event in await client.events(limit=1000)]
