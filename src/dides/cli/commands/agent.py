"""`dides agent`: brings one instance to its desired state, and reports how it is."""

import asyncio
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import msgspec
import structlog
import typer

from dides.agent.agent import run_agent
from dides.agent.errors import AgentError, SettingError
from dides.agent.places import find_among, recall_name
from dides.agent.settings import AgentSettings, check_settings, parse_labels
from dides.client.errors import EnvironmentVariableError
from dides.runtime.config import home_directory
from dides.runtime.first_process import leave_first_process
from dides.runtime.logs import configure_logging

ROOT_STATE = Path("/var/lib/dides/agent")
USER_STATE = Path(".local", "state", "dides", "agent")
log: structlog.typing.FilteringBoundLogger = structlog.get_logger()

Server = Annotated[str, typer.Option("--server", envvar="DIDES_SERVER", metavar="URL", help="The coordinator.")]
Token = Annotated[
    str | None,
    typer.Option(
        "--token",
        envvar="DIDES_REGISTRATION_TOKEN",
        metavar="TOKEN",
        help="The registration token, needed until the instance is registered. Better given by the variable: "
        "command lines can be read by every user of a machine.",
    ),
]
Name = Annotated[
    str | None,
    typer.Option(
        "--name",
        envvar="DIDES_NAME",
        metavar="NAME",
        help="The name of the instance, a lower-case hostname. [default: the name that it has, at first this host's]",
    ),
]
Ip = Annotated[
    str | None,
    typer.Option(
        "--ip",
        envvar="DIDES_IP",
        metavar="ADDRESS",
        help="Its IPv4 or IPv6 address. [default: the one that this host uses towards the coordinator]",
    ),
]
LabelTexts = Annotated[
    list[str] | None,
    typer.Option(
        "--label",
        "-l",
        envvar="DIDES_LABEL",
        metavar="KEY=VALUE",
        help="A label of the instance; may be given several times (in the variable: separated by spaces).",
        show_default=False,
    ),
]
Apply = Annotated[
    str | None,
    typer.Option(
        "--apply",
        envvar="DIDES_APPLY",
        metavar="COMMAND",
        help="Shell command that brings the instance to $DIDES_CODE_VERSION and $DIDES_CONFIGURATION_VERSION; exit 0 "
        "is success. Without it a version counts as applied as soon as it is desired.",
    ),
]
Check = Annotated[
    str | None,
    typer.Option(
        "--check",
        envvar="DIDES_CHECK",
        metavar="COMMAND",
        help="Shell command that tells health: exit 0 HEALTHY, 1 DEGRADED, anything else FAILED. Without it the "
        "instance is HEALTHY unless its last apply failed.",
    ),
]
StateDir = Annotated[
    Path | None,
    typer.Option(
        "--state-dir",
        envvar="DIDES_STATE_DIR",
        metavar="DIRECTORY",
        help="Where the credential and what was applied are kept; every agent needs its own. "
        f"[default: {ROOT_STATE} as root, else ~/{USER_STATE}/NAME]",
    ),
]
Interval = Annotated[
    float | None,
    typer.Option(
        "--interval",
        envvar="DIDES_INTERVAL",
        metavar="SECONDS",
        help="The longest time between two heartbeats, and between two checks; the coordinator may ask for less. "
        "[default: heartbeats as the coordinator asks, checks every 10 s]",
    ),
]
ApplyTimeout = Annotated[
    float,
    typer.Option(
        "--apply-timeout",
        envvar="DIDES_APPLY_TIMEOUT",
        metavar="SECONDS",
        help="An apply that takes longer has failed and is ended with all its processes.",
    ),
]
CheckTimeout = Annotated[
    float,
    typer.Option(
        "--check-timeout",
        envvar="DIDES_CHECK_TIMEOUT",
        metavar="SECONDS",
        help="A check that takes longer means FAILED and is ended with all its processes.",
    ),
]
CheckGrace = Annotated[
    float,
    typer.Option(
        "--check-grace",
        envvar="DIDES_CHECK_GRACE",
        metavar="SECONDS",
        help="For so long after an apply a check that says FAILED counts as DEGRADED.",
    ),
]
WaitForApply = Annotated[
    bool,
    typer.Option(
        "--wait-for-apply",
        envvar="DIDES_WAIT_FOR_APPLY",
        help="When it is stopped, wait for the apply that runs. Without it the apply goes on by itself, and the next "
        "agent takes it up; as the first process of a container the agent always waits.",
    ),
]


def agent(
    *,
    server: Server = "http://127.0.0.1:8420",
    token: Token = None,
    name: Name = None,
    ip: Ip = None,
    labels: LabelTexts = None,
    apply: Apply = None,
    check: Check = None,
    state_dir: StateDir = None,
    interval: Interval = None,
    apply_timeout: ApplyTimeout = 300.0,
    check_timeout: CheckTimeout = 10.0,
    check_grace: CheckGrace = 0.0,
    wait_for_apply: WaitForApply = False,
) -> None:
    r"""Bring one instance to its desired state, and report how it is, until SIGTERM or Ctrl-C.

    A running apply is not cut short: it goes on when the agent stops, and the next agent takes it up.

    Exit codes: 0 stopped, 2 a setting cannot be used, 5 the instance was decommissioned, 6 the state directory cannot
    be used.

    Example:
      dides agent --server http://10.0.0.1:8420 -l env=production \
        --apply /opt/web/apply.sh --check "curl -fsS localhost:8080/health || exit 2"

    """
    first = leave_first_process()
    host = socket.gethostname().lower()
    with _naming_flags():
        place = state_dir or (default_state_dir(name) if name else find_state_dir(host))
        settings = AgentSettings(
            server=server,
            token=token,
            name=name or recall_name(place) or host,
            named_after_host=name is None,
            ip=ip,
            labels=parse_labels(labels or ()),
            apply=apply,
            check=check,
            state_dir=place,
            interval=interval,
            apply_timeout=apply_timeout,
            check_timeout=check_timeout,
            check_grace=check_grace,
            wait_for_apply=wait_for_apply or first,
        )
        check_settings(settings)
    _run(msgspec.structs.replace(settings, state_dir=settings.state_dir.absolute()))


@contextmanager
def _naming_flags() -> Iterator[None]:
    """Let a setting that cannot be used be refused by the name of its flag."""
    try:
        yield
    except SettingError as error:
        raise typer.BadParameter(error.text, param_hint=error.flag) from error


def default_state_dir(name: str) -> Path:
    """Return where the agent of the instance `name` keeps its state when no option says so. Raises SettingError."""
    if os.geteuid() == 0:
        return ROOT_STATE
    home = home_directory()
    if home is None:
        raise SettingError("--state-dir", "needed, because this user has no home directory")
    return home / USER_STATE / name


def find_state_dir(host: str) -> Path:
    """Return where the agent of the instance that is called like its host keeps its state. Raises SettingError."""
    own = default_state_dir(host)
    return own if own == ROOT_STATE else find_among(own.parent, host)


def _run(settings: AgentSettings) -> None:
    configure_logging()
    structlog.contextvars.bind_contextvars(instance=settings.name)
    try:
        asyncio.run(run_agent(settings))
    except AgentError as error:
        log.critical("the agent stops", reason=str(error))
        raise typer.Exit(error.exit_code) from error
    except EnvironmentVariableError as error:
        log.critical("the agent stops", reason=str(error))
        raise typer.Exit(SettingError.exit_code) from error
