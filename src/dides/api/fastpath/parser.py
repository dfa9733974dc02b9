"""Plain requests, read from the bytes of a connection: as agents, and the proxies before them, send them.

Strict where HTTP leaves room: what is not as plain as this is left to the server's parser, which knows all of HTTP. So
nothing is refused here, and what is read here means the same there.
"""

import re
from functools import lru_cache
from hashlib import sha256

import msgspec

from dides.api.limits.request_limits import HEAD_LINES
from dides.api.request_headers import BEARER_SCHEMES, is_request_id

LARGEST = 16 * 1024
"""Bytes of the head of a plain request, and of its body, at the most."""
LONGEST_LINE = 1024
"""Bytes of a header line that is worth a look, and of which a thousand may be kept."""
BEGINNINGS = (b"PATCH /", b"GET /")
"""With what a request has to begin so that it is worth a look."""
_VERSION = b" HTTP/1.1"
_AUTHORIZATIONS = tuple(name + scheme for name in (b"Authorization: ", b"authorization: ") for scheme in BEARER_SCHEMES)
_HEADER = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+): ([!-~](?:[ -~]*[!-~])?)")
_LENGTH = re.compile(rb"\d{1,5}")
_NOT_PLAIN = frozenset({b"authorization", b"transfer-encoding", b"expect", b"upgrade", b"proxy-connection"})
"""Headers that change how a request is read, or that are written in another way than here."""


class PlainRequest(msgspec.Struct, gc=False):
    """A request of HTTP/1.1 that keeps its connection open, and in which nothing can be taken in two ways."""

    method: bytes
    target: bytes
    """What is asked for, as it was sent."""
    credential: bytes = b""
    """The SHA-256 of the bearer credential; empty when there is none."""
    request_id: bytes = b""
    """X-Request-ID when it is one that is kept, else empty."""
    host: bytes = b""
    length: bytes = b""
    """How many bytes the body has, as it was sent; empty when there is none."""
    body: bytes = b""
    """As much of the body as has come, and whatever came behind it."""

    @property
    def missing(self) -> int:
        """How many bytes of the body have not come yet; below nought when more came than belongs to it."""
        return int(self.length or 0) - len(self.body)


def request_in(data: bytes) -> PlainRequest | None:
    """Return the plain request that `data` begins with, its head complete; None when it is none."""
    end = data.find(b"\r\n\r\n", 0, LARGEST)
    first, *lines = data[: max(end, 0)].split(b"\r\n")
    method, _, rest = first.partition(b" ")
    if rest[-9:] != _VERSION or len(lines) > HEAD_LINES:
        return None
    plain = PlainRequest(method, rest[:-9], body=data[end + 4 :])
    for line in lines:
        if line.startswith(_AUTHORIZATIONS):
            if plain.credential or not _HEADER.fullmatch(line):
                return None
            plain.credential = sha256(line[22:]).digest()
        elif (header := _header_in(line)) is None or (header and not _set_header(plain, *header)):
            return None
    return plain if plain.host else None


def _set_header(plain: PlainRequest, name: bytes, value: bytes) -> bool:
    """Set what a header says; return False when it came before."""
    if name == b"host":
        before, plain.host = plain.host, value
    elif name == b"content-length":
        before, plain.length = plain.length, value
    else:
        before, plain.request_id = plain.request_id, value
    return not before


@lru_cache(maxsize=1024)
def _header_in(line: bytes) -> tuple[bytes, bytes] | tuple[()] | None:
    """Return what a header line says: a name in small letters and a value; nothing that matters; None: not plain.

    Kept, because all but a few lines are the same in all requests of a fleet. Credentials do not come here.
    """
    found = _HEADER.fullmatch(line) if len(line) <= LONGEST_LINE else None
    if found is None:
        return None
    name, value = found[1].lower(), found[2]
    if name == b"host":
        return name, value
    if name == b"content-length":
        return (name, value) if _LENGTH.fullmatch(value) and int(value) <= LARGEST else None
    if name == b"x-request-id":
        return (name, value) if is_request_id(value) else None
    if name == b"connection":
        return () if value.lower() == b"keep-alive" else None
    return None if name in _NOT_PLAIN else ()
