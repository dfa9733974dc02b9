"""The commands that act on the deployment in flight, and the one that removes an instance."""

import sys
from collections.abc import Awaitable, Callable
from typing import Annotated

import typer

from dides.cli.display.follow_rollback import follow_or_leave
from dides.cli.display.marks import say_state
from dides.cli.display.outcome import exit_code_of
from dides.cli.display.prompt import confirm
from dides.cli.display.show import show_deployment
from dides.cli.options.common import Output, UsageError, Wait, Yes
from dides.cli.options.connection import DEFAULT_SERVER, Server, Token, converse
from dides.cli.options.output import Format, make_console, make_progress_console, print_json
from dides.client.operator import OperatorClient
from dides.protocol.messages import Deployment, Instance

InstanceName = Annotated[str, typer.Argument(metavar="NAME", help="The instance's name.")]
Undone = Annotated[
    int | None,
    typer.Argument(metavar="ID", min=1, help="The deployment to undo.", show_default=False),
]
AlsoRollBack = Annotated[
    bool, typer.Option("--rollback", help="Also return every instance that it touched to what it had.")
]
Force = Annotated[bool, typer.Option("--force", help="Also while an update of it runs.")]


def pause(output: Output = Format.TABLE, server: Server = DEFAULT_SERVER, token: Token = None) -> None:
    """Start no further updates until resumed; those under way go on.

    Example:
      dides pause

    """
    act(OperatorClient.pause, output, server, token)


def resume(output: Output = Format.TABLE, server: Server = DEFAULT_SERVER, token: Token = None) -> None:
    """Go on after a pause.

    In an outage, too: whoever is silent then counts as silent.

    Example:
      dides resume

    """
    act(OperatorClient.resume, output, server, token)


def promote(output: Output = Format.TABLE, server: Server = DEFAULT_SERVER, token: Token = None) -> None:
    """Open the next wave of a deployment whose wave is over, and waits or soaks.

    Example:
      dides promote

    """
    act(OperatorClient.promote, output, server, token)


def progress(output: Output = Format.TABLE, server: Server = DEFAULT_SERVER, token: Token = None) -> None:
    """Take one reconcile step now, which a coordinator with a reconcile interval of 0 never does by itself.

    Example:
      dides progress

    """
    act(OperatorClient.progress, output, server, token)


def abort(
    also_roll_back: AlsoRollBack = False,
    output: Output = Format.TABLE,
    server: Server = DEFAULT_SERVER,
    token: Token = None,
) -> None:
    """Stop the deployment in flight; what it has updated stays so, unless --rollback is given.

    Example:
      dides abort --rollback

    """
    act(lambda client, number: client.abort(number, rollback=also_roll_back), output, server, token)


def rollback(
    deployment_id: Undone = None,
    wait: Wait = True,
    output: Output = Format.TABLE,
    server: Server = DEFAULT_SERVER,
    token: Token = None,
) -> None:
    """Undo the deployment in flight, else the newest one, or the one that is named; watch that until it ends.

    Exit codes are those of deploy. Ctrl-C stops the watching, not the rollback.

    Example:
      dides rollback
      dides rollback 41
      dides rollback --no-wait -o json

    """

    async def undo(client: OperatorClient) -> Deployment:
        undone = deployment_id or (await client.undoable()).id
        deployment = await client.rollback(undone)
        if not wait:
            return deployment
        return await follow_or_leave(client, deployment, make_progress_console(output), now=deployment.created_at)

    deployment = converse(server, token, undo)
    show_deployment(deployment, output, watched=wait)
    raise typer.Exit(exit_code_of(deployment))


def decommission(
    name: InstanceName,
    force: Force = False,
    yes: Yes = False,
    output: Output = Format.TABLE,
    server: Server = DEFAULT_SERVER,
    token: Token = None,
) -> None:
    """Remove an instance from the inventory; its agent stops. With -o json: prints the instance as it was.

    Example:
      dides decommission web-3 --yes

    """
    if not yes and not sys.stdin.isatty():
        raise UsageError("There is no terminal to ask on: say that you mean it with --yes.")
    instance = converse(server, token, lambda client: client.instance(name))
    if not yes:
        confirm(f"Decommission {say_instance(instance)}? Its agent stops.")
    converse(server, token, lambda client: client.decommission(name, force=force))
    if output is Format.JSON:
        print_json(instance)
    else:
        make_console().print(f"{name} is decommissioned; its agent stops at its next heartbeat.")


def say_instance(instance: Instance) -> str:
    """Return an instance in a few words, to recognize it by."""
    return f"{instance.name} ({instance.ip}, {instance.status.name.lower()}, {say_state(instance.current)})"


def act(
    action: Callable[[OperatorClient, int], Awaitable[Deployment]], output: Format, server: str, token: str | None
) -> None:
    """Do one thing to the deployment in flight and show how it stands then. Raises ClientError.

    The request names the deployment: one that arrives late must not act on the next one.
    """

    async def do(client: OperatorClient) -> Deployment:
        return await action(client, (await client.in_flight()).id)

    show_deployment(converse(server, token, do), output)
