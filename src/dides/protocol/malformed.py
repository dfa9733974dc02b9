"""Where a body is no JSON, by line and column, both from 1 and in characters."""

import json
import re

import msgspec

_BYTE = re.compile(r"\(byte (\d+)\)")
_ESCAPE = re.compile(r"\\(?:u(?P<code>[0-9a-fA-F]{4})|.)", re.DOTALL)


def find_break(body: bytes) -> str | None:
    """Return where, and how, a body breaks the rules of JSON in UTF-8; None when it keeps them."""
    try:
        body.decode()
        msgspec.json.decode(body)
    except UnicodeDecodeError as error:
        return _say(body[: error.start].decode(), "this is not UTF-8")
    except (RecursionError, msgspec.ValidationError):
        return None  # So deep, or a number so large, that it breaks every schema; the grammar holds as far as read.
    except msgspec.DecodeError as error:
        return _describe(body.decode(), str(error))
    return None


def _describe(text: str, complaint: str) -> str | None:
    """Ask the standard library, which says most precisely where the grammar is broken."""
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        early = error.pos >= len(text.rstrip())
        return _say(text[: error.pos], "the body ends too early" if early else error.msg[0].lower() + error.msg[1:])
    except RecursionError:
        return None
    # What it lets pass: NaN and the like, which are no JSON, and halves of surrogate pairs, which are no text.
    if (lone := _lone_surrogate(text)) is not None:
        return _say(text[:lone], "half of a surrogate pair stands alone")
    found = _BYTE.search(complaint)
    return _say(text.encode()[: int(found[1]) if found else None].decode(errors="replace"), "invalid value")


def _lone_surrogate(text: str) -> int | None:
    """Return the offset of the first escape that is half of a surrogate pair without its other half."""
    high: re.Match[str] | None = None
    for escape in _ESCAPE.finditer(text):
        code = int(escape["code"] or "0", 16)
        if high and high.end() == escape.start() and 0xDC00 <= code <= 0xDFFF:
            high = None
            continue
        if high or 0xDC00 <= code <= 0xDFFF:
            return high.start() if high else escape.start()
        high = escape if 0xD800 <= code <= 0xDBFF else None
    return high.start() if high else None


def _say(before: str, what: str) -> str:
    lines = before.split("\n")
    return f"At line {len(lines)}, column {len(lines[-1]) + 1}: {what}."
