"""The settings of an agent, and what makes each of them unusable. Durations are seconds."""

import ipaddress
import math
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from dides.agent.errors import SettingError
from dides.model.labels import RESERVED_PREFIX, is_reserved
from dides.model.selector import MAX_LABELS, check_label
from dides.protocol.fields import HOSTNAME_PATTERN, whole

MAX_TOKEN = 1024
_NAME = re.compile(whole(HOSTNAME_PATTERN))


class AgentSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Everything an agent is told at its start."""

    server: str
    """The base URL of the coordinator."""
    token: str | None = None
    """The registration token; a first registration needs it."""
    name: str
    named_after_host: bool = False
    """Whether nobody has given the name."""
    ip: str | None = None
    """None: the address that this host uses towards the coordinator, looked up at registration."""
    labels: Mapping[str, str] = {}
    apply: str | None = None
    """A shell command; None: a version counts as applied as soon as it is desired."""
    check: str | None = None
    """A shell command; None: HEALTHY unless the last apply failed."""
    state_dir: Path
    interval: float | None = None
    """The longest time between heartbeats, and between checks; None leaves the heartbeats to the coordinator."""
    apply_timeout: float = 300.0
    check_timeout: float = 10.0
    check_grace: float = 0.0
    wait_for_apply: bool = False
    """Whether an agent that is stopped waits for the apply that runs."""


def check_settings(settings: AgentSettings) -> None:
    """Raise SettingError, which names the flag, for the first setting that cannot be used."""
    _check_server(settings.server)
    _check_token(settings.token)
    _check_name(settings.name)
    _check_ip(settings.ip)
    _check_labels(settings.labels)
    for flag, command in (("--apply", settings.apply), ("--check", settings.check)):
        if command is not None and ("\0" in command or not command.strip()):
            raise SettingError(flag, "an empty command; leave the flag out if there is none")
    if settings.interval is not None:
        _check_duration("--interval", settings.interval)
    _check_duration("--apply-timeout", settings.apply_timeout)
    _check_duration("--check-timeout", settings.check_timeout)
    if not (math.isfinite(settings.check_grace) and settings.check_grace >= 0):
        raise SettingError("--check-grace", f"must be 0 or more seconds, not {settings.check_grace:g}")


def parse_labels(texts: Iterable[str]) -> dict[str, str]:
    """Return labels given as `key=value`. Raises SettingError for one without a `=`, or that contradicts another."""
    labels: dict[str, str] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals:
            raise SettingError("--label", f"{text!r} is not KEY=VALUE, such as env=production")
        if labels.setdefault(key, value) != value:
            raise SettingError("--label", f"{key} cannot be {labels[key]!r} and {value!r} at once")
    return labels


def _check_server(server: str) -> None:
    try:
        url = urlsplit(server)
        usable = url.scheme in ("http", "https") and bool(url.hostname) and (url.port is None or url.port > 0)
    except ValueError:
        usable = False
    if not usable:
        raise SettingError("--server", f"{server!r} is not a URL such as http://127.0.0.1:8420")


def _check_token(token: str | None) -> None:
    if token is not None and not 0 < len(token) <= MAX_TOKEN:
        raise SettingError("--token", f"must have 1 to {MAX_TOKEN} characters, not {len(token)}")


def _check_name(name: str) -> None:
    if len(name) > 253 or not _NAME.match(name):
        raise SettingError("--name", f"{name!r} is not a lower-case hostname such as web-server-01 (RFC 1123)")


def _check_ip(ip: str | None) -> None:
    if ip is None:
        return
    try:
        ipaddress.ip_address(ip)
    except ValueError:
        raise SettingError("--ip", f"{ip!r} is not an IPv4 or IPv6 address such as 192.168.1.100") from None


def _check_labels(labels: Mapping[str, str]) -> None:
    if len(labels) > MAX_LABELS:
        raise SettingError("--label", f"at most {MAX_LABELS} labels, not {len(labels)}")
    for key, value in labels.items():
        if problem := check_label(key, value):
            raise SettingError("--label", problem)
        if is_reserved(key):
            raise SettingError("--label", f"{key!r} must not begin with {RESERVED_PREFIX}, which the coordinator uses")


def _check_duration(flag: str, seconds: float) -> None:
    if not (math.isfinite(seconds) and seconds > 0):
        raise SettingError(flag, f"must be more than 0 seconds, not {seconds:g}")
