"""The command `dides demo`: a fleet on this machine, a rollout, a bad version, a rollback, and nothing left behind."""

import asyncio
import shlex
import shutil
import signal
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from dides.cli.commands.deploy import trigger
from dides.cli.commands.status import count_fleet
from dides.cli.demo.fleet import DemoFleet, FleetError
from dides.cli.display.exits import ExitCode
from dides.cli.display.follow_rollback import follow_with_rollback
from dides.cli.display.tables import print_instances
from dides.cli.options.connection import open_client
from dides.cli.options.output import make_console, print_error
from dides.client.errors import ClientError
from dides.client.operator import OperatorClient
from dides.model.deployment import DeploymentStatus
from dides.model.state import Status
from dides.protocol.messages import Configuration, Deployment, DeployRequest
from dides.runtime.datadir import OPERATOR_FILE

READY_TIMEOUT = 60.0
"""Seconds for every agent to register and be healthy."""
POLL = 0.1
LABELS = {"env": "demo"}
WINDOW = 2
FIRST, SECOND, BAD = "1.0.0", "1.1.0", "2.0.0-bad"
NEXT = {
    "dides demo --keep": "the same, and the fleet stays",
    "dides server --dev": "a coordinator of your own, without credentials",
    "dides agent --help": "how an instance joins it",
    "dides deploy --help": "all rollout options",
}

Instances = Annotated[int, typer.Option("--instances", metavar="N", min=2, max=64, help="How many instances.")]
Keep = Annotated[
    bool, typer.Option("--keep", help="Keep the fleet running at the end, to try things on, until Ctrl-C.")
]


def demo(instances: Instances = 8, keep: Keep = False) -> None:
    """Watch a small fleet on this machine: a rollout, a second one, a bad version that is rolled back.

    Starts a coordinator and agents, real processes in a temporary directory, and ends and removes them all afterwards.

    Example:
      dides demo --instances 4

    """
    raise typer.Exit(asyncio.run(perform(instances, keep, make_console())))


async def perform(instances: int, keep: bool, console: Console) -> ExitCode:
    """Show everything, and clean up whatever happens; a request to terminate counts as Ctrl-C."""
    directory = Path(tempfile.mkdtemp(prefix="dides-demo-"))
    fleet = DemoFleet(directory)
    on_signals(current_task().cancel)
    try:
        await show(fleet, instances, console)
        if keep:
            await keep_running(fleet, console)
    except asyncio.CancelledError:
        console.print("\nInterrupted.")
        return ExitCode.INTERRUPTED
    except (FleetError, ClientError) as error:
        print_error(f"{error}\n{fleet.logs()}", "This should not happen; a second try may tell more.")
        return ExitCode.UNFORESEEN
    finally:
        on_signals(_ignore)
        await fleet.stop()
        shutil.rmtree(directory, ignore_errors=True)
        console.print("\nCleaned up: every process has ended, the temporary directory is gone.")
    say_what_next(console)
    return ExitCode.DONE


async def show(fleet: DemoFleet, instances: int, console: Console) -> None:
    """Start the fleet and show the four parts. Raises FleetError when one does not go as it should, and ClientError."""
    say(console, f"Starting a coordinator and {instances} agents, each a process of its own ...")
    await fleet.start_coordinator()
    for number in range(1, instances + 1):
        await fleet.start_agent(f"web-{number}")
    async with open_client(fleet.url, fleet.token("operator")) as client:
        await wait_until_ready(fleet, client, instances)
        console.print(f"All {instances} have registered with the coordinator at {fleet.url} and are healthy.")
        say(console, "1. A first rollout, two instances at a time: as one is healthy, the next begins.")
        await roll_out(fleet, client, console, FIRST)
        say(console, "2. A new version, the same way.")
        await roll_out(fleet, client, console, SECOND)
        say(console, "3. A bad version: two failures stop it, and what it touched goes back by itself.")
        await fail(fleet, client, console)
        say(console, f"4. The fleet in the end: every instance is at {SECOND} and healthy.", "dides instances")
        await show_fleet(client, console)


async def wait_until_ready(fleet: DemoFleet, client: OperatorClient, instances: int) -> None:
    """Wait until so many instances are healthy. Raises FleetError when that takes too long or a process ends."""
    try:
        async with asyncio.timeout(READY_TIMEOUT):
            while (await count_fleet(client)).healthy < instances:
                fleet.check()
                await asyncio.sleep(POLL)
    except TimeoutError as error:
        raise FleetError(f"Not every agent was healthy within {READY_TIMEOUT:g} s.") from error


