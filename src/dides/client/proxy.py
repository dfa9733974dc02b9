"""The proxy that the environment names for a server, by the variables that curl and others go by."""

import ipaddress
from collections.abc import Mapping
from contextlib import suppress

import httpx2
import msgspec

from dides.client.errors import EnvironmentVariableError
from dides.client.loopback import is_loopback

EVERYTHING = "*"
SOCKS = ("socks5", "socks5h")
SCHEMES = ("http", "https", *SOCKS)


class NamedProxy(msgspec.Struct, frozen=True):
    """A proxy, and the variable that names it."""

    url: httpx2.URL
    variable: str

    def __str__(self) -> str:
        """Return the proxy's address and its variable; the password of a proxy is shown to nobody."""
        return f"the proxy {self.url.copy_with(username=None, password=None)} ({self.variable})"


def find_proxy(server: httpx2.URL, environment: Mapping[str, str]) -> NamedProxy | None:
    """Return the proxy for requests to a server; None when there is none, and always for this machine.

    `http_proxy` or `https_proxy`, by the server's scheme, else `all_proxy`; `no_proxy` lists the servers that are
    reached without one. A name in lower case wins over the same in upper case. Raises EnvironmentVariableError when
    the variable that counts names no proxy.
    """
    if is_loopback(server.host) or _bypasses(server, _read("no_proxy", environment)[1]):
        return None
    for name in (f"{server.scheme}_proxy", "all_proxy"):
        variable, value = _read(name, environment)
        if value:
            return NamedProxy(_parse(variable, value), variable)
    return None


def _read(name: str, environment: Mapping[str, str]) -> tuple[str, str]:
    """Return the spelling in which a variable is set, and its value; "" when it is not set, or empty."""
    for spelling in (name, name.upper()):
        # A web server that runs CGI programs puts a request's header `Proxy` into HTTP_PROXY.
        from_a_request = spelling == "HTTP_PROXY" and "REQUEST_METHOD" in environment
        if spelling in environment and not from_a_request:
            return spelling, environment[spelling].strip()
    return name, ""


def _parse(variable: str, value: str) -> httpx2.URL:
    try:
        url = httpx2.URL(value if "://" in value else f"http://{value}")
    except httpx2.InvalidURL:
        url = httpx2.URL()
    if url.scheme not in SCHEMES or not url.host or (url.port or 1) not in range(1, 65536):
        raise EnvironmentVariableError(
            variable, "its value is not the URL of a proxy; one is http://proxy.example.com:3128"
        )
    return url


def _bypasses(server: httpx2.URL, no_proxy: str) -> bool:
    return any(_matches(server, entry) for entry in no_proxy.replace(",", " ").split())


def _matches(server: httpx2.URL, entry: str) -> bool:
    """Tell whether an entry of `no_proxy` means a server: `*`, a domain, an address, a network; with a port or not."""
    if entry == EVERYTHING:
        return True
    with suppress(ValueError):
        return ipaddress.ip_address(server.host) in ipaddress.ip_network(entry.strip("[]"), strict=False)
    name, colon, port = entry.rpartition(":")
    if colon and port.isdigit():
        return int(port) == (server.port or _usual_port(server)) and _matches(server, name)
    domain = entry.lstrip("*").strip(".").lower()
    host = server.host.rstrip(".").lower()
    return bool(domain) and (host == domain or host.endswith(f".{domain}"))


def _usual_port(server: httpx2.URL) -> int:
    return 443 if server.scheme == "https" else 80
