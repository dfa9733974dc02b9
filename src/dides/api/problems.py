"""Refusals as problem documents (RFC 9457)."""

from collections.abc import Collection
from typing import Any

import msgspec
import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException

from dides.model.errors import (
    BusyError,
    FieldError,
    InFlightError,
    InvalidError,
    RateError,
    RefusedError,
    UnauthorizedError,
    UnavailableError,
)
from dides.protocol.messages import Problem, ProblemField

log = structlog.get_logger()
MEDIA_TYPE = "application/problem+json"
EXCESS = "excess"
"""In the state of a request: its sender asks too often."""
RETRY_SECONDS = "1"
Handled = Request[Any, Any, Any]

LONGEST_TEXT = 1000
TITLES = {
    400: "The request is not valid",
    404: "There is nothing at this path",
    405: "This path does not have that method",
    413: "The body is too large",
}


def refused(request: Handled, error: RefusedError) -> Response[bytes]:
    """Answer one of our own refusals."""
    note_excess(request, error)
    return _answer(request, *described(error))


def note_excess(request: Handled, error: RefusedError) -> None:
    """Let the connection of who asks too often be closed after the answer."""
    if isinstance(error, RateError):
        request.scope["state"][EXCESS] = True


def described(error: RefusedError) -> tuple[Problem, dict[str, str]]:
    """Return the problem document of one of our own refusals, and the headers that go with it."""
    problem = Problem(
        type=f"urn:dides:problem:{error.kind}", title=error.title, status=error.status, detail=_short(error.detail)
    )
    headers = {}
    if isinstance(error, InvalidError):
        problem.errors = [
            ProblemField(field=_short(wrong.field), message=_short(wrong.message)) for wrong in error.errors
        ]
    if isinstance(error, InFlightError):
        problem.deployment_id = error.deployment_id
    if isinstance(error, UnauthorizedError):
        headers["WWW-Authenticate"] = 'Bearer realm="dides"'
    if isinstance(error, RateError):
        headers["Retry-After"] = f"{error.seconds:g}"
    if isinstance(error, UnavailableError | BusyError):
        headers["Retry-After"] = RETRY_SECONDS
    return problem, headers


def invalid_header(request: Handled, error: ValidationException) -> Response[bytes]:
    """Answer a header that breaks the schema; bodies and query strings never come here."""
    extra = error.extra if isinstance(error.extra, list) else []
    return refused(request, InvalidError(*(FieldError(str(wrong.get("key", "")), wrong["message"]) for wrong in extra)))


def http_error(request: Handled, error: HTTPException) -> Response[bytes]:
    """Answer what the framework refuses: no such path, wrong method, too large."""
    if error.status_code >= 500:
        return unexpected(request, error)
    headers = dict(error.headers or {})
    if "allow" in headers:
        headers = {"Allow": allow(headers["allow"].split(", "))}
    title = TITLES.get(error.status_code, "The request was refused")
    problem = Problem(type="about:blank", title=title, status=error.status_code, detail=_detail(request, error))
    return _answer(request, problem, headers)


def allow(methods: Collection[str]) -> str:
    """Return the value of an Allow header."""
    return ", ".join(sorted({*methods, "OPTIONS", *({"HEAD"} if "GET" in methods else ())}))


def _detail(request: Handled, error: HTTPException) -> str:
    match error.status_code:
        case 404:
            return "See what there is at GET /schema."
        case 405:
            return f"{request.method} is not among its methods; see the header Allow, and GET /schema."
        case 413:
            return f"At most {request.route_handler.resolve_request_max_body_size():,} bytes are accepted here."
        case _:
            return error.detail


def unexpected(request: Handled, error: Exception) -> Response[bytes]:
    """Answer our own mistakes; the log has the details, under the request id."""
    log.error("unexpected error", exc_info=error, path=request.url.path, method=request.method)
    detail = "This is a mistake in dides. The coordinator's log has the details under this request id."
    return _answer(request, Problem(type="about:blank", title="Unexpected error", status=500, detail=detail), {})


def _short(text: str) -> str:
    """Cut a text that repeats what was sent, which may be as large as a body."""
    return text if len(text) <= LONGEST_TEXT else text[:LONGEST_TEXT] + "…"


def _answer(request: Handled, problem: Problem, headers: dict[str, str]) -> Response[bytes]:
    problem.request_id = request.scope["state"].get("request_id")
    content = msgspec.json.encode(problem)
    return Response(content, status_code=problem.status, media_type=MEDIA_TYPE, headers=headers)
