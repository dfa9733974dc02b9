"""Who may register: looked at before anything else of a registration is decoded."""

from typing import Any

import msgspec
from litestar import Request
from litestar.handlers import BaseRouteHandler
from msgspec import UNSET, UnsetType

from dides.api.access import Connection, access_of, bearer
from dides.api.limits.rate_limits import limits_of
from dides.model.errors import FieldError, InvalidError, UnauthorizedError
from dides.protocol.decode import decode_some


class Proof(msgspec.Struct, frozen=True):
    """As much of a registration as proves something; the rest is skipped."""

    token: str | UnsetType = UNSET


async def registrants(connection: Connection, _: BaseRouteHandler) -> None:
    """Let whoever shows the registration token, or the credential of an instance, pass (a Litestar guard)."""
    request: Request[Any, Any, Any] = Request(connection.scope, connection.receive, connection.send)
    token = decode_some(await request.body(), Proof).token
    access = access_of(connection)
    # A wrong one is forgiven to an instance that has its own credential: that one was replaced since it registered.
    connection.state.has_token = token is not UNSET and access.is_registration(token)
    if has_token(connection):
        return
    if bearer(connection) is not None:
        await access.principal(connection)
    elif token is UNSET:
        raise InvalidError(FieldError("token", "is needed, or the instance's own credential in Authorization"))
    else:
        limits_of(connection).count_wrong(connection)
        raise UnauthorizedError(
            "This is not the registration token; see registration-token in the coordinator's data directory."
        )


def has_token(connection: Connection) -> bool:
    """Tell whether one that registers has shown the registration token; call behind the guard."""
    return bool(connection.state.has_token)
