"""An operator's browser without a browser: requests to the dashboard with a session and the token of its forms."""

from collections.abc import Mapping
from urllib.parse import urlencode

import httpx2

from dides.api.sessions import COOKIE, FORM_FIELD, Sessions
from dides.coordinator.credentials import hash_of
from support.app import OPERATOR, App

SESSIONS = Sessions(hash_of(OPERATOR))


class SignedIn:
    """Asks for pages, and sends forms; with `part` as htmx does."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._cookie = SESSIONS.begin("operator")

    async def get(self, path: str, *, part: bool = False) -> httpx2.Response:
        """Ask for a page."""
        return await self._send("GET", path, part=part)

    async def post(
        self, path: str, fields: Mapping[str, str], *, part: bool = False, form_token: str | None = None
    ) -> httpx2.Response:
        """Send a form."""
        token = SESSIONS.form_token(self._cookie) if form_token is None else form_token
        return await self._send("POST", path, urlencode({FORM_FIELD: token, **fields}).encode(), part=part)

    async def _send(self, method: str, path: str, content: bytes | None = None, *, part: bool) -> httpx2.Response:
        headers = {"Cookie": f"{COOKIE}={self._cookie}"}
        if content is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        if part:
            headers["HX-Request"] = "true"
        return await self._app.send(method, path, credential=None, headers=headers, content=content)
