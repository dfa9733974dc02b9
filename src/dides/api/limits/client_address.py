"""The address from which a request comes: the peer's, or what a proxy that is trusted says of it."""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Any

from litestar.connection import ASGIConnection

Connection = ASGIConnection[Any, Any, Any, Any]
Network = IPv4Network | IPv6Network
HOME_BITS = 64
"""Of an IPv6 address: what one subscriber has at least, who may use any address in it."""
NOBODY = "unknown"


def client_address(connection: Connection, trusted: Sequence[Network]) -> str:
    """Return the address of who sends a request, an IPv6 one without what its owner may choose.

    X-Forwarded-For is read from its end, for as long as those who wrote it are `trusted`: what stands before that can
    be anybody's invention.
    """
    client = connection.scope.get("client")
    address = client[0] if client else NOBODY
    said = ",".join(connection.headers.getall("x-forwarded-for", [])).split(",") if trusted else []
    while said and _is_in(address, trusted):
        address = said.pop().strip() or address
    return _home(address)


def _is_in(address: str, networks: Sequence[Network]) -> bool:
    try:
        found = _plain(address)
    except ValueError:
        return False
    return any(found.version == network.version and found in network for network in networks)


def _home(address: str) -> str:
    try:
        found = _plain(address)
    except ValueError:
        return NOBODY
    if found.version == 4:
        return str(found)
    return str(IPv6Network((int(found) >> HOME_BITS << HOME_BITS, HOME_BITS)))


def _plain(address: str) -> IPv4Address | IPv6Address:
    """Return an address; one of IPv4 also where it is written as one of IPv6. ValueError."""
    found = ip_address(address)
    return (found.ipv4_mapped or found) if isinstance(found, IPv6Address) else found
