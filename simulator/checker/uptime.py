"""When anybody watched: the times in which a coordinator served and was not frozen. Moments are milliseconds."""

from collections.abc import Iterable

UNNOTICED_MS = 6_500
"""Standing still for less than this may go unnoticed by a coordinator, and then counts as having watched."""


class Uptime:
    """Keeps the outages of all coordinators together."""

    def __init__(self) -> None:
        self._outages: list[tuple[int, int]] = []
        self._gone_at: int | None = None
        self.watching = False
        self.store_back_at = 0
        """When a coordinator reached its database again: to itself the time without it may have been an outage."""

    def change(self, now: int, *, watching: bool, restarted: bool) -> None:
        """Note whether anybody watches from now on; `restarted`: by a start, not by going on after a freeze."""
        if watching == self.watching:
            return
        self.watching = watching
        if not watching:
            self._gone_at = now
        elif self._gone_at is not None and (restarted or now - self._gone_at >= UNNOTICED_MS):
            self._outages.append((self._gone_at, now))

    @property
    def last_return(self) -> int:
        """When the last outage ended, 0 without one."""
        return self._outages[-1][1] if self._outages else 0

    @property
    def outages(self) -> int:
        """How many outages there were."""
        return len(self._outages)

    def active(self, since: int, until: int, pauses: Iterable[tuple[int, int]]) -> int:
        """Return for how many milliseconds of a span somebody watched and nothing was paused."""
        spans = sorted((max(since, begin), min(until, end)) for begin, end in [*self._outages, *pauses])
        active, reached = until - since, since
        for begin, end in spans:
            if end > max(begin, reached):
                active -= end - max(begin, reached)
                reached = max(reached, end)
        return active
