"""Where a coordinator may listen, and what is refused before it does."""

import socket

import pytest
import typer

from dides.cli.options.server import parse_listen
from dides.server import Listen, ListenError


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("127.0.0.1:8420", ("127.0.0.1", 8420)),
        ("localhost:0", ("localhost", 0)),
        ("[::1]:8420", ("::1", 8420)),
        ("[::]:65535", ("::", 65535)),
        ("[::ffff:192.0.2.1]:80", ("::ffff:192.0.2.1", 80)),
        ("coordinator.example.com:80", ("coordinator.example.com", 80)),
    ],
)
def test_an_address_is_a_host_and_a_port(text: str, expected: tuple[str, int]) -> None:
    assert parse_listen(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        *("", "8420", ":8420", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:65536", "127.0.0.1:-1", "::1:80"),
        *("[::1]", "[::1]80", "[host]:80", "http://127.0.0.1:80", "a b:80", "127.0.0.1:80\n", "127.0.0.1:80/", "[]:1"),
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="HOST:PORT"):
        parse_listen(text)


LOOPBACK = ["127.0.0.1", "127.1.2.3", "::1", "localhost"]
REACHABLE = [
    "0.0.0.0",
    "::",
    "192.0.2.1",
    "2001:db8::1",
    "coordinator.example.com",
    "localhost.example.com",
    "::ffff:1.2.3.4",
]


@pytest.mark.parametrize("host", LOOPBACK)
def test_on_a_loopback_address_everything_is_allowed(host: str) -> None:
    for dev in (False, True):
        for insecure in (False, True):
            Listen(host, 80, dev=dev, insecure_http=insecure).check()


@pytest.mark.parametrize("host", REACHABLE)
def test_plain_http_beyond_it_must_be_asked_for(host: str) -> None:
    with pytest.raises(ListenError, match="--insecure-http"):
        Listen(host, 80).check()
    Listen(host, 80, insecure_http=True).check()


@pytest.mark.parametrize("host", REACHABLE)
def test_the_development_mode_beyond_it_is_refused_in_any_case(host: str) -> None:
    for insecure in (False, True):
        with pytest.raises(ListenError, match="--dev opens every door"):
            Listen(host, 80, dev=True, insecure_http=insecure).check()


def test_a_port_in_use_is_refused_in_words() -> None:
    with Listen("127.0.0.1", 0).open() as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ListenError, match=f"Cannot listen on 127.0.0.1, port {port}: .*in use"):
            Listen("127.0.0.1", port).open()


def test_a_port_that_was_just_in_use_is_free_at_once() -> None:
    with Listen("127.0.0.1", 0).open() as first:
        port = first.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)) as client, first.accept()[0] as accepted:
            accepted.close()
            client.recv(1)
    with Listen("127.0.0.1", port).open():
        pass


@pytest.mark.parametrize("host", ["192.0.2.1", "no-such-host.invalid"])
def test_an_address_that_is_not_ours_is_refused_in_words(host: str) -> None:
    with pytest.raises(ListenError, match=f"Cannot listen on {host}, port 1: .+"):
        Listen(host, 1, insecure_http=True).open()
