"""Tells waiting queries that an instance's desired state has changed, within this process."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager


class Feed:
    """Wakes those who listen for an instance. Everything happens on one event loop."""

    def __init__(self) -> None:
        # Kept and woken in order, so that a simulation with the same seed takes the same course in every process.
        self._listeners: defaultdict[str, dict[asyncio.Event, None]] = defaultdict(dict)
        self.held = 0
        """How many listen now."""
        self.woken = 0
        """How often somebody who listened was told of a change."""
        self.closed = False
        """True once the coordinator stops: nobody is kept waiting any more."""

    @contextmanager
    def listen(self, name: str) -> Iterator[asyncio.Event]:
        """Give an event that is set once the instance's desired state changes, or the coordinator stops.

        Listen first and read afterwards: then no change falls between the two.
        """
        heard = asyncio.Event()
        self._listeners[name][heard] = None
        self.held += 1
        try:
            yield heard
        finally:
            self.held -= 1
            self._listeners[name].pop(heard, None)
            if not self._listeners[name]:
                del self._listeners[name]

    def publish(self, names: Iterable[str]) -> None:
        """Wake everyone who listens for these instances."""
        for name in sorted(names):
            listening = list(self._listeners.get(name, ()))
            self.woken += len(listening)
            for heard in listening:
                heard.set()

    def publish_all(self) -> None:
        """Wake everyone."""
        self.publish(list(self._listeners))

    def close(self) -> None:
        """Wake everyone; whoever is woken looks at `closed`."""
        self.closed = True
        self.publish_all()
