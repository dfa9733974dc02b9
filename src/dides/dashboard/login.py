"""Where an operator signs in, and out."""

from typing import Any

from litestar import Response, get, post
from litestar.datastructures import Cookie
from litestar.response import Redirect

from dides.api.access import access_of
from dides.api.request_limits import LOGIN_BYTES
from dides.api.sessions import COOKIE
from dides.dashboard.guard import LOGIN, OPEN, Browser, local
from dides.dashboard.page import render
from dides.model.actor import OPERATOR
from dides.model.errors import ForbiddenError

_OURS = ("same-origin", "none")


@get(LOGIN, opt={OPEN: True})
async def login(request: Browser) -> Response[str]:
    """Ask for the operator's token."""
    return render(request, "login.html", next=local(request.query_params.get("next", "/")), wrong=False)


@post(LOGIN, opt={OPEN: True}, request_max_body_size=LOGIN_BYTES)
async def sign_in(request: Browser) -> Response[Any]:
    """Begin a session."""
    _check_origin(request)
    form, access = await request.form(), access_of(request)
    onward = local(str(form.get("next", "/")))
    if not access.is_operator(str(form.get("token", "")).strip()):
        return render(request, "login.html", 401, next=onward, wrong=True)
    answer: Redirect = Redirect(onward, status_code=303)
    answer.cookies.append(_cookie(request, access.sessions.begin(OPERATOR)))
    return answer


@post("/ui/logout")
async def sign_out(request: Browser) -> Redirect:
    """End the session in this browser."""
    answer: Redirect = Redirect(LOGIN, status_code=303)
    answer.cookies.append(_cookie(request, "", max_age=0))
    return answer


def _cookie(request: Browser, value: str, max_age: int | None = None) -> Cookie:
    # Something in front of us that does TLS says so; whoever lies to us about it only harms themselves.
    forwarded = request.headers.get("x-forwarded-proto", "").partition(",")[0].strip().lower()
    secure = request.url.scheme == "https" or forwarded == "https"
    return Cookie(key=COOKIE, value=value, path="/", httponly=True, samesite="lax", secure=secure, max_age=max_age)


def _check_origin(request: Browser) -> None:
    """Raise ForbiddenError for a page of another origin that would sign its visitor in as somebody else."""
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    # Where a browser says which site it comes from, that holds too behind what changes the host on the way.
    ours = site in _OURS if site else origin is None or origin.partition("//")[2] == request.headers.get("host")
    if not ours:
        raise ForbiddenError("Sign in from the dashboard's own page.")
