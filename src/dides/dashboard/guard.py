"""Who may see pages and send forms, and what browsers have to refuse."""

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from litestar import Request, Response
from litestar.datastructures import FormMultiDict
from litestar.enums import RequestEncodingType
from litestar.exceptions import NotFoundException
from litestar.response import Redirect

from dides.api.access import Role, access_of
from dides.api.base_path import base_of, is_local, without
from dides.api.limits.request_limits import TARGET_BYTES
from dides.api.problems import refused
from dides.api.sessions import COOKIE, FORM_FIELD, is_safe
from dides.api.validation import check_path
from dides.model.errors import ForbiddenError, UnauthorizedError

LOGIN = "/ui/login"
OPEN = "open"
"""A route with this option needs no session."""
TYPED = "typed"
"""A route with this option takes what somebody has typed. The option is a function: it returns, for what was sent, the
address of the form, filled in like that."""
LARGEST_TYPED = 8 * 1024
"""Bytes of a form that are looked at before its sender has signed in."""
HTML_ONLY = "html only"
"""A route with this option is there for browsers; whoever does not ask for HTML finds nothing."""
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    # With "no-referrer" a browser would not say either that a form comes from our own page.
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
LONGEST_ADDRESS = TARGET_BYTES // 4
"""Characters of a page to come back to; each may take three when it is quoted."""
Browser = Request[Any, Any, Any]


async def check(request: Browser) -> Response[Any] | None:
    """Refuse what may not come to a page, before it is called; return where what was typed can be sent once more.

    ForbiddenError for a form of another origin, UnauthorizedError for who has not signed in, NotFoundException where
    there is something for browsers only.
    """
    if request.route_handler.opt.get(HTML_ONLY) and "text/html" not in request.headers.get("accept", ""):
        raise NotFoundException
    access = access_of(request)
    access.check_page(request)
    if request.route_handler.opt.get(OPEN):
        return None
    principal = access.signed_in(request)
    if principal is None:
        request.state.return_to = await _where_it_was_typed(request) or _page_of(request)
        raise UnauthorizedError("Sign in with the operator's token.")
    request.state.principal = principal
    check_path(request)
    if is_safe(request.method) or principal.role is Role.ANYONE or _shows_token(request, await request.form()):
        return None
    if (typed := await _where_it_was_typed(request)) and not request.headers.get("hx-request"):
        return Redirect(_fitting(typed), status_code=303)
    raise ForbiddenError("This form belongs to another session. Reload the page and send it again.")


def _shows_token(request: Browser, form: FormMultiDict) -> bool:
    shown, cookie = form.get(FORM_FIELD, ""), request.cookies.get(COOKIE, "")
    return access_of(request).sessions.is_form_token(str(shown), cookie)


async def _where_it_was_typed(request: Browser) -> str | None:
    """Return the address of the form that was sent, filled in as it was; None for one into which nothing is typed."""
    address: Callable[[FormMultiDict], str | None] | None = request.route_handler.opt.get(TYPED)
    length = request.headers.get("content-length", "")
    small = length.isdecimal() and int(length) <= LARGEST_TYPED
    urlencoded = request.content_type[0] == RequestEncodingType.URL_ENCODED
    return address(await request.form()) if address and small and urlencoded else None


def _page_of(request: Browser) -> str:
    """Return the page that a request belongs to: the one that it asks for, or the one from which it was sent."""
    if request.headers.get("hx-request"):
        return _path_of(request, request.headers.get("hx-current-url", ""))
    if not is_safe(request.method):
        return _path_of(request, request.headers.get("referer", ""))
    return f"{request.url.path}?{request.url.query}" if request.url.query else request.url.path


def to_login(request: Browser, error: UnauthorizedError) -> Response[Any]:
    """Send a browser to the login page, and back to its page afterwards; a script gets 401."""
    login = f"{LOGIN}?next={quote(_fitting(request.state.return_to), safe='')}"
    if request.headers.get("hx-request"):
        return Response(b"", status_code=401, headers={"HX-Redirect": login})
    if is_safe(request.method) and "text/html" not in request.headers.get("accept", ""):
        return refused(request, error)
    return Redirect(login, status_code=303)


def local(request: Browser, path: str) -> str:
    """Return an address within the dashboard, "/" for any other: nobody is sent elsewhere by a link to us."""
    found = without(base_of(request), path) if is_local(path) else "/"
    return found if is_local(found) else "/"


def _path_of(request: Browser, url: str) -> str:
    """Return the path and query in an address."""
    rest = url.partition("//")[2]
    return local(request, "/" + rest.partition("/")[2])


def _fitting(address: str) -> str:
    """Return an address that still fits into another one's query string: without its own one, if need be."""
    path = address.partition("?")[0]
    return next((place for place in (address, path) if len(place) <= LONGEST_ADDRESS), "/")
