"""What is read as a plain request means the same to the server's own parser, and nothing else is read as one."""

from hashlib import sha256
from itertools import product
from typing import Any

import httptools
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dides.api.fastpath.parser import LARGEST, LONGEST_LINE, request_in

TARGET = b"/inventory/instances/web-1"
PLAIN = b"PATCH " + TARGET + b" HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer abc\r\nContent-Length: 2\r\n\r\n{}"


def test_a_plain_request_is_read() -> None:
    plain = request_in(PLAIN.replace(b"Host: x", b"Host: x\r\nX-Request-ID: the-first"))
    assert plain is not None
    assert (plain.method, plain.target, plain.credential) == (b"PATCH", TARGET, sha256(b"abc").digest())
    assert (plain.request_id, plain.body, plain.missing) == (b"the-first", b"{}", 0)


@pytest.mark.parametrize(
    "data",
    [
        PLAIN,
        PLAIN.replace(b"Content-Length", b"content-length"),
        PLAIN.replace(b"Authorization: Bearer", b"authorization: bearer"),
        PLAIN.replace(b"Host: x", b"Host: x\r\nConnection: keep-alive"),
        PLAIN.replace(b"Host: x", b"Host: x\r\nconnection: Keep-Alive"),
        PLAIN.replace(b"Host: x", b"Host: x\r\nAccept: text/html, */*;q=0.5"),
        PLAIN.replace(b"\r\nAuthorization: Bearer abc", b""),
        PLAIN.replace(b"\r\nContent-Length: 2", b"").replace(b"{}", b""),
    ],
)
def test_these_are_plain(data: bytes) -> None:
    plain = request_in(data)
    assert plain is not None
    assert plain.missing == 0


@pytest.mark.parametrize(("data", "missing"), [(PLAIN[:-1], 1), (PLAIN[:-2], 2), (PLAIN + b"P", -1)])
def test_it_says_how_much_is_missing(data: bytes, missing: int) -> None:
    plain = request_in(data)
    assert plain is not None
    assert plain.missing == missing


@pytest.mark.parametrize(
    "data",
    [
        PLAIN.replace(b"Host: x", b"Host: x\r\nConnection: close"),
        PLAIN.replace(b"Host: x", b"Host: x\r\nConnection: keep-alive, upgrade"),
        PLAIN.replace(b"Host: x", b"Host: x\r\nTransfer-Encoding: chunked"),
        PLAIN.replace(b"Host: x", b"Host: x\r\nExpect: 100-continue"),
        PLAIN.replace(b"Host: x", b"Host: x\r\nUpgrade: h2c"),
        PLAIN.replace(b"Host: x", b"Host: x\r\nContent-Length: 2"),
        PLAIN.replace(b"Content-Length: 2", b"Content-Length: +2"),
        PLAIN.replace(b"Content-Length: 2", b"Content-Length: 2, 2"),
        PLAIN.replace(b"Content-Length: 2", b"Content-Length: %d" % (LARGEST + 1)),
        PLAIN.replace(b"Host: x", b"Host: x\r\nAuthorization: Bearer abc"),
        PLAIN.replace(b"Host: x", b"Host: x\r\nAUTHORIZATION: Bearer abd"),
        PLAIN.replace(b"Host: x", b"Host: x\r\nX-Request-ID: a\r\nX-Request-ID: b"),
        PLAIN.replace(b"Host: x", b"Host: x\r\nX-Request-ID: " + b"a" * 129),
        PLAIN.replace(b"Bearer abc", b"Basic abc"),
        PLAIN.replace(b"Bearer abc", b"Bearer"),
        PLAIN.replace(b"Host: x", b"Host : x"),
        PLAIN.replace(b"Host: x", b"Host:x"),
        PLAIN.replace(b"Host: x", b"Host: x "),
        PLAIN.replace(b"Host: x", b"Host:"),
        PLAIN.replace(b"Host: x", b"Host: x\r\n y"),
        PLAIN.replace(b"Host: x", b"Host: x\ny: z"),
        PLAIN.replace(b"Host: x", b"Host: caf\xe9"),
        PLAIN.replace(b"Host: x", b"Host: a\0b"),
        PLAIN.replace(b"HTTP/1.1", b"HTTP/1.0"),
        PLAIN.replace(b"HTTP/1.1", b"HTTP/2.0"),
        PLAIN.replace(b"Host: x", b"Host: x\r\nLong: " + b"x" * LARGEST),
        PLAIN.replace(b"Host: x\r\n", b""),
        PLAIN.replace(b"Host: x", b"Host: x\r\nHost: x"),
        PLAIN.replace(b"Host: x", b"Host: x\r\n" + b"\r\n".join([b"x: y"] * 98)),
        PLAIN.replace(b"Host: x", b"Host: x\r\nLong: " + b"x" * LONGEST_LINE),
        PLAIN[:30],
        b"",
        b"PATCH " + TARGET,
        b"\r\n" + PLAIN,
    ],
)
def test_these_are_left_to_the_parser(data: bytes) -> None:
    assert request_in(data) is None


