"""The state directory: one agent at a time, one JSON file, replaced whole or not at all."""

import fcntl
import os
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from dides.agent.errors import StateDirectoryError
from dides.agent.persisted import Memory
from dides.runtime.private_files import open_directory, read_file, replace_file

FILE = "memory.json"


class StateDirectory:
    """Holds the directory of one agent as long as it is open. `rename` is the seam for tests of a crash."""

    def __init__(self, path: Path, *, rename: Callable[[Path, Path], object] = os.replace) -> None:
        """Open and lock the directory, and make it (mode 0700) when it is missing.

        Raises StateDirectoryError when it cannot be made, other users may write to it, or another agent holds it.
        """
        self.path = path
        self._rename = rename
        try:
            self._descriptor = open_directory(path)
        except OSError as error:
            raise StateDirectoryError(
                f"Cannot use {path} as the state directory: {error.strerror}. Name another one with --state-dir."
            ) from error
        self._lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the directory; another agent may hold it from now on."""
        os.close(self._descriptor)

    def load(self) -> Memory | None:
        """Return what was saved last, None when nothing ever was. Raises StateDirectoryError when it is unreadable."""
        file = self.path / FILE
        try:
            return msgspec.json.decode(read_file(file), type=Memory)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StateDirectoryError(f"Cannot read {file}: {error.strerror}.") from error
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise StateDirectoryError(
                f"{file} is damaged ({error}). Move it away and start the agent again: it then registers anew, which "
                "the coordinator accepts once this instance has been silent for its time to live, and applies what "
                "is desired of it."
            ) from error

    def save(self, memory: Memory) -> None:
        """Replace what was saved; durable when it returns. Raises StateDirectoryError, and the old one then stays."""
        file = self.path / FILE
        try:
            replace_file(file, msgspec.json.format(msgspec.json.encode(memory)) + b"\n", rename=self._rename)
        except OSError as error:
            raise StateDirectoryError(f"Cannot write {file}: {error.strerror}.") from error

    def _lock(self) -> None:
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._descriptor)
            raise StateDirectoryError(
                f"Another agent uses {self.path}. Stop it, or give this one a --state-dir of its own."
            ) from error
