"""The event log as Server-Sent Events (WHATWG HTML, 9.2)."""

import re
from collections.abc import AsyncIterator

import msgspec
from litestar.response import Stream

from dides.api.problems import Handled
from dides.api.views import event_view
from dides.coordinator.tail import Tail
from dides.model.errors import FieldError, InvalidError, UnavailableError
from dides.store.records import Event

MEDIA_TYPE = "text/event-stream"
PATIENCE = 15.0
"""Seconds after which something is sent where nothing happens, so that whoever is gone is noticed, at both ends."""
RETRY_MS = 1000
"""After how long a browser tries again."""
_ID = re.compile(r"\d{1,15}", re.ASCII)


def accepts_stream(request: Handled) -> bool:
    """Tell whether a request asks for a stream."""
    return MEDIA_TYPE in request.headers.get("accept", "")


def last_id(text: str | None) -> int | None:
    """Return the id in a Last-Event-ID header, None when there is none. InvalidError."""
    if not text:
        return None
    if not _ID.fullmatch(text):
        raise InvalidError(FieldError("Last-Event-ID", "must be the id of an event: a number of at most 15 digits"))
    return int(text)


def stream_of(tail: Tail, last: int | None, deployment_id: int | None) -> Stream:
    """Return the events after `last`, or from now on, as an answer that goes on as they happen."""
    return Stream(_messages(tail, last, deployment_id), media_type=MEDIA_TYPE)


async def _messages(tail: Tail, last: int | None, deployment_id: int | None) -> AsyncIterator[bytes]:
    yield b"retry: %d\n\n" % RETRY_MS
    try:
        async for at, events in tail.follow(last, deployment_id, PATIENCE):
            yield b"".join(map(_message, events)) or _idle(at)
    except UnavailableError:
        return  # The stream ends, and whoever follows it tries again.


def _idle(at: int) -> bytes:
    """Return a message of a kind of its own, which listeners to events do not see.

    Its id goes on where the events of other deployments were left out.
    """
    return b"id: %d\nevent: idle\ndata: {}\n\n" % at


def _message(event: Event) -> bytes:
    # JSON has no line ends but in strings, where they are escaped.
    return b"id: %d\ndata: %s\n\n" % (event.id, msgspec.json.encode(event_view(event)))
