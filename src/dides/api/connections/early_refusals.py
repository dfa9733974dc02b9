"""Refusals of requests that never come to the application, because of how they are written or sent."""

import re
import uuid
from collections.abc import Iterable

import msgspec

from dides.api.limits.request_limits import CHUNKS, HEAD_BYTES, HEAD_LINES, TARGET_BYTES
from dides.api.problems import MEDIA_TYPE
from dides.protocol.messages import Problem

_ID = re.compile(rb"[!-~]{1,128}")


class EarlyRefusal(msgspec.Struct, frozen=True):
    """Why a request is refused on its connection, which closes then."""

    status: int
    reason: str
    """What the metric calls it."""
    title: str
    detail: str

    def answer(self, headers: Iterable[tuple[bytes, bytes]]) -> tuple[bytes, bytes]:
        """Return the header lines, each with its end, and the body of the answer to what came with these headers."""
        given = (value for name, value in headers if name == b"x-request-id" and _ID.fullmatch(value))
        request_id = next(given, b"").decode() or uuid.uuid4().hex
        problem = Problem(type="about:blank", title=self.title, status=self.status, detail=self.detail)
        problem.request_id = request_id
        body = msgspec.json.encode(problem)
        lines = [
            f"content-type: {MEDIA_TYPE}",
            f"content-length: {len(body)}",
            f"x-request-id: {request_id}",
            "cache-control: no-store",
            "connection: close",
        ]
        return "".join(f"{line}\r\n" for line in lines).encode(), body


MALFORMED = EarlyRefusal(400, "malformed", "The request is not valid", "This is no request of HTTP/1.1.")
VERSION = EarlyRefusal(400, "version", "The request is not valid", "Only HTTP/1.1 and HTTP/1.0 are spoken here.")
HOST = EarlyRefusal(400, "host", "The request is not valid", "A request has exactly one Host header.")
AUTHORIZATION = EarlyRefusal(
    400, "authorization", "The request is not valid", "A request has at most one Authorization header."
)
SLOW_HEAD = EarlyRefusal(408, "slow", "The request came too slowly", "Its head has to come within 10 seconds.")
SLOW_BODY = EarlyRefusal(408, "slow", "The request came too slowly", "Its body has to come within 30 seconds.")
CHUNKED = EarlyRefusal(413, "chunks", "The body is too large", f"At most {CHUNKS:,} chunks are accepted.")
TARGET = EarlyRefusal(
    414, "target", "The request's target is too long", f"At most {TARGET_BYTES:,} bytes of path and query are accepted."
)
HEAD = EarlyRefusal(
    431,
    "head",
    "The request's head is too large",
    f"At most {HEAD_BYTES:,} bytes and {HEAD_LINES} header lines are accepted.",
)
ACCEPT, SILENT = "accept", "silent"
"""Reasons for which nobody is answered: a connection could not be taken, or no request began on it."""
REASONS = (ACCEPT, "authorization", "chunks", "head", "host", "malformed", SILENT, "slow", "target", "version")
