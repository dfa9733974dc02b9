"""Under which name an agent works, and in which directory, where nobody has said so.

The name of a host is only a first suggestion: once an instance is registered it keeps its name, also when the host
gets another one. Otherwise a renamed host would be a new instance beside a dead one.
"""

from pathlib import Path

import msgspec

from dides.agent.persisted import Memory
from dides.agent.statedir import FILE
from dides.runtime.private_files import read_file


def recall_name(state_dir: Path) -> str | None:
    """Return the name of the instance that a state directory belongs to, None when it says nothing of that."""
    memory = _look(state_dir)
    return memory.name if memory else None


def find_among(directories: Path, host: str) -> Path:
    """Return the directory, one below `directories` for each name, of the instance that is called like its host.

    That is the one with the name of the host, and for a host that was renamed the only one that had its name from a
    host. With several of these nobody can say which is meant, and the name of the host counts.
    """
    own = directories / host
    if own.exists() or not directories.is_dir():
        return own
    found = [place for place in sorted(directories.iterdir()) if (its := _look(place)) and its.named_after_host]
    return found[0] if len(found) == 1 else own


def _look(state_dir: Path) -> Memory | None:
    """Return what is remembered in a directory, which another agent may hold; None when that cannot be read.

    The agent that opens the directory says what is wrong with it.
    """
    try:
        return msgspec.json.decode(read_file(state_dir / FILE), type=Memory)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return None
