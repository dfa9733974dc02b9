"""The options of the commands that run where the coordinator's data is."""

import re
from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Any

import typer

LONGEST = 31_536_000
OWN_PATHS = ("converge", "deploy", "deployments", "events", "healthz", "inventory", "metrics", "readyz", "schema", "ui")
"""With what the coordinator's own paths begin."""
_BASE_PATH = re.compile(r"(?:/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+\Z")
_LISTEN = re.compile(r"(?:\[(?P<v6>[0-9A-Fa-f:.]+)\]|(?P<host>[^\[\]:/\s]+)):(?P<port>\d{1,5})\Z")


def seconds(name: str, help_text: str, *, least: float = 0.05) -> Any:
    """Return an option for a duration in seconds, also as a DIDES_ variable."""
    variable = "DIDES_" + name.upper().replace("-", "_")
    return typer.Option(f"--{name}", envvar=variable, metavar="SECONDS", min=least, max=LONGEST, help=help_text)


DataDir = Annotated[
    Path | None,
    typer.Option(
        "--data-dir",
        envvar="DIDES_DATA_DIR",
        metavar="DIR",
        help="Where tokens and the embedded database are. "
        "[default: /var/lib/dides for root, else ~/.local/share/dides]",
    ),
]
Database = Annotated[
    str | None,
    typer.Option(
        "--database",
        envvar="DIDES_DATABASE",
        metavar="URL",
        help="The database: sqlite:///FILE, or postgresql://USER@HOST/NAME, which several coordinators may share. "
        "[default: dides.db in the data directory]",
    ),
]
ListenAt = Annotated[
    str,
    typer.Option(
        "--listen",
        envvar="DIDES_LISTEN",
        metavar="HOST:PORT",
        help="Where to listen; IPv6 as [::1]:8420; port 0 takes a free one.",
    ),
]
ReconcileInterval = Annotated[
    float, seconds("reconcile-interval", "How often to take a step unasked; 0: by hand only.", least=0)
]
HeartbeatInterval = Annotated[float, seconds("heartbeat-interval", "How often instances are to report.")]
TimeToLive = Annotated[
    float, seconds("time-to-live", "How long an instance may be silent before it counts as unreachable.")
]
MaxHeartbeats = Annotated[
    float,
    typer.Option(
        "--max-heartbeats",
        envvar="DIDES_MAX_HEARTBEATS",
        metavar="PER SECOND",
        min=1,
        max=10_000_000,
        help="Heartbeats a second of the whole fleet, beyond which instances are asked to report less often.",
    ),
]
InstanceRequests = Annotated[
    float,
    typer.Option(
        "--instance-requests",
        envvar="DIDES_INSTANCE_REQUESTS",
        metavar="PER SECOND",
        min=0,
        max=1_000_000,
        help="Requests a second of one instance, beyond which it has to wait; 0: no limit.",
    ),
]
InstanceChanges = Annotated[
    float,
    typer.Option(
        "--instance-changes",
        envvar="DIDES_INSTANCE_CHANGES",
        metavar="PER SECOND",
        min=0,
        max=1_000_000,
        help="How many of them may change something; 0: no limit.",
    ),
]
TrustedProxy = Annotated[
    list[str] | None,
    typer.Option(
        "--trusted-proxy",
        envvar="DIDES_TRUSTED_PROXY",
        metavar="CIDR",
        help="A network of proxies whose X-Forwarded-For is believed; may be repeated.",
    ),
]
OutageLimit = Annotated[
    float, seconds("outage-limit", "How long a deployment is held because most instances fell silent at once.")
]
KeepEvents = Annotated[
    float,
    typer.Option(
        "--keep-events", envvar="DIDES_KEEP_EVENTS", metavar="DAYS", min=0.001, help="How long events are kept."
    ),
]
BasePath = Annotated[
    str,
    typer.Option(
        "--base-path",
        envvar="DIDES_BASE_PATH",
        metavar="/PREFIX",
        help="The path prefix below which a proxy shows this coordinator, whether or not it passes it on.",
    ),
]
KeepDeployments = Annotated[
    float,
    typer.Option(
        "--keep-deployments",
        envvar="DIDES_KEEP_DEPLOYMENTS",
        metavar="DAYS",
        min=1,
        help="How long deployments that have ended are kept, where nothing needs them any more.",
    ),
]
InsecureHttp = Annotated[
    bool,
    typer.Option(
        "--insecure-http",
        envvar="DIDES_INSECURE_HTTP",
        help="Allow plain HTTP beyond loopback: something in front of it does TLS.",
    ),
]
Dev = Annotated[
    bool,
    typer.Option("--dev", envvar="DIDES_DEV", help="Ask for no credentials. Loopback addresses only."),
]


def parse_base_path(text: str) -> str:
    """Return a path prefix without a slash at its end, "" for none; typer.BadParameter."""
    base = text.rstrip("/")
    if base and not _BASE_PATH.match(base):
        raise typer.BadParameter(f"{text!r} is not a path such as /dides")
    if base[1:].partition("/")[0] in OWN_PATHS:
        raise typer.BadParameter(f"{text!r} begins as paths of the coordinator itself do; choose another one")
    return base


def parse_networks(texts: Sequence[str]) -> tuple[IPv4Network | IPv6Network, ...]:
    """Return the networks that are written as CIDR; typer.BadParameter."""
    try:
        return tuple(ip_network(text) for text in texts)
    except ValueError as error:
        raise typer.BadParameter(f"{error}; a network is written like 10.0.0.0/8 or ::1") from error


def parse_listen(text: str) -> tuple[str, int]:
    """Return the host and port in HOST:PORT or [IPV6]:PORT; typer.BadParameter."""
    found = _LISTEN.match(text)
    if not found or int(found["port"]) > 65535:
        raise typer.BadParameter(f"{text!r} is not HOST:PORT, such as 127.0.0.1:8420 or [::1]:8420")
    return found["v6"] or found["host"], int(found["port"])
