"""The limit of the server: a bare ASGI callable that reads a request and answers always the same, as dides would."""

from collections.abc import Awaitable, Callable
from typing import Any

from peers.serving import serve

BODY = (
    b'{"name":"i0000000","desired":null,"generation":0,"deployment_id":null,"update_needed":false,'
    b'"heartbeat_interval":10.0}'
)
START = {
    "type": "http.response.start",
    "status": 200,
    "headers": [(b"content-type", b"application/json"), (b"content-length", str(len(BODY)).encode())],
}
END = {"type": "http.response.body", "body": BODY}


async def application(_: Any, receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]) -> None:
    """Answer."""
    while (await receive()).get("more_body", False):
        pass
    await send(START)
    await send(END)


if __name__ == "__main__":
    serve(application)
