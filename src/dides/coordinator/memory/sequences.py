"""The number of the last report of every instance that changed nothing, and so was stored nowhere.

Packed like the last-seen times, but never written: after a restart, or at another coordinator, the number of the last
report that was stored is known, and whatever came after that one said the same.
"""

from array import array

_SHIFT, _MASK = 10, 1023
_EMPTY = bytes(16 * (_MASK + 1))


class Sequences:
    """Numbers by instance id, each with the session that it belongs to."""

    def __init__(self) -> None:
        self._blocks: dict[int, array[int]] = {}

    def note(self, instance_id: int, session: str, sequence: int) -> None:
        """Note the number of a report."""
        block = self._blocks.get(instance_id >> _SHIFT)
        if block is None:
            block = self._blocks[instance_id >> _SHIFT] = array("q", _EMPTY)
        place = 2 * (instance_id & _MASK)
        block[place] = hash(session)
        block[place + 1] = sequence

    def last(self, instance_id: int, session: str) -> int:
        """Return the number that was noted last, if it was for this session; else 0."""
        block = self._blocks.get(instance_id >> _SHIFT)
        place = 2 * (instance_id & _MASK)
        return block[place + 1] if block is not None and block[place] == hash(session) else 0

    def forget(self, instance_id: int) -> None:
        """Forget an instance that is gone; a block goes with the last one of it."""
        number = instance_id >> _SHIFT
        block = self._blocks.get(number)
        if block is None:
            return
        place = 2 * (instance_id & _MASK)
        block[place] = block[place + 1] = 0
        if not any(block):
            del self._blocks[number]
