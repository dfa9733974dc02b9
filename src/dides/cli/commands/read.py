"""The commands that only read: instances, deployments, events."""

from importlib.metadata import version as installed_version
from typing import Annotated

import msgspec
import typer

from dides.cli.commands.statuses import StatusName, find_updating
from dides.cli.display.marks import is_drifted
from dides.cli.display.show import print_deployment_with_targets, print_instance
from dides.cli.display.tables import print_deployments, print_events, print_instances
from dides.cli.options.common import LabelOptions, Output, SelectorOption, join_selectors, read_labels, read_selector
from dides.cli.options.connection import DEFAULT_SERVER, Server, Token, session
from dides.cli.options.output import Format, make_console, print_json
from dides.client.operator import OperatorClient
from dides.model.deployment import DeploymentStatus, TargetState
from dides.protocol.messages import Deployment, Instance, Target

MOST = 1000
"""Deployments or events that one answer may hold."""

InstanceName = Annotated[str, typer.Argument(metavar="NAME", help="The instance's name.")]
DeploymentId = Annotated[int, typer.Argument(metavar="ID", min=1, help="The deployment's number.")]
StatusFilter = Annotated[
    StatusName | None, typer.Option("--status", help="Only instances that say so.", show_default=False)
]
DeploymentStatusFilter = Annotated[
    DeploymentStatus | None, typer.Option("--status", help="Only deployments of this status.", show_default=False)
]
StateFilter = Annotated[
    TargetState | None, typer.Option("--state", help="Only targets in this state.", show_default=False)
]
DeploymentFilter = Annotated[
    int | None,
    typer.Option("--deployment", "-d", metavar="ID", min=1, help="Only events of this deployment.", show_default=False),
]
DuplicatedOnly = Annotated[
    bool, typer.Option("--duplicated", help="Only those as which two agents report, with copies of a state directory.")
]
Limit = Annotated[int, typer.Option("--limit", "-n", metavar="N", min=1, max=MOST, help="At most so many.")]


def instances(
    label: LabelOptions = None,
    selector: SelectorOption = None,
    status: StatusFilter = None,
    duplicated: DuplicatedOnly = False,
    output: Output = Format.TABLE,
    server: Server = DEFAULT_SERVER,
    token: Token = None,
) -> None:
    """List instances.

    "drifted" marks one that reports something else than its desired state while no update of it runs, "duplicated" one
    as which two agents report.

    Example:
      dides instances -l env=production --status failed
      dides instances -S "role in (web,api)" -o json

    """
    wanted = join_selectors(read_labels(label), read_selector(selector))
    number = None if status is None else status.number

    async def ask(client: OperatorClient) -> tuple[list[Instance], set[str]]:
        listed = client.instances(selector=wanted, status=number, duplicated=duplicated)
        found = [instance async for instance in listed]
        doubtful = output is Format.TABLE and any(map(is_drifted, found))
        return found, await find_updating(client) if doubtful else set()

    found, updating = session(server, token, ask)
    if output is Format.JSON:
        print_json(found)
    elif found:
        print_instances(found, updating, make_console())
    else:
        make_console().print(
            "No instance matches." if wanted or status or duplicated else "No instance has registered yet."
        )


def instance(
    name: InstanceName, output: Output = Format.TABLE, server: Server = DEFAULT_SERVER, token: Token = None
) -> None:
    """Show one instance.

    Example:
      dides instance web-1

    """

    async def ask(client: OperatorClient) -> tuple[Instance, set[str]]:
        found = await client.instance(name)
        return found, await find_updating(client) if output is Format.TABLE else set()

    found, updating = session(server, token, ask)
    if output is Format.JSON:
        print_json(found)
    else:
        print_instance(found, updating=found.name in updating, console=make_console())


def deployments(
    status: DeploymentStatusFilter = None,
    limit: Limit = 20,
    output: Output = Format.TABLE,
    server: Server = DEFAULT_SERVER,
    token: Token = None,
) -> None:
    """List deployments, newest first.

    Example:
      dides deployments --status failed --limit 5

    """
    page = session(server, token, lambda client: client.deployments(status=status, limit=limit))
    if output is Format.JSON:
        print_json(page.deployments)
    elif page.deployments:
        print_deployments(page.deployments, make_console())
    else:
        make_console().print("No such deployment." if status else "No deployment yet: start one with dides deploy.")


class DeploymentWithTargets(Deployment):
    """What `dides deployment ID -o json` prints: a deployment as on the wire, and its targets."""

    targets: list[Target]


def deployment(
    deployment_id: DeploymentId,
    state: StateFilter = None,
    output: Output = Format.TABLE,
    server: Server = DEFAULT_SERVER,
    token: Token = None,
) -> None:
    """Show one deployment and its targets.

    Example:
      dides deployment 42 --state failed

    """

    async def ask(client: OperatorClient) -> DeploymentWithTargets:
        found = await client.deployment(deployment_id)
        targets = [target async for target in client.targets(deployment_id, state=state)]
        return DeploymentWithTargets(**msgspec.structs.asdict(found), targets=targets)

    answer = session(server, token, ask)
    if output is Format.JSON:
        print_json(answer)
    else:
        print_deployment_with_targets(answer, answer.targets, make_console())


def events(
    deployment_id: DeploymentFilter = None,
    limit: Limit = 100,
    output: Output = Format.TABLE,
    server: Server = DEFAULT_SERVER,
    token: Token = None,
) -> None:
    """Show what happened last, oldest first.

    Example:
      dides events --deployment 42 --limit 50

    """
    found = session(server, token, lambda client: client.events(deployment_id=deployment_id, limit=limit))
    if output is Format.JSON:
        print_json(found)
    elif found:
        print_events(found, make_console())
    else:
        make_console().print("Nothing has happened yet.")


class Version(msgspec.Struct, frozen=True):
    """What `dides version -o json` prints."""

    version: str


def version(output: Output = Format.TABLE) -> None:
    """Show the version of this program.

    Example:
      dides version

    """
    number = installed_version("dides")
    if output is Format.JSON:
        print_json(Version(number))
    else:
        make_console().print(f"dides {number}")
