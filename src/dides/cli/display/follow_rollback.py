"""Follows a deployment, and then the rollback that comes of it, on whatever the output is."""

import asyncio
from datetime import datetime

from rich.console import Console

from dides.cli.display.follow import Follower
from dides.cli.display.live import LiveDisplay
from dides.cli.display.plain_lines import PlainDisplay
from dides.cli.display.progress import ServerTime
from dides.cli.options.output import is_live, print_remark
from dides.cli.options.streams import ReaderGoneError
from dides.client.operator import OperatorClient
from dides.protocol.messages import Deployment
from dides.runtime.clock import SystemClock

LEAVING = (asyncio.CancelledError, ReaderGoneError, SystemExit)
"""What ends the watching and not the rollout: Ctrl-C, a reader that has left, a request to terminate."""


async def follow_with_rollback(
    client: OperatorClient, deployment: Deployment, console: Console, *, now: datetime | None = None
) -> Deployment:
    """Show a deployment until it is final, then its rollback if one follows; return the deployment as it ended.

    `now` is the coordinator's time at this moment where it is known: that of a deployment that has just been made.
    Raises RefusedError, and UnreachableError when the coordinator stays away.
    """
    clock = SystemClock()
    time = ServerTime(clock, now)
    with _open_display(console, time) as display:
        ended = await Follower(client, display, clock).follow(deployment.id, deployment)
    if ended.rolled_back_by is not None:
        with _open_display(console, time) as display:
            await Follower(client, display, clock).follow(ended.rolled_back_by)
    return ended


async def follow_or_leave(
    client: OperatorClient, deployment: Deployment, console: Console, *, now: datetime | None = None
) -> Deployment:
    """Do as attend does; when interrupted, or left by the reader, say that the deployment goes on."""
    try:
        return await follow_with_rollback(client, deployment, console, now=now)
    except LEAVING:
        print_remark(
            f"Stopped watching; deployment {deployment.id} goes on.\n"
            "Watch it again: dides status --watch\n"
            "Stop it:        dides abort (or dides rollback, which also undoes it)"
        )
        raise


def _open_display(console: Console, time: ServerTime) -> LiveDisplay | PlainDisplay:
    return LiveDisplay(console, time) if is_live(console) else PlainDisplay(console, time)
