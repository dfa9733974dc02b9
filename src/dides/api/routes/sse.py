"""The event log as Server-Sent Events (WHATWG HTML, 9.2)."""

import re
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, suppress

import msgspec
from litestar.response import Stream

from dides.api.problems import Handled
from dides.api.serializers import event_view
from dides.coordinator.loops.event_tail import Tail
from dides.model.errors import FieldError, InvalidError, UnavailableError
from dides.store.records import Event

MEDIA_TYPE = "text/event-stream"
HEADERS = {"X-Accel-Buffering": "no"}
"""What asks nginx, and others like it, to pass each message on at once."""
PATIENCE = 15.0
"""Seconds after which something is sent where nothing happens, so that whoever is gone is noticed, at both ends."""
RETRY_MS = 1000
"""After how long a browser tries again."""
ID_PATTERN = r"^[0-9]{1,15}\Z"
_ID = re.compile(ID_PATTERN)


def accepts_stream(request: Handled) -> bool:
    """Tell whether a request asks for a stream."""
    return MEDIA_TYPE in request.headers.get("accept", "").lower()


def last_id(text: str | None) -> int | None:
    """Return the id in a Last-Event-ID header, None when there is none. InvalidError."""
    if text is None:
        return None
    if not _ID.match(text):
        raise InvalidError(FieldError("Last-Event-ID", "must be the id of an event: a number of at most 15 digits"))
    return int(text)


async def stream_of(tail: Tail, last: int | None, deployment_id: int | None) -> Stream:
    """Return the events after `last`, or from now on, as an answer that goes on as they happen. UnavailableError.

    It begins once the log has been read: a stream that has begun is one that works.
    """
    following = tail.follow(last, deployment_id, PATIENCE)
    first = await anext(following, None)
    if first is None:
        raise UnavailableError("this coordinator is stopping")
    return Stream(_messages(first[0], following), media_type=MEDIA_TYPE, headers=HEADERS)


def head_of_stream() -> Stream:
    """Return what a stream is without its events, for HEAD."""
    return Stream(iter(()), media_type=MEDIA_TYPE, headers=HEADERS)


async def _messages(at: int, following: AsyncGenerator[tuple[int, list[Event]], None]) -> AsyncIterator[bytes]:
    async with aclosing(following):
        yield b"retry: %d\n\n" % RETRY_MS + _idle(at)
        with suppress(UnavailableError):  # The stream ends, and whoever follows it tries again.
            async for now, events in following:
                yield b"".join(map(_message, events)) or _idle(now)


def _idle(at: int) -> bytes:
    """Return a message of a kind of its own, which listeners to events do not see.

    Its id goes on where the events of other deployments were left out.
    """
    return b"id: %d\nevent: idle\ndata: {}\n\n" % at


def _message(event: Event) -> bytes:
    # JSON has no line ends but in strings, where they are escaped.
    return b"id: %d\ndata: %s\n\n" % (event.id, msgspec.json.encode(event_view(event)))
