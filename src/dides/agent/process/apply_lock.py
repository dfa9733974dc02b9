"""The lock that says whether an apply runs, and the file that it is on, in which stands how it ended."""

import asyncio
import fcntl
import os
from contextlib import suppress
from pathlib import Path

import msgspec

from dides.agent.process.process_groups import Process
from dides.agent.process.supervisor import SIZE
from dides.runtime.private_files import open_file

LOCK = "apply.lock"
SOONEST, LATEST = 0.01, 0.1
"""Seconds between two looks at the lock. It makes no sound when it is let go."""


class Run(msgspec.Struct, frozen=True):
    """What there is to know of the newest apply. Its supervisor writes it, in the same form."""

    run: str
    """Its number, which nobody else has."""
    group: int | None = None
    """The group of its processes, which is also the number of the first one."""
    birth: str | None = None
    """What tells that process from a later one with the same number, also after a reboot."""
    ended: bool = False
    """False for one that was cut off."""
    code: int | None = None
    """The exit code, negative for the signal that killed it; None when it would not end at all."""
    in_time: bool = True

    @property
    def process(self) -> Process | None:
        """What identifies its first process, where the system says that."""
        return None if self.group is None or self.birth is None else Process(self.group, self.birth)


class ApplyLock:
    """The lock of one state directory. It is held by the supervisor of an apply, and ends with that."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def take(self) -> int:
        """Wait until no apply runs; return the descriptor of the locked file, for the next one. Raises OSError."""
        descriptor = open_file(self._path, os.O_RDWR | os.O_CREAT)
        try:
            await _lock(descriptor)
        except BaseException:
            os.close(descriptor)
            raise
        return descriptor

    async def until_free(self, supervisor: int | None = None) -> None:
        """Wait until no apply runs. `supervisor` is the number of a child of this process, which is collected."""
        descriptor = open_file(self._path, os.O_RDWR | os.O_CREAT)
        try:
            await _lock(descriptor, supervisor)
        finally:
            os.close(descriptor)

    @property
    def held(self) -> bool:
        """True while an apply runs."""
        descriptor = open_file(self._path, os.O_RDWR | os.O_CREAT)
        try:
            return not _try_to_lock(descriptor)
        finally:
            os.close(descriptor)

    def read(self) -> Run | None:
        """Return what is known of the newest apply, None when there is nothing that can be read."""
        try:
            descriptor = open_file(self._path, os.O_RDONLY)
        except FileNotFoundError:
            return None
        try:
            return msgspec.json.decode(os.read(descriptor, SIZE), type=Run)
        except msgspec.DecodeError:
            return None
        finally:
            os.close(descriptor)


def announce(descriptor: int, run: str) -> None:
    """Write down that an apply is about to begin, and make the room that its end will be written into."""
    os.pwrite(descriptor, msgspec.json.encode(Run(run)).ljust(SIZE), 0)
    os.fsync(descriptor)


async def _lock(descriptor: int, supervisor: int | None = None) -> None:
    seconds = SOONEST
    while not _try_to_lock(descriptor):
        await asyncio.sleep(seconds)
        seconds = min(1.2 * seconds, LATEST)
    if supervisor is not None:
        _collect(supervisor)


def _try_to_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _collect(supervisor: int) -> None:
    """Collect a child that has let go of the lock, which it does when it ends."""
    with suppress(ChildProcessError):
        os.waitpid(supervisor, 0)
