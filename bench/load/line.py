"""A connection for whoever awaits each answer: simulated agents and operators. Much leaner than an HTTP client."""

import asyncio
from typing import TypeVar

import msgspec

from load.connection import Connection, connect
from load.tally import LoadError
from load.wire import body_of, status_of

T = TypeVar("T")


class Line(Connection):
    """One request at a time; it is opened when it is first needed, and again when it was lost."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url
        self._answer: asyncio.Future[bytes] | None = None

    async def ask(self, request: bytes) -> bytes:
        """Send a request and return the whole answer, whatever its status. ConnectionError when there is none."""
        if not self.is_open:
            await connect(self._url, self)
        self._answer = asyncio.get_running_loop().create_future()
        self.write(request)
        return await self._answer

    async def get(self, request: bytes, answer: type[T]) -> T:
        """Send a request and return its decoded answer; LoadError when it is refused."""
        found = await self.ask(request)
        if status_of(found) not in (200, 201):
            raise LoadError(found.decode("utf-8", "replace"))
        return msgspec.json.decode(body_of(found), type=answer)

    def answered(self, answer: bytes) -> None:
        """Pass the answer on."""
        if self._answer and not self._answer.done():
            self._answer.set_result(answer)

    def lost(self) -> None:
        """Tell whoever waits."""
        if self._answer and not self._answer.done():
            self._answer.set_exception(ConnectionError("the server closed the connection"))
