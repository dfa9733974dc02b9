"""Which version has which mark on the map of the fleet: the same one in every window."""

from collections.abc import Mapping
from threading import Lock

MARKS = 4
"""How many versions have a mark of their own at a time; the others share one."""


class VersionMarks:
    """The marks that a coordinator gives out. A version keeps its mark for as long as an instance runs it.

    So a rollout is seen as one mark that gives way to another.
    """

    def __init__(self) -> None:
        self._marks: dict[str, int] = {}
        self._lock = Lock()  # Answers are put together by several threads.

    def settle(self, counts: Mapping[str, int], *, whole: bool) -> dict[str, int]:
        """Give free marks to versions without one, the most frequent first, and return all marks by version.

        `counts` has how many instances run each version. With `whole` it counts the whole fleet: other versions lose
        their marks.
        """
        with self._lock:
            if whole:
                self._marks = {version: mark for version, mark in self._marks.items() if version in counts}
            free = [mark for mark in range(MARKS) if mark not in self._marks.values()]
            without = [version for version in counts if version and version not in self._marks]
            without.sort(key=lambda version: (-counts[version], version))
            self._marks.update(zip(without, free, strict=False))
            return dict(self._marks)
