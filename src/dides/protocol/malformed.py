"""Where a body is no JSON, by line and column, both from 1 and in characters."""

import json
import re

import msgspec

_BYTE = re.compile(r"\(byte (\d+)\)")
_LONE = re.compile(r"\\u(?:[dD][89abAB]..(?!\\u[dD][c-fC-F])|(?<!\\u[dD][89abAB]..\\u)[dD][c-fC-F])", re.DOTALL)
"""An escape that is half of a surrogate pair without its other half."""


def find_break(body: bytes) -> str | None:
    """Return where, and how, a body breaks the rules of JSON in UTF-8; None when it keeps them."""
    try:
        body.decode()
        msgspec.json.decode(body, type=msgspec.Raw)
    except UnicodeDecodeError as error:
        return _say(body[: error.start].decode(), "this is not UTF-8")
    except RecursionError:
        return None  # So deep that it breaks every schema; the grammar holds as far as it was read.
    except msgspec.DecodeError as error:
        return _describe(body.decode(), str(error))
    return None


def _describe(text: str, complaint: str) -> str | None:
    """Ask the standard library, which says most precisely where the grammar is broken."""
    try:
        # What numbers mean does not matter, and Python refuses to say it of very long ones.
        json.loads(text, parse_int=len, parse_float=len)
    except json.JSONDecodeError as error:
        early = error.pos >= len(text.rstrip())
        return _say(text[: error.pos], "the body ends too early" if early else error.msg[0].lower() + error.msg[1:])
    except RecursionError:
        return None
    # What it lets pass: NaN and the like, which are no JSON, and halves of surrogate pairs, which are no text.
    found = _BYTE.search(complaint)
    before = text.encode()[: int(found[1]) if found else None].decode(errors="replace")
    # A backslash that is escaped begins no escape.
    lone = _LONE.search(text.replace(r"\\", "  "), max(0, len(before) - len(r"x\ud800\udc00")))
    if lone and lone.start() < len(before):
        return _say(text[: lone.start()], "half of a surrogate pair stands alone")
    return _say(before, "invalid value")


def _say(before: str, what: str) -> str:
    return f"At line {before.count(chr(10)) + 1}, column {len(before) - before.rfind(chr(10))}: {what}."
