"""Heartbeats that were acknowledged as changing nothing, by what one coordinator knew; another may have known better.

Coordinators hear of each other's changes a moment later. What one has acknowledged in that moment has to be stored soon
after, unless something newer has come, or that coordinator was killed.
"""

from collections.abc import Callable, Iterator

import msgspec
from msgspec import UNSET

from dides.protocol.messages import Heartbeat
from simulator.checker.snapshots import Change, View

SOON_MS = 3_000


class Heard(msgspec.Struct):
    """A heartbeat that has reached a coordinator."""

    name: str
    at: int
    arrived: int
    """When it arrived, as a number that counts what happens."""
    heartbeat: Heartbeat
    coordinator: str
    late: bool = False
    """It was taken after one that was sent later, or of a process that was replaced: it changed nothing."""


class Life(msgspec.Struct, frozen=True):
    """An acknowledged report that changed nothing: when (ms), and by which coordinator."""

    at: int
    coordinator: str


class Doubts:
    """Keeps those that may not say what is stored.

    `view` gives the tables as they are, `waiting` has the heartbeats that have arrived and are not stored yet.
    """

    def __init__(self, waiting: Callable[[], list[Heard]]) -> None:
        self.view: Callable[[], View] = View
        self.heard_since: Callable[[str], int] = lambda _: 0
        """Gives the moment (ms) since when a coordinator hears of what others write; now, while it does not."""
        self._waiting = waiting
        self._open: list[Heard] = []

    def look_at(self, heard: Heard) -> None:
        """Look at a heartbeat that was acknowledged and not stored."""
        if self._is_behind_another(heard) or not _agrees(heard, self.view()):
            self._open.append(heard)

    def agrees(self, heard: Heard) -> bool:
        """Tell whether a heartbeat says what is stored, or something newer is."""
        return _agrees(heard, self.view())

    def lost(self, coordinator: str) -> None:
        """Forget what a coordinator had in its memory when it was killed."""
        self._open = [each for each in self._open if each.coordinator != coordinator]

    def stored_by(self, change: Change) -> list[Heard]:
        """Return those that are made up for by a change; call before what it stores is taken from those that wait."""
        made_up = [each for each in self._open if not _agrees(each, change.before) and _agrees(each, change.after)]
        self._open = [each for each in self._open if self._is_behind_another(each) or not _agrees(each, change.after)]
        return [each for each in made_up if _is_of(each, change)]

    def late(self, now: int) -> Iterator[str]:
        """Return what should have been stored by now, and forget it."""
        for heard in [each for each in self._open if now - max(each.at, self.heard_since(each.coordinator)) > SOON_MS]:
            self._open.remove(heard)
            yield f"the heartbeat of {heard.name} at {heard.at} was acknowledged, and another one is shown"

    def _is_behind_another(self, heard: Heard) -> bool:
        """Tell whether a heartbeat of the same sender came before it to the same coordinator and is not stored yet."""
        return any(
            each.name == heard.name and each.coordinator == heard.coordinator and each.arrived < heard.arrived
            for each in self._waiting()
        )


def _is_of(heard: Heard, change: Change) -> bool:
    """Tell whether a change has made the instance what a heartbeat says, and it is not just gone or new."""
    return any(
        after is not None and after.name == heard.name and before is not None and after.last_heartbeat_at == heard.at
        for before, after in change.instances
    )


def _agrees(heard: Heard, view: View) -> bool:
    """Tell whether a heartbeat says what is stored, or something newer is."""
    instance = next((each for each in view.instances.values() if each.name == heard.name), None)
    if instance is None or max(instance.last_heartbeat_at or 0, instance.registered_at) >= heard.at:
        return True
    said = heard.heartbeat
    shown = (instance.status, *instance.current)
    reported = (said.status, said.code_version, said.configuration_version)
    return all(told in (UNSET, stored) for told, stored in zip(reported, shown, strict=True))
