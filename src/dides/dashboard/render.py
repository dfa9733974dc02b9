"""Renders pages and parts of pages."""

import re
from datetime import datetime
from http import HTTPStatus
from importlib.metadata import version
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from litestar import MediaType, Response
from litestar.exceptions import HTTPException
from markupsafe import Markup

from dides.api.access import access_of
from dides.api.base_path import base_of
from dides.api.problems import described, note_excess
from dides.api.sessions import COOKIE, FORM_FIELD
from dides.dashboard.assets import assets
from dides.dashboard.guard import HEADERS, Browser
from dides.model.errors import InvalidError, RefusedError
from dides.protocol.progress import done
from dides.text.format import by_whom, last_lines, plural, seconds, state

_ADDRESS = re.compile(r'\s(?:href|action|src|hx-get|hx-post|data-new)="(?=/)')
_WHY = {
    400: "What was sent is no form.",
    404: "There is nothing at this address.",
    405: "This address is for something else.",
    413: "More was sent than is accepted here.",
}


def _moment(at: datetime | None) -> Markup:
    """Return a moment as the reader's browser will show it in its own zone; in UTC until then."""
    if at is None:
        return Markup("<span>never</span>")
    exact = at.isoformat(timespec="seconds").replace("+00:00", "Z")
    shown = at.strftime("%Y-%m-%d %H:%M:%S UTC")
    return Markup('<time datetime="{}" title="{}">{}</time>').format(exact, exact, shown)


_environment = Environment(
    loader=PackageLoader("dides.dashboard"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_environment.globals.update(asset=assets().url, form_field=FORM_FIELD, version=version("dides"))
_environment.filters.update(
    by_whom=by_whom, done=done, last_lines=last_lines, moment=_moment, plural=plural, seconds=seconds, state=state
)


def render(request: Browser, template: str, status: int = 200, **context: Any) -> Response[str]:
    """Return a page, or a part of one, from a template in templates/."""
    access, cookie = access_of(request), request.cookies.get(COOKIE, "")
    text = _environment.get_template(template).render(
        **context,
        form_token=access.sessions.form_token(cookie) if cookie else "",
        principal=request.scope["state"].get("principal"),
        dev=access.dev,
        here=request.url.path,
    )
    return Response(_below(base_of(request), text), status_code=status, media_type=MediaType.HTML, headers=HEADERS)


def _below(base: str, text: str) -> str:
    """Put the path prefix before every address of ours; what others have typed is escaped, and never looks like one."""
    return _ADDRESS.sub(rf"\g<0>{base}", text) if base else text


def refused(request: Browser, error: RefusedError) -> Response[str]:
    """Show one of our refusals, and what to do next: as a page, or as the part of one that was asked for."""
    note_excess(request, error)
    problem, headers = described(error)
    details = [wrong.message for wrong in error.errors] if isinstance(error, InvalidError) else []
    shown = _error(request, problem.status, problem.title, problem.detail, details)
    shown.headers.update({name: text for name, text in headers.items() if name == "Retry-After"})
    return shown


def not_found(request: Browser, error: HTTPException) -> Response[str]:
    """Show what the framework refuses."""
    title = HTTPStatus(error.status_code).phrase
    return _error(request, error.status_code, title, _WHY.get(error.status_code, "The request was refused."), [])


def _error(request: Browser, status: int, title: str, detail: str, details: list[str]) -> Response[str]:
    part = bool(request.headers.get("hx-request"))
    context = {"title": title, "detail": detail, "details": details, "code": status}
    # htmx shows only what succeeded; a refusal of a part is to be read where the part would be.
    shown = render(request, "refusal.html" if part else "error.html", 200 if part else status, **context)
    if part:
        shown.headers["HX-Reswap"] = "innerHTML"
    return shown
