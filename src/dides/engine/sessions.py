"""Which reports of an instance count, by the agent process that sent them.

Every agent process draws a session at random when it starts, and numbers its reports from 1. For one instance:

- A report without a session counts: its sender is no agent, or one that an older coordinator has refused the field.
- A report of the current session counts if its number is above the last one. Else it came late, or twice.
- A report of a session that nobody knows counts: an agent has started anew. Its session becomes the current one, and
  the one before it an earlier one.
- A report of an earlier session came late, or a second process lives. It changes nothing, unless the instance has been
  declared unreachable: then the current session has been silent for its time to live, and the two change places.

Two processes, of which neither ends, show themselves so: the earlier one goes on reporting, and the current one as
well. An instance is duplicated once an earlier session has reported three times within two times to live, each time
after a report of the current one. A restart does not look like that, however late its last packets come: a process
has one report under way, and at a coordinator that was stopped perhaps another one. Nor does a state directory that
was restored: its process is a new one, and the one before it is gone. An instance stays duplicated for two times to
live after the last such report.
"""

from typing import TypeAlias

import msgspec

from dides.model.sessions import Earlier, Sessions

TIMES = 3
"""How often an earlier session reports between reports of the current one before both are known to live."""
KEPT = 8
"""How many earlier sessions are remembered: a late report of an older one would be taken for that of a new process."""
Heard: TypeAlias = tuple[Sessions, bool]
"""What is known after a report, and whether that report counts."""


class Listening(msgspec.Struct, frozen=True):
    """What else is known of an instance when it reports. Moments are ms since 1970-01-01 UTC."""

    at: int
    """When the report was received."""
    reachable: bool
    """False once the instance has been silent for its time to live."""
    newest_at: int
    """When a report was received last that counted."""
    time_to_live: int
    """Milliseconds."""


def hear(known: Sessions, session: str, sequence: int, listening: Listening) -> Heard:
    """Return what is known after a report with this session and number, and whether it counts."""
    if session == known.session:
        return _hear_current(known, sequence)
    earlier = next((earlier for earlier in known.earlier if earlier.session == session), None)
    if earlier is None:
        return _replace(known, session, sequence), True
    if sequence <= earlier.sequence:
        return known, False
    if not listening.reachable:
        return _replace(known, session, sequence), True
    return _note(known, earlier, sequence, listening), False


def is_duplicated(known: Sessions, now: int) -> bool:
    """Tell whether two processes report as one instance."""
    return now < known.duplicated_until


def _hear_current(known: Sessions, sequence: int) -> Heard:
    if sequence <= known.sequence:
        return known, False
    return msgspec.structs.replace(known, sequence=sequence), True


def _replace(known: Sessions, session: str, sequence: int) -> Sessions:
    """Make a session the current one, and the one before it an earlier one."""
    others = [earlier for earlier in known.earlier if earlier.session != session]
    if known.session is not None:
        others.insert(0, Earlier(known.session, known.sequence))
    return Sessions(session, sequence, tuple(others[:KEPT]), known.duplicated_until)


def _note(known: Sessions, earlier: Earlier, sequence: int, listening: Listening) -> Sessions:
    """Note that an earlier session still reports."""
    window = 2 * listening.time_to_live
    moments = earlier.moments
    if not moments or listening.newest_at > moments[-1]:
        moments = (*(moment for moment in moments if listening.at - moment < window), listening.at)[-TIMES:]
    until = listening.at + window if len(moments) == TIMES and moments[-1] == listening.at else known.duplicated_until
    noted = Earlier(earlier.session, sequence, moments)
    others = tuple(noted if other is earlier else other for other in known.earlier)
    return Sessions(known.session, known.sequence, others, max(until, known.duplicated_until))
