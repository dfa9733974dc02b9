"""Who may register: looked at before anything else of a registration is decoded."""

from typing import Any

import msgspec
from litestar import Request
from litestar.handlers import BaseRouteHandler
from msgspec import UNSET, UnsetType

from dides.api.access import Connection, access_of, bearer
from dides.model.errors import FieldError, InvalidError
from dides.protocol.decode import decode_some


class Proof(msgspec.Struct, frozen=True):
    """As much of a registration as proves something; the rest is skipped."""

    token: str | UnsetType = UNSET


async def registrants(connection: Connection, _: BaseRouteHandler) -> None:
    """Let whoever shows the registration token, or the credential of an instance, pass (a Litestar guard)."""
    request: Request[Any, Any, Any] = Request(connection.scope, connection.receive, connection.send)
    token = decode_some(await request.body(), Proof).token
    access = access_of(connection)
    if token is not UNSET:
        access.check_registration(token, connection)
    elif bearer(connection) is None:
        raise InvalidError(FieldError("token", "is needed"))
    else:
        await access.principal(connection)
