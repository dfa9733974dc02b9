"""The last-seen time of every instance, packed: one number each, in blocks that are written as they are.

A heartbeat that changes nothing is noted here and nowhere else. The blocks that have changed are flushed several times
within a time to live, each as one row, so that a million instances cost a thousand rows; other coordinators read them.
"""

import sys
from array import array
from collections.abc import Iterable

Blocks = dict[int, bytes]
PER_BLOCK = 1024
MARK = -1
"""A block without instances, written to say that its coordinator lives, and has written all that it has heard."""
_SHIFT, _MASK = 10, PER_BLOCK - 1
_EMPTY = bytes(8 * PER_BLOCK)


class LastSeen:
    """Last-seen times by instance id, in milliseconds since 1970-01-01 UTC; 0 stands for none."""

    def __init__(self) -> None:
        self._own: dict[int, array[int]] = {}
        self._changed: set[int] = set()
        self._others: tuple[dict[int, array[int]], ...] = ()

    def note(self, instance_id: int, at_ms: int) -> None:
        """Note that this coordinator has seen an instance."""
        number = instance_id >> _SHIFT
        block = self._own.get(number)
        if block is None:
            block = self._own[number] = _unpacked(_EMPTY)
        block[instance_id & _MASK] = at_ms
        self._changed.add(number)

    def own(self, instance_id: int) -> int:
        """Return when this coordinator last saw an instance."""
        block = self._own.get(instance_id >> _SHIFT)
        return block[instance_id & _MASK] if block else 0

    def last(self, instance_id: int) -> int:
        """Return when any coordinator last saw an instance, as far as this process knows."""
        number, place = instance_id >> _SHIFT, instance_id & _MASK
        own = self._own.get(number)
        last = own[place] if own else 0
        for blocks in self._others:
            if (block := blocks.get(number)) and block[place] > last:
                last = block[place]
        return last

    def forget(self, instance_id: int) -> None:
        """Forget an instance that is gone; a block goes with its last instance that was ever seen."""
        number = instance_id >> _SHIFT
        block = self._own.get(number)
        if block is None:
            return
        block[instance_id & _MASK] = 0
        if not any(block):
            del self._own[number]
            self._changed.discard(number)

    def take_changed(self) -> Blocks:
        """Return the blocks that have changed since they were taken last."""
        changed, self._changed = self._changed, set()
        return {number: _packed(self._own[number]) for number in sorted(changed)}

    def put_back(self, blocks: Blocks) -> None:
        """Take blocks for changed again: they could not be written."""
        self._changed.update(blocks.keys() & self._own.keys())

    def learn(self, others: Iterable[Blocks]) -> None:
        """Take up what other coordinators have written."""
        self._others = tuple(
            {number: _unpacked(seen) for number, seen in blocks.items() if number != MARK} for blocks in others
        )

    def recede(self, now: int, to: int) -> None:
        """Replace last-seen times after a moment (ms) by another: the clock was ahead when they were noted."""
        self._changed.update([number for number, block in self._own.items() if _recede(block, now, to)])
        for blocks in self._others:
            for block in blocks.values():
                _recede(block, now, to)


def _recede(block: "array[int]", now: int, to: int) -> bool:
    """Set what is after `now` to another moment; return whether there was anything."""
    if max(block) <= now:
        return False
    for place, at_ms in enumerate(block):
        if at_ms > now:
            block[place] = to
    return True


def _packed(block: "array[int]") -> bytes:
    """Return a block as it is stored: little-endian, 8 bytes each."""
    if sys.byteorder == "big":
        block = array("q", block)
        block.byteswap()
    return block.tobytes()


def _unpacked(seen: bytes) -> "array[int]":
    block = array("q", seen)
    if sys.byteorder == "big":
        block.byteswap()
    return block
