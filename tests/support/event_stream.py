"""A client of the stream of events, as HTML describes one: it remembers the last id that it was told."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import httpx2

from support.app import OPERATOR, PATIENCE

STREAM = "text/event-stream"


class Message(NamedTuple):
    """One message of a stream; `kind` is "message" for an event."""

    kind: str
    id: int
    data: Any


class Listening:
    """A stream that has begun."""

    def __init__(self, response: httpx2.Response) -> None:
        self.response = response
        self.last: int | None = None
        """The id to go on from."""
        self._lines = response.aiter_lines()

    async def message(self) -> Message | None:
        """Return the next message; None at the end of the stream."""
        fields: dict[str, str] = {}
        async with asyncio.timeout(PATIENCE):
            async for line in self._lines:
                if line:
                    name, _, value = line.partition(": ")
                    assert name not in fields, "a message says everything once"
                    fields[name] = value
                elif "data" in fields:
                    self.last = int(fields["id"])
                    return Message(fields.get("event", "message"), self.last, json.loads(fields["data"]))
                else:
                    fields = {}
        return None

    async def events(self, number: int) -> list[Any]:
        """Return the next events, so many of them."""
        found: list[Any] = []
        while len(found) < number:
            message = await self.message()
            assert message is not None, "the stream has ended"
            if message.kind == "message":
                assert message.id == message.data["id"]
                found.append(message.data)
        return found

    async def ids(self, number: int) -> list[int]:
        """Return the ids of the next events."""
        return [each["id"] for each in await self.events(number)]

    async def end(self) -> None:
        """Wait for the end of the stream."""
        while await self.message() is not None:
            pass


@asynccontextmanager
async def listening(
    url: str, query: str = "", *, last: int | None = None, credential: str = OPERATOR
) -> AsyncIterator[Listening]:
    """Listen at a coordinator, from the event after `last`, until the block ends; its stream has then begun."""
    headers = {"Authorization": f"Bearer {credential}", "Accept": STREAM}
    if last is not None:
        headers["Last-Event-ID"] = str(last)
    async with (
        httpx2.AsyncClient(base_url=url, timeout=PATIENCE) as http,
        http.stream("GET", f"/events{query}", headers=headers) as response,
    ):
        assert response.status_code == 200, await response.aread()
        stream = Listening(response)
        first = await stream.message()
        assert first is None or first.kind == "idle"
        yield stream
