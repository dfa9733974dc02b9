"""The commands that act on the deployment in flight, and the one that removes an instance."""

import sys
from typing import Annotated

import typer

from dides.cli.display.follow_rollback import follow_or_leave
from dides.cli.display.marks import say_state
from dides.cli.display.outcome import exit_code_of
from dides.cli.display.prompt import confirm
from dides.cli.display.show import show_deployment, show_preview
from dides.cli.options.common import Output, UsageError, Wait, Yes
from dides.cli.options.connection import DEFAULT_SERVER, Server, Token, session
from dides.cli.options.output import Format, make_console, make_progress_console, print_json
from dides.client.operator import OperatorClient
from dides.protocol.action_preview import Action
from dides.protocol.messages import Deployment, Instance

InstanceName = Annotated[str, typer.Argument(metavar="NAME", help="The instance's name.")]
Undone = Annotated[
    int | None,
    typer.Argument(metavar="ID", min=1, help="The deployment to undo.", show_default=False),
]
AlsoRollBack = Annotated[
    bool, typer.Option("--rollback", help="Also return every instance that it touched to what it had.")
]
Preview = Annotated[bool, typer.Option("--preview", help="Say what it would do, and change nothing.")]
Force = Annotated[bool, typer.Option("--force", help="Also while an update of it runs.")]


def pause(
    preview: Preview = False, output: Output = Format.TABLE, server: Server = DEFAULT_SERVER, token: Token = None
) -> None:
    """Start no further updates until resumed; those under way go on.

    Example:
      dides pause

    """
    act(Action.PAUSE, preview, output, server, token)


def resume(
    preview: Preview = False, output: Output = Format.TABLE, server: Server = DEFAULT_SERVER, token: Token = None
) -> None:
    """Go on after a pause.

    In an outage, too: whoever is silent then counts as silent.

    Example:
      dides resume

    """
    act(Action.RESUME, preview, output, server, token)


def promote(
    preview: Preview = False, output: Output = Format.TABLE, server: Server = DEFAULT_SERVER, token: Token = None
) -> None:
    """Open the next wave of a deployment whose wave is over, and waits or soaks.

    Example:
      dides promote
      dides promote --preview

    """
    act(Action.PROMOTE, preview, output, server, token)


def progress(output: Output = Format.TABLE, server: Server = DEFAULT_SERVER, token: Token = None) -> None:
    """Take one reconcile step now, which a coordinator with a reconcile interval of 0 never does by itself.

    Example:
      dides progress

    """

    async def step(client: OperatorClient) -> Deployment:
        return await client.progress((await client.in_flight()).id)

    show_deployment(session(server, token, step), output)


def abort(
    also_roll_back: AlsoRollBack = False,
    preview: Preview = False,
    output: Output = Format.TABLE,
    server: Server = DEFAULT_SERVER,
    token: Token = None,
) -> None:
    """Stop the deployment in flight; what it has updated stays so, unless --rollback is given.

    Example:
      dides abort --rollback --preview
      dides abort --rollback

    """
    act(Action.ABORT_AND_ROLL_BACK if also_roll_back else Action.ABORT, preview, output, server, token)


def rollback(
    deployment_id: Undone = None,
    preview: Preview = False,
    wait: Wait = True,
    output: Output = Format.TABLE,
    server: Server = DEFAULT_SERVER,
    token: Token = None,
) -> None:
    """Undo the deployment in flight, else the newest one, or the one that is named; watch that until it ends.

    Exit codes are those of deploy. Ctrl-C stops the watching, not the rollback.

    Example:
      dides rollback --preview
      dides rollback 41
      dides rollback --no-wait -o json

    """

    async def undo(client: OperatorClient) -> Deployment:
        undone = deployment_id or (await client.undoable()).id
        deployment = await client.act(Action.ROLL_BACK, undone)
        if not wait:
            return deployment
        return await follow_or_leave(client, deployment, make_progress_console(output), now=deployment.created_at)

    if preview:
        show_preview(session(server, token, lambda client: client.preview(Action.ROLL_BACK, deployment_id)), output)
        return
    deployment = session(server, token, undo)
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
    instance = session(server, token, lambda client: client.instance(name))
    if not yes:
        confirm(f"Decommission {say_instance(instance)}? Its agent stops.")
    session(server, token, lambda client: client.decommission(name, force=force))
    if output is Format.JSON:
        print_json(instance)
    else:
        make_console().print(f"{name} is decommissioned; its agent stops at its next heartbeat.")


def say_instance(instance: Instance) -> str:
    """Return an instance in a few words, to recognize it by."""
    return f"{instance.name} ({instance.ip}, {instance.status.name.lower()}, {say_state(instance.current)})"


def act(action: Action, preview: bool, output: Format, server: str, token: str | None) -> None:
    """Do one thing to the deployment in flight, or say what it would do, and show it. Raises ClientError.

    The request names the deployment: one that arrives late must not act on the next one.
    """

    async def do(client: OperatorClient) -> Deployment:
        return await client.act(action, (await client.in_flight()).id)

    if preview:
        show_preview(session(server, token, lambda client: client.preview(action)), output)
    else:
        show_deployment(session(server, token, do), output)
