"""The command `dides deploy`: triggers a deployment, and watches it to its end."""

import asyncio
from random import SystemRandom
from typing import Annotated
from uuid import uuid4

import typer
from msgspec import UNSET

from dides.cli.display.follow import Sleep
from dides.cli.display.follow_rollback import LEAVING, follow_or_leave
from dides.cli.display.outcome import exit_code_of
from dides.cli.display.plan_view import print_forecast
from dides.cli.display.prompt import can_ask, confirm
from dides.cli.display.show import show_deployment
from dides.cli.options.common import (
    LabelOptions,
    Output,
    SelectorOption,
    UsageError,
    Wait,
    Yes,
    read_labels,
    read_selector,
)
from dides.cli.options.connection import DEFAULT_SERVER, Server, Token, session
from dides.cli.options.output import Format, make_console, make_progress_console, print_remark
from dides.cli.options.policy import takes_configuration
from dides.client.backoff import Backoff
from dides.client.errors import UnreachableError
from dides.client.operator import OperatorClient
from dides.protocol.messages import Configuration, Deployment, DeployRequest

RETRIES = 6
"""How often a trigger is sent again while the coordinator cannot be reached; with some 8 s of waiting in all."""

CodeVersion = Annotated[
    str | None,
    typer.Argument(metavar="CODE", help="The code version; left out, it stays as it is.", show_default=False),
]
ConfigurationVersion = Annotated[
    str | None,
    typer.Option(
        "--config",
        metavar="VERSION",
        help="The configuration version; left out, it stays as it is.",
        show_default=False,
    ),
]
WholeFleet = Annotated[bool, typer.Option("--all", help="Every instance of the fleet.")]


@takes_configuration
def deploy(
    code: CodeVersion = None,
    config: ConfigurationVersion = None,
    label: LabelOptions = None,
    selector: SelectorOption = None,
    whole_fleet: WholeFleet = False,
    *,
    configuration: Configuration,
    yes: Yes = False,
    wait: Wait = True,
    output: Output = Format.TABLE,
    server: Server = DEFAULT_SERVER,
    token: Token = None,
) -> None:
    """Roll a version out, a few instances at a time.

    On a terminal it shows the plan first (see dides plan) and asks, unless --yes. Then it watches the rollout, and the
    rollback if one follows, until it ends. Ctrl-C stops the watching, not the rollout.

    Exit codes: 0 completed, 1 failed, 2 wrong usage, 3 aborted, 4 refused or unreachable, 6 its end could not be
    written, 130 Ctrl-C or no to the question, 141 the reader of its output has left.

    Example:
      dides deploy 1.1.0 -l env=production --batch-size 25% --failure-threshold 2
      dides deploy 1.1.0 -l env=production --waves 1,10% --wave-pause manual
      dides deploy --config 7 -S "role in (web,api)" --no-wait

    """
    request = make_request(code, config, read_target(label, selector, whole_fleet), configuration)
    if not yes and can_ask():
        forecast = session(server, token, lambda client: client.plan(request))
        print_forecast(request, forecast, make_console(stderr=True))
        confirm("Go ahead?")
    deployment = session(server, token, lambda client: roll_out(client, request, wait=wait, output=output))
    show_deployment(deployment, output, watched=wait)
    raise typer.Exit(exit_code_of(deployment))


def read_target(
    label: list[str] | None, selector: str | None, whole_fleet: bool
) -> tuple[dict[str, str] | None, str | None]:
    """Return the labels and the selector that say which instances; labels of {} mean the whole fleet.

    Raises UsageError when nothing says which, or --all stands beside something that does.
    """
    chosen = bool(label) or bool(selector)
    if whole_fleet and chosen:
        raise UsageError("--all means every instance: leave out --label and --selector.")
    if not whole_fleet and not chosen:
        raise UsageError(
            "Say which instances: -l env=production, or --selector 'role in (web,api)', or --all for the whole fleet."
        )
    return (read_labels(label) if label or whole_fleet else None), read_selector(selector or None)


def make_request(
    code: str | None,
    config: str | None,
    target: tuple[dict[str, str] | None, str | None],
    configuration: Configuration,
) -> DeployRequest:
    """Return the request to trigger. Raises UsageError when no version is given."""
    if not code and not config:
        raise UsageError("Say what to roll out: a code version (dides deploy 1.1.0 ...), --config VERSION, or both.")
    labels, selector = target
    return DeployRequest(
        code_version=code or UNSET,
        configuration_version=config or UNSET,
        labels=UNSET if labels is None else labels,
        selector=selector or UNSET,
        configuration=configuration,
    )


async def roll_out(client: OperatorClient, request: DeployRequest, *, wait: bool, output: Format) -> Deployment:
    """Trigger a deployment and, if wanted, watch it; return it as it is then. Raises ClientError."""
    deployment = await trigger_or_leave(client, request)
    if not wait:
        return deployment
    return await follow_or_leave(client, deployment, make_progress_console(output), now=deployment.created_at)


async def trigger_or_leave(client: OperatorClient, request: DeployRequest) -> Deployment:
    """Trigger a deployment; when interrupted meanwhile, say that it may have started. Raises ClientError."""
    try:
        return await trigger(client, request)
    except LEAVING:
        print_remark("Interrupted before the coordinator answered; whether it has started, `dides status` tells.")
        raise


async def trigger(client: OperatorClient, request: DeployRequest, *, sleep: Sleep = asyncio.sleep) -> Deployment:
    """Trigger a deployment once, however often it takes to get an answer: every try carries the same key.

    `sleep` takes seconds; it is the seam for tests.

    Raises RefusedError, and UnreachableError when no try got through.
    """
    key, backoff = str(uuid4()), Backoff(SystemRandom())
    for _ in range(RETRIES):
        try:
            return await client.deploy(request, key)
        except UnreachableError as error:
            print_remark(f"{error}; trying again.")
            await sleep(backoff.next_delay_at_terminal(error.retry_after))
    return await client.deploy(request, key)
