"""How a command reaches the coordinator: at which address, with which token."""

import asyncio
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import Annotated, TypeVar

import httpx2
import typer

from dides.cli.options.tokens import find_token, token_file
from dides.client.operator import OperatorClient

T = TypeVar("T")

DEFAULT_SERVER = "http://127.0.0.1:8420"
TRANSPORT: ContextVar[httpx2.AsyncBaseTransport | None] = ContextVar("TRANSPORT", default=None)
"""The seam for tests: what carries requests instead of the network."""

Server = Annotated[
    str,
    typer.Option("--server", "-s", envvar="DIDES_SERVER", metavar="URL", help="The coordinator."),
]
Token = Annotated[
    str | None,
    typer.Option(
        "--token",
        envvar="DIDES_TOKEN",
        metavar="TOKEN",
        help="The operator token. With a coordinator on this machine it is read from its data directory.",
        show_default=False,
    ),
]


def session(server: str, token: str | None, work: Callable[[OperatorClient], Awaitable[T]]) -> T:
    """Run one command's session with the coordinator. Raises what `work` raises, such as ClientError."""

    async def run() -> T:
        async with open_client(server, token) as client:
            return await work(client)

    return asyncio.run(run())


def open_client(server: str, token: str | None) -> OperatorClient:
    """Return a client for the coordinator at this base URL, with the given token or the one found on this machine."""
    return OperatorClient(server, token or find_token(server, token_file()), transport=TRANSPORT.get())
