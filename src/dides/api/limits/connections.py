"""At most four connections of one credential: a newer one takes the place of the oldest.

The newest counts: when an agent comes back from a cut network, the coordinator does not know of the end of its earlier
connections. A connection on which several credentials were shown is a proxy's, and is not counted.
"""

from typing import Protocol

MOST = 4


class Connection(Protocol):
    """As much of a connection as is needed."""

    def give_way(self) -> None:
        """Close, once what is being answered is."""
        ...


class Crowd:
    """The connections by the hash of the credential that was shown on them."""

    def __init__(self, exempt: bytes, most: int = MOST) -> None:
        """`exempt` is the hash of the operators' token, of which there may be any number."""
        self.sent_away = 0
        """How many connections had to make room."""
        self._exempt = exempt
        self._most = most
        self._connections: dict[bytes, tuple[Connection, ...]] = {}

    @property
    def credentials(self) -> int:
        """How many credentials have connections."""
        return len(self._connections)

    def add(self, credential: bytes, connection: Connection) -> None:
        """Count a connection; the oldest one of too many gives way."""
        if credential == self._exempt:
            return
        found = (*self._connections.get(credential, ()), connection)
        oldest, kept = (found[0], found[1:]) if len(found) > self._most else (None, found)
        self._connections[credential] = kept
        if oldest is not None:
            self.sent_away += 1
            oldest.give_way()

    def remove(self, credential: bytes, connection: Connection) -> None:
        """Count a connection no more."""
        kept = tuple(other for other in self._connections.get(credential, ()) if other is not connection)
        if kept:
            self._connections[credential] = kept
        else:
            self._connections.pop(credential, None)
