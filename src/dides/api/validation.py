"""What the framework leaves open: paths that can name nothing, query strings, and bodies that are not there."""

import re

from msgspec import Struct

from dides.api.access import access_of
from dides.api.problems import Handled
from dides.model.errors import NotFoundError
from dides.protocol.decode import decode, decode_query
from dides.protocol.fields import HOSTNAME_PATTERN, LONGEST_HOSTNAME, whole
from dides.protocol.queries import NoQuery

_NAME = re.compile(whole(HOSTNAME_PATTERN))
_NUMBER = re.compile(r"[1-9][0-9]{0,15}\Z", re.ASCII)
_SHOWN = 80


async def check_request(request: Handled) -> None:
    """Refuse what a handler should not see, before it is called.

    ForbiddenError for what a browser is made to send in the development mode, NotFoundError for a path that can name
    nothing, InvalidError for a query string that the route does not know and for a body that may not be empty. The
    decoded query string is handed to the handler as `parameters`.
    """
    access_of(request).check_page(request)
    check_path(request)
    fields = request.route_handler.parsed_fn_signature.parameters
    expected = fields["parameters"].annotation if "parameters" in fields else NoQuery
    request.state.parameters = decode_query(list(request.query_params.multi_items()), expected)
    if "data" in fields and not await request.body():
        decode(b"", fields["data"].annotation)


def check_path(request: Handled) -> None:
    """Raise NotFoundError for a path that can name nothing: what is no hostname, or no number of a deployment."""
    name, number = request.path_params.get("name"), request.path_params.get("id")
    if name is not None and not (len(name) <= LONGEST_HOSTNAME and _NAME.match(name)):
        raise NotFoundError(f"There is no instance {name[:_SHOWN]}: a name is a lower-case hostname (RFC 1123).")
    if number is not None and not _NUMBER.match(number):
        raise NotFoundError(f"There is no deployment {number[:_SHOWN]}: they are numbered from 1.")


def decoded_query(request: Handled) -> Struct:
    """Return what check_request has decoded (a Litestar dependency)."""
    query: Struct = request.state.parameters
    return query
