"""Who may see pages and send forms, and what browsers are told to refuse."""

from typing import Any
from urllib.parse import quote

from litestar import Request, Response
from litestar.datastructures import FormMultiDict
from litestar.exceptions import NotFoundException
from litestar.response import Redirect

from dides.api.access import Role, access_of
from dides.api.problems import refused
from dides.api.request_limits import TARGET_BYTES
from dides.api.requests import check_path
from dides.api.sessions import COOKIE, FORM_FIELD, is_safe
from dides.model.errors import ForbiddenError, UnauthorizedError

LOGIN = "/ui/login"
OPEN = "open"
"""A route with this option needs no session."""
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


async def check(request: Browser) -> None:
    """Refuse what may not come to a page, before it is called.

    ForbiddenError for a form of another origin, UnauthorizedError for who has not signed in, NotFoundException where
    there is something for browsers only.
    """
    if request.route_handler.opt.get(HTML_ONLY) and "text/html" not in request.headers.get("accept", ""):
        raise NotFoundException
    access = access_of(request)
    access.check_page(request)
    if request.route_handler.opt.get(OPEN):
        return
    principal = access.signed_in(request)
    if principal is None:
        raise UnauthorizedError("Sign in with the operator's token.")
    request.state.principal = principal
    check_path(request)
    if not is_safe(request.method) and principal.role is not Role.ANYONE:
        _check_form(request, await request.form())


def _check_form(request: Browser, form: FormMultiDict) -> None:
    shown, cookie = form.get(FORM_FIELD, ""), request.cookies.get(COOKIE, "")
    if not access_of(request).sessions.is_form_token(str(shown), cookie):
        raise ForbiddenError("This form belongs to another session. Reload the page and send it again.")


def to_login(request: Browser, error: UnauthorizedError) -> Response[Any]:
    """Send a browser to where one signs in, and back to the page afterwards; a script is told that it has to."""
    if request.headers.get("hx-request"):
        here = request.headers.get("hx-current-url", "/")
        return Response(b"", status_code=401, headers={"HX-Redirect": f"{LOGIN}?next={quote(_path_of(here), safe='')}"})
    if is_safe(request.method) and "text/html" not in request.headers.get("accept", ""):
        return refused(request, error)
    here = request.url.path if is_safe(request.method) else "/"
    query = f"?{request.url.query}" if request.url.query and is_safe(request.method) else ""
    return Redirect(f"{LOGIN}?next={quote(_fitting(here + query), safe='')}", status_code=303)


def local(path: str) -> str:
    """Return an address within the dashboard, "/" for any other: nobody is sent elsewhere by a link to us."""
    return path if path.startswith("/") and not path.startswith(("//", "/\\")) else "/"


def _path_of(url: str) -> str:
    """Return the path and query in an address."""
    rest = url.partition("//")[2]
    return _fitting(local("/" + rest.partition("/")[2]))


def _fitting(address: str) -> str:
    """Return an address that still fits into another one's query string: without its own one, if need be."""
    path = address.partition("?")[0]
    return next((each for each in (address, path) if len(each) <= LONGEST_ADDRESS), "/")
