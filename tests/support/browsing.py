"""What a browser sends to the dashboard, without a browser."""

from urllib.parse import urlencode

import httpx2

from dides.api.sessions import COOKIE, FORM_FIELD, Sessions
from dides.coordinator.credentials import hash_of
from support.app import OPERATOR, App

SESSIONS = Sessions(hash_of(OPERATOR))
HTML = "text/html,application/xhtml+xml,*/*;q=0.8"
FORM = "application/x-www-form-urlencoded"


class Browsing:
    """Somebody who has signed in, unless told otherwise."""

    def __init__(self, app: App, cookie: str | None = None) -> None:
        """`cookie` is the session, "" for none, by default one that has begun just now."""
        self.cookie = SESSIONS.begin("operator") if cookie is None else cookie
        self._app = app

    async def get(self, path: str, **headers: str) -> httpx2.Response:
        """Ask for a page; `headers` have underscores in place of hyphens."""
        return await self.send("GET", path, **headers)

    async def post(self, path: str, form: dict[str, str] | None = None, /, **headers: str) -> httpx2.Response:
        """Send a form of the dashboard's own pages, which show the session's token unless `form` has another."""
        token = {FORM_FIELD: SESSIONS.form_token(self.cookie)} if self.cookie else {}
        body = urlencode({**token, **(form or {})}).encode()
        return await self.send("POST", path, body, Content_Type=FORM, **headers)

    async def send(self, method: str, path: str, content: bytes | None = None, /, **headers: str) -> httpx2.Response:
        """Send a request."""
        given = {"Accept": HTML, **{name.replace("_", "-"): value for name, value in headers.items()}}
        if self.cookie:
            given["Cookie"] = f"{COOKIE}={self.cookie}"
        return await self._app.send(method, path, credential=None, headers=given, content=content)
