"""Which hosts are this machine, so that credentials for them never leave it."""

import ipaddress
import socket
from contextlib import suppress

LOCALHOST = "localhost"


def is_loopback(host: str) -> bool:
    """Tell whether a host of a URL is this machine: `localhost`, or a loopback address in any spelling.

    Whatever the system would connect to itself counts: `127.1` and `0x7f000001` are 127.0.0.1, `0.0.0.0` and `::` lead
    there, too. Names are not resolved, but for `localhost` and those below it (RFC 6761).
    """
    name = host.strip("[]").rstrip(".").lower()
    if name == LOCALHOST or name.endswith(f".{LOCALHOST}"):
        return True
    address = _address(name)
    if address is None:
        return False
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return address.is_loopback or address.is_unspecified


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    with suppress(ValueError):
        return ipaddress.ip_address(text)
    with suppress(OSError, UnicodeError):
        # The system also takes addresses of fewer parts, and parts in octal or hexadecimal.
        return ipaddress.ip_address(socket.inet_aton(text))
    return None
