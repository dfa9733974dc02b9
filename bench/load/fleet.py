"""The instances of a benchmark. Names and credentials follow from a seed and a number, so that nobody keeps them."""

import base64
import hashlib
from collections.abc import Iterator
from itertools import chain, count, cycle, repeat
from random import Random

import msgspec

from load.wire import head_of, request_of

VERSION = "1.000000000"
"""What every instance runs at first."""
REPORT = '{{"code_version":"{version}","configuration_version":null,"status":{status},"message":""}}'
"""What an agent reports: everything it knows."""
HEALTHY = 1


class Fleet(msgspec.Struct, frozen=True):
    """So many instances."""

    size: int
    seed: str = "bench"

    def name(self, number: int) -> str:
        """Return the name of an instance."""
        return f"i{number:07}"

    def credential(self, number: int) -> str:
        """Return the credential of an instance, of the same length as a real one."""
        digest = hashlib.sha256(f"{self.seed}/{number}".encode()).digest()
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()

    def path(self, number: int) -> str:
        """Return the path of an instance, to which its heartbeats go."""
        return f"/inventory/instances/{self.name(number)}"

    def heartbeat(
        self, number: int, version: str = VERSION, status: int = HEALTHY, observed: int | None = None
    ) -> bytes:
        """Return a heartbeat."""
        body = REPORT.format(version=version, status=status)
        if observed is not None:
            body = f'{body[:-1]},"observed":{observed}}}'
        return request_of("PATCH", self.path(number), self.credential(number), body.encode())

    def query(self, number: int, generation: int, wait: int = 60) -> bytes:
        """Return a blocking query."""
        path = f"{self.path(number)}/desired?generation={generation}&wait={wait}"
        return request_of("GET", path, self.credential(number))


def unchanged(fleet: Fleet, numbers: range, seed: int = 1) -> Iterator[bytes]:
    """Yield heartbeats that change nothing, of each of these instances in turn, in a random order, without end."""
    order = list(numbers)
    Random(seed).shuffle(order)
    return cycle([fleet.heartbeat(number) for number in order])


def changed(fleet: Fleet, numbers: range, seed: int = 1, series: int = 2) -> Iterator[bytes]:
    """Yield heartbeats of these instances, each with a version of a series (2 to 9) that no other one has."""
    order = list(numbers)
    Random(seed).shuffle(order)
    before, after = (part.encode() for part in REPORT.format(version="\0", status=HEALTHY).split("\0"))
    length = len(before) + len(VERSION) + len(after)
    heads = [head_of("PATCH", fleet.path(each), fleet.credential(each), length) + before for each in order]
    return (head + b"%d.%09d" % (series, number) + after for head, number in zip(cycle(heads), count(), strict=False))


def mixed(fleet: Fleet, numbers: range, share: float, seed: int = 1) -> Iterator[bytes]:
    """Yield heartbeats of which about this share changes a version; those come from instances of their own.

    An instance that changed its version would change it back with its next unchanged heartbeat.
    """
    if not share:
        return unchanged(fleet, numbers, seed)
    changers = numbers[-max(1, round(len(numbers) * share)) :]
    others = numbers[: len(numbers) - len(changers)]
    every = round(1 / share)
    plain, changing = unchanged(fleet, others, seed), changed(fleet, changers, seed)
    return (next(source) for source in chain.from_iterable(repeat([plain] * (every - 1) + [changing])))