class Parsed:
    """What the server's parser makes of a request."""

    def __init__(self, data: bytes) -> None:
        self.target = self.body = b""
        self.headers: list[tuple[bytes, bytes]] = []
        self.complete = 0
        self.keeps_alive = False
        self.parser = httptools.HttpRequestParser(self)
        self.parser.feed_data(data)

    def on_headers_complete(self) -> None:
        self.keeps_alive = self.parser.should_keep_alive()

    def on_url(self, url: bytes) -> None:
        self.target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name.lower(), value))

    def on_body(self, body: bytes) -> None:
        self.body += body

    def on_message_complete(self) -> None:
        self.complete += 1


HEADERS = [
    b"Host: x", b"Host:x", b"Host: ", b"Authorization: Bearer abc", b"authorization: bearer abc",
    b"Authorization: Bearer", b"AUTHORIZATION: Bearer z", b"Authorization : Bearer z", b"Content-Length: 2",
    b"content-length: 02", b"Content-Length: 3", b"Content-Length:  2", b"Transfer-Encoding: chunked",
    b"Connection: keep-alive", b"Connection: close", b"Connection: Upgrade", b"Upgrade: websocket",
    b"X-Request-ID: abc", b"x-request-id: d e", b"Proxy-Connection: close", b"Expect: 100-continue",
    b"Accept: */*", b"User-Agent: a/1 (b; c)", b" folded", b"no colon", b"\xe9: x", b"A: \xe9", b"A: b\tc",
]  # fmt: skip
PIECES = [b" ", b"\r", b"\n", b"\t", b"\0", b"\xff", b":", b"/", b"?", b"#", b"%", b"A", b"\r\n", b"\r\n\r\n"]


def check(data: bytes) -> bool:
    """Hold a reading to the parser's, if there is one; return whether there was."""
    plain = request_in(data)
    # Targets with blanks, or no path, name no instance; and the parser may refuse them, as it would anyway.
    if plain is None or plain.missing or not plain.target.startswith(TARGET) or b" " in plain.target:
        return False
    parsed = Parsed(data)
    expected: dict[bytes, Any] = dict(parsed.headers)
    token = expected.get(b"authorization", b"")
    assert parsed.complete == 1
    assert parsed.keeps_alive
    assert (parsed.parser.get_method(), parsed.target, parsed.body) == (plain.method, plain.target, plain.body)
    assert plain.credential == (sha256(token[7:]).digest() if token else b"")
    assert plain.request_id == expected.get(b"x-request-id", b"")
    names = [name for name, _ in parsed.headers]
    assert names.count(b"host") == 1
    assert names.count(b"authorization") <= 1
    assert len({*names} & {b"expect", b"upgrade", b"transfer-encoding"}) == 0
    return True


def test_with_any_two_headers_it_means_the_same_to_the_parser() -> None:
    first, length = b"PATCH " + TARGET + b" HTTP/1.1", b"Content-Length: 2"
    requests = [b"\r\n".join([first, b"Host: x", *two, length, b"", b"{}"]) for two in product(HEADERS, HEADERS)]
    assert sum(check(each) for each in requests) > 20, "or nothing is compared"


@given(
    method=st.sampled_from([b"PATCH", b"GET"]),
    target=st.sampled_from([TARGET, TARGET + b"?a=b", b"*", b"http://x" + TARGET, TARGET + b"#f", b"web\xe9", b"/a b"]),
    version=st.sampled_from([b"HTTP/1.1", b"HTTP/1.1", b"HTTP/1.1", b"HTTP/1.0", b"HTTP/1.12", b"http/1.1"]),
    headers=st.lists(st.sampled_from(HEADERS), max_size=5),
    body=st.sampled_from([b"{}", b"{}", b"{} ", b""]),
    at=st.integers(0, 200),
    change=st.one_of(st.just(b""), st.sampled_from(PIECES)),
)
def test_what_is_plain_means_the_same_to_the_parser(
    method: bytes, target: bytes, version: bytes, headers: list[bytes], body: bytes, at: int, change: bytes
) -> None:
    data = b"\r\n".join([method + b" " + target + b" " + version, b"Host: x", *headers, b"", body])
    data = data[:at] + change + data[at:]
    check(data)
