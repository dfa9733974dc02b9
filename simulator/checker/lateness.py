"""Which heartbeats come late, as the checker itself knows it: by the tables, and by what each coordinator has taken.

The network brings some twice, and some after others that were sent later; agents start anew while their last words are
still under way. Coordinators answer what comes late and let it change nothing.
"""

import json

import msgspec
from msgspec import UNSET

from dides.protocol.messages import Heartbeat
from simulator.checker.rows import InstanceRow


class Known(msgspec.Struct):
    """The agent processes of one instance: what its row says, and then what the heartbeats of one commit have added."""

    session: str | None
    sequence: int
    earlier: dict[str, int]
    reachable: bool


class Lateness:
    """Remembers the number of the last heartbeat that each coordinator has taken of each agent process."""

    def __init__(self) -> None:
        self._taken: dict[tuple[str, str], int] = {}

    def lost(self, coordinator: str) -> None:
        """Forget what a coordinator had in its memory when it was killed."""
        self._taken = {key: number for key, number in self._taken.items() if key[0] != coordinator}

    def is_news(self, coordinator: str, known: Known, heartbeat: Heartbeat) -> bool:
        """Tell whether a heartbeat counts that changed nothing, and remember its number if it does."""
        session, sequence = heartbeat.session, heartbeat.sequence
        if session is UNSET or sequence is UNSET:
            return True
        if session in known.earlier or sequence <= self._last(coordinator, known, session):
            return False
        self._taken[coordinator, session] = sequence
        return True

    def counts(self, coordinator: str, known: Known, heartbeat: Heartbeat) -> bool:
        """Tell whether a heartbeat that a commit has taken in counts, and add it to what is known."""
        session, sequence = heartbeat.session, heartbeat.sequence
        if session is UNSET or sequence is UNSET:
            known.reachable = True
            return True
        if session in known.earlier:
            if known.reachable or sequence <= known.earlier[session]:
                return False
        elif session == known.session and sequence <= self._last(coordinator, known, session):
            return False
        _add(known, session, sequence)
        self._taken[coordinator, session] = sequence
        return True

    def _last(self, coordinator: str, known: Known, session: str) -> int:
        stored = known.sequence if session == known.session else 0
        return max(stored, self._taken.get((coordinator, session), 0))


def known_of(row: InstanceRow) -> Known:
    """Return what a row says of the agent processes of its instance."""
    earlier = {each["session"]: each["sequence"] for each in json.loads(row.earlier_sessions or "[]")}
    return Known(row.session, row.sequence, earlier, bool(row.reachable))


def _add(known: Known, session: str, sequence: int) -> None:
    known.earlier.pop(session, None)
    if known.session not in (None, session):
        known.earlier[str(known.session)] = known.sequence
    known.session, known.sequence, known.reachable = session, sequence, True
