"""Finds the operator token of a coordinator on this machine, so that nobody has to type it there."""

from pathlib import Path

import httpx2

from dides.client.loopback import is_loopback
from dides.runtime.config import default_data_dir
from dides.runtime.private_files import read_file

OPERATOR_FILE = "operator-token"


def find_token(server: str, file: Path | None) -> str | None:
    """Return the operator token in a file, None when it cannot be read or the server is on another machine."""
    if file is None or not is_on_this_machine(server):
        return None
    try:
        return read_file(file).decode().strip() or None
    except (OSError, UnicodeDecodeError):
        return None


def token_file() -> Path | None:
    """Return the file in which a coordinator of this user keeps its operator token; None where it has no place."""
    directory = default_data_dir()
    return directory / OPERATOR_FILE if directory else None


def is_on_this_machine(server: str) -> bool:
    """Tell whether a base URL names a loopback address."""
    try:
        return is_loopback(httpx2.URL(server).host)
    except httpx2.InvalidURL:
        return False
