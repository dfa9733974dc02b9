"""What a coordinator that has started on a terminal says first: where it is, and what to do next."""

import ipaddress
import shlex
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

from dides.cli.options.connection import DEFAULT_SERVER
from dides.runtime.datadir import OPERATOR_FILE, REGISTRATION_FILE


def welcome(url: str, directory: Path, *, dev: bool) -> list[str]:
    """Return the lines: the dashboard, the tokens, and the command that comes next."""
    url = _reachable(url)
    return [
        f"Dashboard:  {url}/",
        f"Tokens:     {_tokens(directory, dev=dev)}",
        f"Next:       {_next_command(url, directory, dev=dev)}",
    ]


def _reachable(url: str) -> str:
    """Return a URL that can be opened on this machine, for one that may say "every address"."""
    host = urlsplit(url).hostname or ""
    with suppress(ValueError):
        address = ipaddress.ip_address(host)
        if address.is_unspecified:
            return url.replace(f"[{host}]", "[::1]").replace(f"//{host}:", "//127.0.0.1:")
    return url


def _tokens(directory: Path, *, dev: bool) -> str:
    if dev:
        return "none is asked for (--dev)"
    return f"{OPERATOR_FILE} (signs in, deploys) and {REGISTRATION_FILE} (for agents) in {directory}"


def _next_command(url: str, directory: Path, *, dev: bool) -> str:
    token = "any" if dev else f'"$(cat {shlex.quote(str(directory / REGISTRATION_FILE))})"'
    server = "" if url == DEFAULT_SERVER else f" --server {url}"
    return f"DIDES_REGISTRATION_TOKEN={token} dides agent{server}"