async def roll_out(fleet: DemoFleet, client: OperatorClient, console: Console, version: str) -> None:
    """Roll a good version out. Raises FleetError when it does not complete."""
    ended = await deploy(client, console, version, threshold=1)
    if ended.status is not DeploymentStatus.COMPLETED or ended.progress.failed:
        raise FleetError(f"The rollout of {version} should have completed: {ended.status} ({ended.reason})")
    fleet.check()


async def fail(fleet: DemoFleet, client: OperatorClient, console: Console) -> None:
    """Roll the bad version out. Raises FleetError unless it fails and is rolled back."""
    ended = await deploy(client, console, BAD, threshold=2)
    if ended.status is not DeploymentStatus.FAILED or ended.rolled_back_by is None:
        raise FleetError(f"The rollout of {BAD} should have failed and been rolled back: {ended.status}")
    undone = await client.deployment(ended.rolled_back_by)
    if undone.status is not DeploymentStatus.COMPLETED or undone.progress.failed:
        raise FleetError(f"The rollback should have completed: {undone.status} ({undone.reason})")
    fleet.check()


async def deploy(client: OperatorClient, console: Console, version: str, *, threshold: int) -> Deployment:
    """Do as `dides deploy` does, and show the command line. Raises ClientError."""
    stop = "" if threshold == 1 else f" --failure-threshold {threshold}"
    say_command(console, f"dides deploy {version} -l env=demo --batch-size {WINDOW}{stop}")
    configuration = Configuration(batch_size=WINDOW, failure_threshold=threshold)
    deployment = await trigger(client, DeployRequest(code_version=version, labels=LABELS, configuration=configuration))
    return await follow_with_rollback(client, deployment, console, now=deployment.created_at)


async def show_fleet(client: OperatorClient, console: Console) -> None:
    """Show the fleet. Raises FleetError unless every instance is healthy at the last good version."""
    fleet = [instance async for instance in client.instances()]
    print_instances(fleet, set(), console)
    stray = [i.name for i in fleet if i.status is not Status.HEALTHY or i.current.code_version != SECOND]
    if stray:
        raise FleetError(f"These should be healthy at {SECOND}: {', '.join(stray)}")


async def keep_running(fleet: DemoFleet, console: Console) -> None:
    """Say how to use the fleet from another terminal, and wait for Ctrl-C. Raises FleetError when it ends by itself."""
    say(console, "The fleet keeps running. In a browser:")
    console.print(f"Dashboard:  {fleet.url}/", soft_wrap=True)
    console.print("Sign in:    with the operator token, which this shows:", soft_wrap=True)
    say_command(console, f"cat {shlex.quote(str(fleet.data_dir / OPERATOR_FILE))}")
    say(console, "From another terminal:")
    say_command(console, f"export DIDES_SERVER={fleet.url} DIDES_DATA_DIR={shlex.quote(str(fleet.data_dir))}")
    say_command(console, "dides status")
    say_command(console, "dides deploy 1.2.0 -l env=demo --batch-size 50%")
    console.print("Ctrl-C ends it.")
    try:
        while True:
            fleet.check_coordinator()
            await asyncio.sleep(1)
    except asyncio.CancelledError:
        return


def say(console: Console, text: str, command: str = "") -> None:
    """Print a heading and, below it, the command line that does the same."""
    console.print()
    console.print(Text(text, style="bold"))
    if command:
        say_command(console, command)


def say_command(console: Console, command: str) -> None:
    """Print a command line as one would type it."""
    console.print(Text(f"$ {command}", style="cyan"), soft_wrap=True)


def say_what_next(console: Console) -> None:
    """Print what to try next."""
    say(console, "Try next:")
    for command, purpose in NEXT.items():
        console.print(Text.assemble(("  " + command.ljust(24), "cyan"), purpose), soft_wrap=True)


def current_task() -> asyncio.Task[object]:
    """Return the running task."""
    task = asyncio.current_task()
    assert task is not None
    return task


def on_signals(react: Callable[[], object]) -> None:
    """Call a function on Ctrl-C and on requests to terminate."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, react)


def _ignore() -> None:
    """Clean up to the end whatever comes."""
