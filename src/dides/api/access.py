"""Who may do what. First layer: an operator's token, a registration token, and one credential per instance."""

import re
from enum import StrEnum
from typing import Any

import msgspec
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from dides.api.limits.rate_limits import limits_of
from dides.api.request_headers import bearer_in
from dides.api.sessions import COOKIE, Sessions, is_safe
from dides.coordinator.coordinator import Coordinator
from dides.coordinator.credentials import hash_of, same
from dides.model.actor import ANONYMOUS, OPERATOR, instance_actor
from dides.model.errors import ForbiddenError, GoneError, UnauthorizedError
from dides.store.interface import Transaction

LONGEST_HOST = 64
_LOOPBACK = re.compile(r"(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?\Z", re.ASCII)
Connection = ASGIConnection[Any, Any, Any, Any]


class Role(StrEnum):
    """What a credential stands for."""

    OPERATOR = "operator"
    INSTANCE = "instance"
    ANYONE = "anyone"
    """Nobody in particular, in the development mode, who may do everything."""


class Principal(msgspec.Struct, frozen=True):
    """Who sends a request."""

    role: Role
    name: str
    """What events call it."""
    instance: str | None = None
    """The instance whose own credential it has sent."""

    @property
    def operates(self) -> bool:
        """True when it may do what operators do."""
        return self.role is not Role.INSTANCE

    def is_instance(self, name: str) -> bool:
        """Tell whether it may speak for an instance."""
        return self.role is Role.ANYONE or self.instance == name


class Access(msgspec.Struct, frozen=True):
    """The tokens, as hashes. The development mode asks for none."""

    operator: bytes
    registration: bytes
    dev: bool = False

    def is_registration(self, token: str) -> bool:
        """Tell whether this is the registration token; any is in the development mode."""
        return self.dev or same(hash_of(token), self.registration)

    def check_page(self, connection: Connection) -> None:
        """Raise ForbiddenError for a web page of another origin, in the development mode.

        A browser on this machine reaches a loopback address on behalf of any page that it shows, and there is no
        credential that the page would have to know. A name that resolves to us, but is not ours, is such a page too.
        """
        if not self.dev or same(hash_of(bearer(connection) or ""), self.operator):
            return
        host, origin = connection.headers.get("host", ""), connection.headers.get("origin")
        ours = origin is None or origin.partition("//")[2] == host
        if not ours or connection.headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
            raise ForbiddenError("In the development mode, web pages of other origins are refused.")
        if len(host) > LONGEST_HOST or not _LOOPBACK.match(host):
            raise ForbiddenError("In the development mode, use localhost, 127.0.0.1 or [::1] as the host.")

    async def principal(self, connection: Connection) -> Principal:
        """Return who sends a request. UnauthorizedError, GoneError for the credential of a decommissioned instance."""
        token = bearer(connection)
        if token is None:
            # A browser sends its cookie along with what pages of other origins ask for: it may only read.
            if is_safe(str(connection.scope.get("method", ""))) and (principal := self.signed_in(connection)):
                return principal
            return self._without("Send the header 'Authorization: Bearer TOKEN'.")
        if same(hash_of(token), self.operator):
            return Principal(Role.ANYONE if self.dev else Role.OPERATOR, OPERATOR)
        coordinator: Coordinator = connection.app.state.coordinator
        if not _is_known(connection, coordinator, hash_of(token)):
            limits_of(connection).check_guess(connection)
        try:
            owner = await coordinator.read(lambda tx: _owner(tx, hash_of(token)))
        except GoneError:
            limits_of(connection).count_wrong(connection)
            raise
        if owner:
            return Principal(Role.ANYONE if self.dev else Role.INSTANCE, instance_actor(owner), instance=owner)
        limits_of(connection).count_wrong(connection)
        return self._without("Nobody has this credential: it is mistyped, or was replaced by a newer one.")

    @property
    def sessions(self) -> Sessions:
        """The sessions of those who sign in with a browser."""
        return Sessions(self.operator)

    def signed_in(self, connection: Connection) -> Principal | None:
        """Return who has signed in with a browser; in the development mode everybody has."""
        if name := self.sessions.name_in(connection.cookies.get(COOKIE)):
            return Principal(Role.ANYONE if self.dev else Role.OPERATOR, name)
        return Principal(Role.ANYONE, ANONYMOUS) if self.dev else None

    def is_operator(self, token: str) -> bool:
        """Tell whether this is the operator's token."""
        return same(hash_of(token), self.operator)

    def _without(self, reason: str) -> Principal:
        """Let the development mode do without a credential; UnauthorizedError with the reason otherwise."""
        if self.dev:
            return Principal(Role.ANYONE, ANONYMOUS)
        raise UnauthorizedError(reason)


def bearer(connection: Connection) -> str | None:
    """Return the credential in the Authorization header, None when there is none."""
    return bearer_in(connection.headers.get("authorization", ""))


async def operators(connection: Connection, _: BaseRouteHandler) -> None:
    """Let operators pass (a Litestar guard)."""
    principal = await _principal(connection)
    if not principal.operates:
        raise ForbiddenError("This needs the operator's token; an instance's own credential does not do.")


async def instance_itself(connection: Connection, _: BaseRouteHandler) -> None:
    """Let the instance that the path names pass (a Litestar guard)."""
    principal = await _principal(connection)
    if not principal.is_instance(_named(connection)):
        raise ForbiddenError(f"This needs the own credential of {_named(connection)}.")


async def instance_or_operators(connection: Connection, _: BaseRouteHandler) -> None:
    """Let the instance that the path names, and operators, pass (a Litestar guard)."""
    principal = await _principal(connection)
    if not principal.operates and not principal.is_instance(_named(connection)):
        raise ForbiddenError(f"This needs the own credential of {_named(connection)}, or the operator's token.")


async def _principal(connection: Connection) -> Principal:
    principal = await access_of(connection).principal(connection)
    if principal.role is Role.INSTANCE and principal.instance:
        limits_of(connection).check_request(principal.instance)
    connection.state.principal = principal
    return principal


def access_of(connection: Connection) -> Access:
    """Return the tokens of the application that a connection belongs to."""
    access: Access = connection.app.state.access
    return access


def _named(connection: Connection) -> str:
    return str(connection.path_params["name"])


def _is_known(connection: Connection, coordinator: Coordinator, credential: bytes) -> bool:
    """Tell whether a credential is that of the instance that the path names, as far as this process knows."""
    summary = coordinator.instance_cache.get(str(connection.path_params.get("name", "")))
    return summary is not None and same(credential, summary.credential_hash)


def _owner(tx: Transaction, credential: bytes) -> str | None:
    if owner := tx.inventory.owner_of(credential):
        return owner
    if former := tx.inventory.decommissioned(credential):
        raise GoneError(f"The instance {former} was decommissioned. Register it again to bring it back.")
    return None
