"""The command `dides converge`: how late instances fare, and how that goes on after it has stopped."""

from typing import Annotated

import msgspec
import typer
from rich.console import Console

from dides.cli.display.marks import say_state
from dides.cli.options.common import Output, UsageError
from dides.cli.options.connection import DEFAULT_SERVER, Server, Token, session
from dides.cli.options.output import Format, make_console, print_json
from dides.client.operator import OperatorClient
from dides.model.state import State
from dides.protocol.messages import Convergence

Source = Annotated[
    int | None,
    typer.Argument(metavar="ID", min=1, help="The deployment whose state they inherit.", show_default=False),
]
Resume = Annotated[bool, typer.Option("--resume", help="Go on after it has stopped because too many had failed.")]


class Sources(msgspec.Struct, frozen=True):
    """What `dides converge -o json` prints."""

    sources: list[Convergence]


def converge(
    deployment_id: Source = None,
    resume: Resume = False,
    output: Output = Format.TABLE,
    server: Server = DEFAULT_SERVER,
    token: Token = None,
) -> None:
    """Show how instances that joined or returned late converge to what they have missed.

    That stops when too many of them fail on a version, one after another; --resume lets it go on.

    Example:
      dides converge
      dides converge --resume

    """
    if deployment_id is not None and not resume:
        raise UsageError("A deployment is named only together with --resume.")
    found = session(server, token, lambda client: _ask(client, deployment_id, resume=resume))
    if output is Format.JSON:
        print_json(Sources(found))
    else:
        print_convergences(found, make_console())


def print_convergences(found: list[Convergence], console: Console) -> None:
    """Print a line for every deployment that instances inherit from now."""
    if not found:
        console.print("No instance is converging, and none waits.")
    for source in found:
        console.print(say_convergence(source), soft_wrap=True)


def say_convergence(source: Convergence) -> str:
    """Return how the heirs of one deployment fare, and what can be done about it."""
    to = say_state(State(source.code_version, source.configuration_version))
    what = f"Convergence to {to} (deployment {source.deployment_id})"
    numbers = (
        f"{source.waiting} waiting, {source.converging} on their way, {source.arrived} arrived, {source.failed} failed"
    )
    if source.stopped_at is None:
        return f"{what}: {numbers}; stops at {source.limit}."
    return f"{what} has stopped: {numbers}. Let it go on: dides converge {source.deployment_id} --resume"


async def _ask(client: OperatorClient, deployment_id: int | None, *, resume: bool) -> list[Convergence]:
    if not resume:
        return await client.convergences()
    if deployment_id is None:
        stopped = [source.deployment_id for source in await client.convergences() if source.stopped_at is not None]
        # None, or several: the coordinator says so.
        deployment_id = stopped[0] if len(stopped) == 1 else None
    return [await client.resume_convergence(deployment_id)]
