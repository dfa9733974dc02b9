"""What database URLs mean. No text made here repeats a URL: there may be a password in it."""

import re
from pathlib import Path

SQLITE = "sqlite:///"
POSTGRESQL = ("postgresql://", "postgres://")
_AUTHORITY = re.compile(r"\w+://(?P<authority>[^/?]*)(?P<rest>.*)", re.DOTALL)


class UnknownDatabaseError(Exception):
    """A database that this version cannot use; the text says why, and which it can."""


def is_postgresql(url: str) -> bool:
    """Tell whether a URL names a PostgreSQL database."""
    return url.startswith(POSTGRESQL)


def sqlite_file(url: str) -> Path:
    """Return the file that an SQLite URL names (`sqlite:////var/lib/dides/dides.db`); UnknownDatabaseError."""
    if not url.startswith(SQLITE) or url == SQLITE:
        scheme = url.partition(":")[0]
        raise UnknownDatabaseError(f"{scheme!r} databases are not supported; use {SQLITE}FILE or postgresql://...")
    return Path(url.removeprefix(SQLITE))


def check_postgresql(url: str) -> None:
    """Raise UnknownDatabaseError when a password in a URL would be taken for something else, and shown as such."""
    found = _AUTHORITY.fullmatch(url)
    if found is None or found["authority"].count("@") > 1 or "@" in found["rest"]:
        raise UnknownDatabaseError(
            "The database URL cannot be read. In user names and passwords @ : / ? # and % are written as %40 %3A %2F "
            "%3F %23 and %25."
        )
