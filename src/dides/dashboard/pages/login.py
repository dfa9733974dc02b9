"""Where an operator signs in, and out."""

from typing import Any

from litestar import Response, get, post
from litestar.datastructures import Cookie
from litestar.response import Redirect

from dides.api.access import access_of
from dides.api.base_path import base_of
from dides.api.limits.rate_limits import limits_of
from dides.api.limits.request_limits import LOGIN_BYTES
from dides.api.sessions import COOKIE
from dides.dashboard.guard import LOGIN, OPEN, Browser, local
from dides.dashboard.origin import check_origin, is_https
from dides.dashboard.render import render
from dides.model.actor import OPERATOR


@get(LOGIN, opt={OPEN: True})
async def login(request: Browser) -> Response[str]:
    """Ask for the operator's token."""
    return render(request, "login.html", next=local(request, request.query_params.get("next", "/")), wrong=False)


@post(LOGIN, opt={OPEN: True}, request_max_body_size=LOGIN_BYTES)
async def sign_in(request: Browser) -> Response[Any]:
    """Begin a session."""
    check_origin(request)
    form, access = await request.form(), access_of(request)
    onward = local(request, str(form.get("next", "/")))
    if not access.is_operator(str(form.get("token", "")).strip()):
        limits_of(request).count_wrong(request)
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
    return Cookie(
        key=COOKIE,
        value=value,
        # Below a prefix there may be others on the same host, another coordinator for one.
        path=base_of(request) or "/",
        httponly=True,
        samesite="lax",
        secure=is_https(request),
        max_age=max_age,
    )
