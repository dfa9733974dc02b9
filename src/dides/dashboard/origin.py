"""Where a browser finds this coordinator, and whether a form comes from there.

A proxy in front of a coordinator may change the host on the way, and TLS may end there. A page of another origin cannot
make a browser send the headers of such a proxy, so whoever lies in them only harms themselves.
"""

from urllib.parse import urlsplit

from dides.api.base_path import base_of
from dides.dashboard.guard import Browser
from dides.model.errors import ForbiddenError

_OURS = ("same-origin", "none")
USUAL_HOST = "127.0.0.1:8420"


def is_https(request: Browser) -> bool:
    """Tell whether the browser uses TLS, here or at a proxy."""
    return "https" in (request.url.scheme, _forwarded(request, "x-forwarded-proto").lower())


def server_address(request: Browser) -> str:
    """Return the URL of the coordinator, as this browser sees it."""
    host = _forwarded(request, "x-forwarded-host") or request.headers.get("host", USUAL_HOST)
    return f"{'https' if is_https(request) else 'http'}://{host}{base_of(request)}"


def check_origin(request: Browser) -> None:
    """Raise ForbiddenError for a page of another origin that would sign its visitor in as somebody else.

    Where a browser says which site a form comes from, that holds whatever a proxy does. Over plain HTTP it says its own
    origin only, to be compared with the host that it asked for; some proxies leave out the port of that. A page on
    another port of the same host gains nothing by it: the two share their cookies anyway.
    """
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    if site in _OURS or (site is None and (origin is None or _is_one_of(origin, _hosts(request)))):
        return
    if site is not None:
        raise ForbiddenError("Sign in from the dashboard's own page.")
    raise ForbiddenError(
        f"The form comes from a page of {origin}, and was sent to {' or '.join(_hosts(request))}: sign in from the "
        "dashboard's own page. If it is that, the proxy in front of this coordinator changes the host on the way. Let "
        "it pass on what the browser sent (nginx: proxy_set_header Host $http_host)."
    )


def _hosts(request: Browser) -> list[str]:
    found = (request.headers.get("host", ""), _forwarded(request, "x-forwarded-host"))
    return [host for host in dict.fromkeys(found) if host]


def _is_one_of(origin: str, hosts: list[str]) -> bool:
    said = origin.partition("//")[2]
    return said in hosts or _without_port(said) in [host for host in hosts if host == _without_port(host)]


def _without_port(host: str) -> str:
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""
    return f"[{name}]" if ":" in name else name


def _forwarded(request: Browser, name: str) -> str:
    """Return what the proxy nearest to the browser says in a header, "" where none does."""
    return request.headers.get(name, "").partition(",")[0].strip()
