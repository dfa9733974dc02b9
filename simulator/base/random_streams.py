"""Chance that is derived, not drawn in turn: what is random of one thing depends on the seed and on that thing alone.

So a disruption, or an instance, can be left out of a run without changing what is random of all others; that is what
lets a failing seed shrink.
"""

import random
import struct
from hashlib import blake2b

DRAWS = 8
_UNPACK = struct.Struct(f"<{DRAWS}Q").unpack


def chance_of(seed: int, *identity: object) -> random.Random:
    """Return the source of all that is random of one thing. Equal in every process, whatever hashes are salted with."""
    return random.Random(_digest(seed, identity))  # noqa: S311 - a simulation, no secret


def draws_of(seed: int, *identity: object) -> tuple[float, ...]:
    """Return eight numbers from 0 to 1, much faster than a source of them is made."""
    return tuple(each / 2**64 for each in _UNPACK(_digest(seed, identity)))


def _digest(seed: int, identity: tuple[object, ...]) -> bytes:
    return blake2b(repr((seed, identity)).encode(), digest_size=8 * DRAWS).digest()
