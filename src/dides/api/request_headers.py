"""The two request headers that more than one room reads: X-Request-ID and Authorization."""

import re
from hashlib import sha256

_REQUEST_ID = re.compile(rb"[!-~]{1,128}")
_BEARER = "bearer "
BEARER_SCHEMES = (b"Bearer ", b"bearer ")
"""The two spellings of the scheme that agents and proxies send; HTTP allows any case."""


def is_request_id(value: bytes) -> bool:
    """Tell whether X-Request-ID has 1 to 128 visible ASCII characters: such a value is kept."""
    return _REQUEST_ID.fullmatch(value) is not None


def bearer_in(authorization: str) -> str | None:
    """Return the credential in the value of an Authorization header, None when it has none."""
    scheme, token = authorization[: len(_BEARER)], authorization[len(_BEARER) :].strip()
    return token if token and scheme.lower() == _BEARER else None


def credential_hash_in(authorization: bytes) -> bytes:
    """Return the SHA-256 of the credential in the value of an Authorization header, empty when it has none."""
    token = bearer_in(authorization.decode("latin-1"))
    return b"" if token is None else sha256(token.encode()).digest()
