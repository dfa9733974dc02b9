"""How long a coordinator, or whatever stands before it, asks to wait: the header Retry-After (RFC 9110, 10.2.3)."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

LONGEST = 3600.0
"""Seconds; whoever asks for more is taken to mean this."""


def read_retry_after(value: str | None, date: str | None, now: int) -> float | None:
    """Return the seconds that a Retry-After asks for, at most an hour; None when it says nothing that can be read.

    It is a number of seconds or a moment. A moment is compared with `date`, the answer's header Date, because clocks
    differ; with `now`, this machine's time in milliseconds, when there is none.
    """
    text = (value or "").strip()
    if text.isascii() and text.isdigit():
        return min(float(text), LONGEST)
    moment = _moment(text)
    if moment is None:
        return None
    return min(max(0.0, moment - (_moment(date or "") or now / 1000)), LONGEST)


def _moment(text: str) -> float | None:
    """Return a moment, an HTTP-date, in seconds since 1970."""
    try:
        found: datetime = parsedate_to_datetime(text)
        # An HTTP-date is in GMT by definition, also where it does not say so (asctime).
        return (found.replace(tzinfo=UTC) if found.tzinfo is None else found).timestamp()
    except (ValueError, OverflowError):
        return None
