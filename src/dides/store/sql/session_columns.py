"""Between the columns of an instance that keep its sessions and the model."""

from typing import Any

import msgspec

from dides.model.sessions import NO_SESSIONS, Earlier, Sessions

_decode = msgspec.json.Decoder(tuple[Earlier, ...]).decode


def sessions_from(session: str | None, sequence: int, earlier: str | None, duplicated_until: int) -> Sessions:
    """Return the sessions kept in these columns."""
    if session is None and earlier is None:
        return NO_SESSIONS
    return Sessions(session, sequence, _decode(earlier) if earlier else (), duplicated_until)


def session_columns(sessions: Sessions) -> dict[str, Any]:
    """Return the columns that keep sessions."""
    return {
        "session": sessions.session,
        "sequence": sessions.sequence,
        "earlier_sessions": earlier_text(sessions),
        "duplicated_until": sessions.duplicated_until,
    }


def earlier_text(sessions: Sessions) -> str | None:
    """Return what is kept of earlier sessions."""
    return msgspec.json.encode(sessions.earlier).decode() if sessions.earlier else None
