"""Sessions of operators who sign in with a browser: a signed cookie that every coordinator with the same token accepts.

Nothing is stored. The key is derived from the operator's token, so that a new token ends every session. A session may
only read, unless a request also shows the session's form token, which no page of another origin can know.
"""

from hmac import compare_digest
from typing import Any

from itsdangerous import BadSignature, URLSafeTimedSerializer

COOKIE = "dides-session"
FORM_FIELD = "form-token"
HOURS = 12
"""How long a session lasts."""
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


class Sessions:
    """Begins sessions, and says to whom a session belongs."""

    def __init__(self, key: bytes) -> None:
        """`key` is the SHA-256 of the operator's token."""
        self._sessions = URLSafeTimedSerializer(key, salt="dides session")
        self._forms = URLSafeTimedSerializer(key, salt="dides form")

    def begin(self, name: str) -> str:
        """Return the cookie of a new session of an operator."""
        return str(self._sessions.dumps(name))

    def name_in(self, cookie: str | None) -> str | None:
        """Return whose session a cookie is; None when it is nobody's, or over."""
        return self._read(self._sessions, cookie)

    def form_token(self, cookie: str) -> str:
        """Return what forms of a session have to show."""
        return str(self._forms.dumps(cookie))

    def is_form_token(self, token: str, cookie: str) -> bool:
        """Tell whether a form shows the token of its session."""
        found = self._read(self._forms, token)
        return found is not None and compare_digest(found.encode(), cookie.encode())

    def _read(self, serializer: URLSafeTimedSerializer, text: str | None) -> str | None:
        try:
            found: Any = serializer.loads(text or "", max_age=HOURS * 3600)
        except BadSignature:
            return None
        return found if isinstance(found, str) else None


def is_safe(method: str) -> bool:
    """Tell whether a request with this method only reads."""
    return method in _SAFE
