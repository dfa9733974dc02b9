"""The agent processes of an instance, as its reports have shown them. Moments are milliseconds since 1970-01-01 UTC."""

import msgspec


class Earlier(msgspec.Struct, frozen=True, gc=False):
    """A session that another one has replaced."""

    session: str
    sequence: int
    """The number of its last report."""
    moments: tuple[int, ...] = ()
    """When it reported although it had been replaced: each time after a report of the newer one, the last few times."""


class Sessions(msgspec.Struct, frozen=True, gc=False):
    """What an instance's reports have said of the processes that they come from."""

    session: str | None = None
    """The one whose reports count; None when no report has named any."""
    sequence: int = 0
    """The number of its last report that was stored."""
    earlier: tuple[Earlier, ...] = ()
    """Those that it has replaced, the newest first; only the last few."""
    duplicated_until: int = 0
    """Two processes report as this instance, as far as is known until then; 0: that was never seen."""


NO_SESSIONS = Sessions()
