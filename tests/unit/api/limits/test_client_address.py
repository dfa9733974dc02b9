"""From which address a request comes, and how far what proxies say of it is believed."""

from ipaddress import ip_network
from typing import Any

import pytest
from litestar.connection import ASGIConnection

from dides.api.limits.client_address import client_address

PROXIES = [ip_network("10.0.0.0/8"), ip_network("fd00::/8")]


def address(peer: str | None, *forwarded: str, trusted: bool = True) -> str:
    headers = [(b"x-forwarded-for", value.encode()) for value in forwarded]
    scope: Any = {"type": "http", "client": (peer, 1) if peer else None, "headers": headers}
    return client_address(ASGIConnection(scope), PROXIES if trusted else [])


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        ("192.0.2.1", (), "192.0.2.1"),
        ("192.0.2.1", ("203.0.113.7",), "192.0.2.1"),
        ("10.1.2.3", (), "10.1.2.3"),
        ("10.1.2.3", ("203.0.113.7",), "203.0.113.7"),
        ("10.1.2.3", ("198.51.100.1, 203.0.113.7, 10.9.9.9",), "203.0.113.7"),
        ("10.1.2.3", ("198.51.100.1", "203.0.113.7"), "203.0.113.7"),
        ("10.1.2.3", ("10.7.7.7",), "10.7.7.7"),
        ("10.1.2.3", ("nonsense",), "unknown"),
        ("10.1.2.3", (" , ",), "10.1.2.3"),
        ("::ffff:10.1.2.3", ("203.0.113.7",), "203.0.113.7"),
        ("fd00::1", ("2001:db8:1:2:3:4:5:6",), "2001:db8:1:2::/64"),
        ("2001:db8:1:2:a::", ("203.0.113.7",), "2001:db8:1:2::/64"),
        (None, ("203.0.113.7",), "unknown"),
    ],
)
def test_it_is_the_last_one_that_nobody_trusted_could_have_invented(
    peer: str | None, forwarded: tuple[str, ...], expected: str
) -> None:
    assert address(peer, *forwarded) == expected


def test_without_trusted_proxies_nothing_is_believed() -> None:
    assert address("10.1.2.3", "203.0.113.7", trusted=False) == "10.1.2.3"
