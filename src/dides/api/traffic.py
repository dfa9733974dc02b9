"""How many requests were answered, and how; for metrics."""

from collections import Counter

from dides.runtime.histogram import Histogram

METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
OTHER = "other"
"""Stands for a method that no route has, and a path that no route answers: whoever asks must not make names up."""


class Traffic:
    """Counts since the start, on one event loop. The plain integers are all that the fast path has time for."""

    def __init__(self) -> None:
        self.heartbeats = 0
        """Heartbeats that were answered in front of the framework."""
        self.heartbeats_shed = 0
        """Heartbeats that were refused there while the event loop came late."""
        self.heartbeats_limited = 0
        """Heartbeats that were refused there because their sender sent more than its share."""
        self.heartbeats_busy = 0
        """Heartbeats that were refused there because too many waited to be written."""
        self.heartbeats_unavailable = 0
        """Heartbeats that were refused there because the store could not be written."""
        self.queries = 0
        """Blocking queries that were answered there."""
        self.queries_limited = 0
        """Blocking queries that were refused there because their sender sent more than its share."""
        self.queries_shed = 0
        """Blocking queries that were refused there while the event loop came late."""
        self.refused_early: Counter[str] = Counter()
        """Connections that could not be taken, or were closed for what was sent on them, by reason."""
        self.answers: Counter[tuple[str, str, int]] = Counter()
        """What the routes have answered, by method, path template and status."""
        self.durations: dict[tuple[str, str], Histogram] = {}
        """In how many seconds the routes began to answer, by method and path template."""

    def count(self, method: str, path_template: str | None, status: int, seconds: float) -> None:
        """Count an answer of the routes, or of nobody, that began after so many seconds."""
        method, route = method if method in METHODS else OTHER, path_template or OTHER
        self.answers[method, route, status] += 1
        if (method, route) not in self.durations:
            self.durations[method, route] = Histogram()
        self.durations[method, route].observe(seconds)
