"""The path prefix below which a proxy shows this coordinator, such as /dides; "" is none.

Proxies differ: some pass the prefix on, some take it away. A request is understood either way, and every address in an
answer has it. Within the program addresses are as they are without a prefix.
"""

from litestar.datastructures import MutableScopeHeaders
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from dides.api.access import Connection

ADDRESSES = ("Location", "HX-Redirect")
"""Headers of answers that hold an address."""


def below(app: ASGIApp, base: str) -> ASGIApp:
    """Wrap an application that knows nothing of the prefix."""

    async def served(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await app(scope, receive, send)
            return

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableScopeHeaders(message)
                for name in ADDRESSES:
                    if is_local(headers.get(name, "")):
                        headers[name] = base + headers[name]
            await send(message)

        scope["path"] = without(base, scope["path"])
        await app(scope, receive, answer)

    return served if base else app


def base_of(connection: Connection) -> str:
    """Return the prefix of the application that a connection belongs to."""
    base: str = connection.app.state.base_path
    return base


def without(base: str, path: str) -> str:
    """Return a path without the prefix, if it has it; what else an address has may follow."""
    if not path.startswith(base):
        return path
    rest = path[len(base) :]
    if rest.startswith("/"):
        return rest
    return f"/{rest}" if rest[:1] in ("", "?") else path


def is_local(address: str) -> bool:
    """Tell whether an address is a path of ours: browsers take two slashes for another host."""
    return address.startswith("/") and not address.startswith(("//", "/\\"))
