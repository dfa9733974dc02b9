"""Requests of which not all has come when their sender goes away. Nobody is left to answer, and it is no mistake."""

from litestar import Response
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, ReceiveMessage, Scope, Send

from dides.api.problems import Handled


class SenderGoneError(Exception):
    """The sender of a request has gone away before its body was whole."""


def drop_unfinished(app: ASGIApp) -> ASGIApp:
    """Wrap an application: it meets SenderGoneError where it waits for the rest, and what it answers then goes nowhere.

    It has to handle SenderGoneError, in whatever way.
    """

    async def dropping(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await app(scope, receive, send)
            return
        body = _Body(receive)

        async def answer(message: Message) -> None:
            if not body.torn:
                await send(message)

        await app(scope, body.receive, answer)

    return dropping


def torn(_request: Handled, _error: SenderGoneError) -> Response[bytes]:
    """Answer what nobody reads."""
    return Response(b"", status_code=400)


class _Body:
    """What is still to come of one request."""

    def __init__(self, receive: Receive) -> None:
        self.torn = False
        self._receive = receive
        self._whole = False

    async def receive(self) -> ReceiveMessage:
        """Return the next part; SenderGoneError when there will be none. A sender may go once all has come."""
        message = await self._receive()
        if message["type"] == "http.request":
            self._whole = not message.get("more_body", False)
        elif not self._whole:
            self.torn = True
            raise SenderGoneError
        return message
