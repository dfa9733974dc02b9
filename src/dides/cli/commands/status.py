"""The command `dides status`: the fleet in numbers, and the newest deployment."""

from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.text import Text

from dides.cli.commands.converge import print_convergences
from dides.cli.display.follow_rollback import follow_or_leave
from dides.cli.display.marks import DUPLICATED, STATUS, in_flight
from dides.cli.display.outcome import exit_code_of
from dides.cli.display.show import print_deployment
from dides.cli.options.common import Output
from dides.cli.options.connection import DEFAULT_SERVER, Server, Token, session
from dides.cli.options.output import Format, make_console, make_progress_console, print_json
from dides.client.operator import OperatorClient
from dides.model.state import Status
from dides.protocol.messages import Convergence, Deployment

Watch = Annotated[
    bool,
    typer.Option("--watch", "-w", help="Watch the newest deployment until it ends; the exit code tells how it ended."),
]


class Fleet(msgspec.Struct, frozen=True):
    """How many instances say what."""

    total: int
    healthy: int
    degraded: int
    failed: int
    unknown: int
    duplicated: int = 0
    """As which two agents report."""


class Overview(msgspec.Struct, frozen=True):
    """What `dides status -o json` prints."""

    instances: Fleet
    deployment: Deployment | None
    stopped: list[Convergence]
    """The deployments from which convergence has stopped."""


def status(
    watch: Watch = False,
    output: Output = Format.TABLE,
    server: Server = DEFAULT_SERVER,
    token: Token = None,
) -> None:
    """Show the fleet in numbers and the newest deployment, which is the one in flight if there is one.

    With --watch: follows it, and the rollback if one follows, until it ends; the exit code is then as that of deploy.

    Example:
      dides status
      dides status --watch

    """
    overview, watched = session(server, token, lambda client: look(client, watch=watch, output=output))
    if output is Format.JSON:
        print_json(overview)
    else:
        print_overview(overview, make_console(), watched=watched)
    if watch and overview.deployment is not None:
        raise typer.Exit(exit_code_of(overview.deployment))


async def look(client: OperatorClient, *, watch: bool, output: Format) -> tuple[Overview, bool]:
    """Return how things stand, if wanted once the newest deployment has ended, and whether its end was watched.

    Raises ClientError.
    """
    newest = (await client.deployments(limit=1)).deployments
    deployment = newest[0] if newest else None
    watched = False
    if watch and deployment is not None and in_flight(deployment):
        watched = True
        deployment = await follow_or_leave(client, deployment, make_progress_console(output))
    stopped = [source for source in await client.convergences() if source.stopped_at is not None]
    return Overview(instances=await count_fleet(client), deployment=deployment, stopped=stopped), watched


async def count_fleet(client: OperatorClient) -> Fleet:
    """Ask how many instances have each status. Raises ClientError."""
    count = {status: await client.count(status=status) for status in Status}
    return Fleet(
        total=sum(count.values()),
        healthy=count[Status.HEALTHY],
        degraded=count[Status.DEGRADED],
        failed=count[Status.FAILED],
        unknown=count[Status.UNKNOWN],
        duplicated=await client.count(duplicated=True),
    )


def print_overview(overview: Overview, console: Console, *, watched: bool = False) -> None:
    """Print the fleet in numbers, then the deployment unless it has just been watched."""
    fleet = overview.instances
    parts = [
        STATUS[status].count(console, getattr(fleet, status.name.lower()))
        for status in (Status.HEALTHY, Status.DEGRADED, Status.FAILED, Status.UNKNOWN)
    ]
    console.print(Text("  ").join([Text(f"Fleet: {fleet.total} instances", style="bold"), *parts]))
    if fleet.duplicated:
        console.print(Text.assemble(DUPLICATED.text(console), f": {_duplicated(fleet.duplicated)}"))
    if overview.stopped:
        print_convergences(overview.stopped, console)
    if overview.deployment is None:
        console.print("No deployment yet: start one with dides deploy.")
    elif not watched:
        print_deployment(overview.deployment, console)


def _duplicated(number: int) -> str:
    """Return what is wrong with so many instances, and how to find them."""
    what = "1 instance" if number == 1 else f"each of {number} instances"
    return f"two agents report as {what}; dides instances --duplicated lists them"
