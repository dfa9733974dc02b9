"""The command `dides deploy`: triggers a deployment, and watches it to its end."""

import asyncio
from typing import Annotated
from uuid import uuid4

import typer
from msgspec import UNSET

from dides.cli.attend import attend_or_leave
from dides.cli.connection import DEFAULT_SERVER, Server, Token, converse
from dides.cli.exits import exit_code_of
from dides.cli.options import (
    LabelOptions,
    Output,
    SelectorOption,
    UsageError,
    Wait,
    read_amount,
    read_labels,
    read_selector,
)
from dides.cli.output import Format, make_progress_console, print_remark
from dides.cli.show import show_deployment
from dides.client.errors import UnreachableError
from dides.client.operator import OperatorClient
from dides.protocol.messages import Configuration, Deployment, DeployRequest

RETRY_PAUSES = (0.5, 1.0, 2.0, 4.0)
"""Seconds before each further try of the trigger while the coordinator cannot be reached."""
LONGEST_PAUSE = 10.0
LONGEST_TIMEOUT = 31_536_000.0

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
BatchSize = Annotated[
    str,
    typer.Option(
        "--batch-size",
        metavar="AMOUNT",
        help='How many are updated at once: a count, or a percentage like "25%".',
    ),
]
FailureThreshold = Annotated[
    str,
    typer.Option("--failure-threshold", metavar="AMOUNT", help="How many failures stop it: a count, or a percentage."),
]
UpdateTimeout = Annotated[
    float,
    typer.Option(
        "--update-timeout", metavar="SECONDS", help="After how long an update that is not healthy has failed."
    ),
]
AutoRollback = Annotated[
    bool,
    typer.Option("--auto-rollback/--no-auto-rollback", help="Roll back by itself when it fails, or not."),
]


def deploy(
    code: CodeVersion = None,
    config: ConfigurationVersion = None,
    label: LabelOptions = None,
    selector: SelectorOption = None,
    whole_fleet: WholeFleet = False,
    batch_size: BatchSize = "1",
    failure_threshold: FailureThreshold = "1",
    update_timeout: UpdateTimeout = 600,
    auto_rollback: AutoRollback = True,
    wait: Wait = True,
    output: Output = Format.TABLE,
    server: Server = DEFAULT_SERVER,
    token: Token = None,
) -> None:
    """Roll a version out, a few instances at a time.

    Watches the rollout, and the rollback if one follows, until it ends. Ctrl-C stops the watching, not the rollout.

    Exit codes: 0 completed, 1 failed, 2 wrong usage, 3 aborted, 4 refused or unreachable, 130 Ctrl-C.

    Example:
      dides deploy 1.1.0 -l env=production --batch-size 25% --failure-threshold 2
      dides deploy --config 7 -S "role in (web,api)" --no-wait

    """
    request = make_request(
        code,
        config,
        read_target(label, selector, whole_fleet),
        Configuration(
            batch_size=read_amount(batch_size, "--batch-size"),
            failure_threshold=read_amount(failure_threshold, "--failure-threshold"),
            update_timeout=read_timeout(update_timeout),
            auto_rollback=auto_rollback,
        ),
    )
    deployment = converse(server, token, lambda client: roll_out(client, request, wait=wait, output=output))
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


def read_timeout(seconds: float) -> float:
    """Return seconds as they are. Raises typer.BadParameter unless they are above 0 and at most a year."""
    if not 0 < seconds <= LONGEST_TIMEOUT:
        raise typer.BadParameter("must be above 0 and at most 31536000 (a year).", param_hint="--update-timeout")
    return seconds


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
    return await attend_or_leave(client, deployment, make_progress_console(output), now=deployment.created_at)


async def trigger_or_leave(client: OperatorClient, request: DeployRequest) -> Deployment:
    """Trigger a deployment; when interrupted meanwhile, say that it may have started. Raises ClientError."""
    try:
        return await trigger(client, request)
    except asyncio.CancelledError:
        print_remark("Interrupted before the coordinator answered; whether it has started, `dides status` tells.")
        raise


async def trigger(
    client: OperatorClient, request: DeployRequest, *, pauses: tuple[float, ...] = RETRY_PAUSES
) -> Deployment:
    """Trigger a deployment once, however often it takes to get an answer: every try carries the same key.

    Raises RefusedError, and UnreachableError when no try got through.
    """
    key = str(uuid4())
    for pause in pauses:
        try:
            return await client.deploy(request, key)
        except UnreachableError as error:
            print_remark(f"{error}; trying again.")
            await asyncio.sleep(min(error.retry_after or pause, LONGEST_PAUSE))
    return await client.deploy(request, key)
