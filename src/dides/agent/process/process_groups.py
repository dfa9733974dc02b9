"""Process groups: ending a whole one, and finding the one that a killed agent left running."""

import asyncio
import os
import signal
from pathlib import Path

import msgspec

PATIENCE = 5.0
"""Seconds between asking a group to end and making it."""
POLL = 0.02
_PROC = Path("/proc")
_OWN_STAT = _PROC / "self" / "stat"
_STATE, _GROUP, _START_TIME = 0, 2, 19
"""Fields of /proc/PID/stat, counted after the command's name (proc_pid_stat(5))."""


class Process(msgspec.Struct, frozen=True):
    """A process that leads its group, such that it can be found again."""

    group: int
    """The group, which is also the number of the process."""
    birth: str
    """What tells it from a later one with the same number, also after a reboot."""


async def end_group(group: int, patience: float = PATIENCE) -> None:
    """End every process of a group: SIGTERM, and SIGKILL to what is left after `patience` seconds."""
    deadline = asyncio.get_running_loop().time() + patience
    signal_group(group, signal.SIGTERM)
    while lives(group):
        if asyncio.get_running_loop().time() >= deadline:
            signal_group(group, signal.SIGKILL)
            return
        await asyncio.sleep(POLL)


def lives(group: int) -> bool:
    """Tell whether a process of the group runs.

    Those that only wait to be collected do not: in a container whose first process is no init they may wait for ever.
    """
    if not signal_group(group, 0):
        return False
    if not _OWN_STAT.exists():
        return True
    fields = (_read_stat(stat) for stat in _PROC.glob("[0-9]*/stat"))
    return any(found and found[_GROUP] == str(group) and found[_STATE] != "Z" for found in fields)


def signal_group(group: int, number: int) -> bool:
    """Send a signal to a process group (0 only looks); False when nobody is left there that could get it."""
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


async def identify(pid: int) -> Process | None:
    """Return what identifies a process that leads its group, also after a reboot; None when it has ended."""
    birth = _birth_from_proc(pid) if _OWN_STAT.exists() else await _birth_from_ps(pid)
    return None if birth is None else Process(pid, birth)


async def end_leftover(process: Process) -> bool:
    """End a group that a killed agent left running; False when it has ended, or its number is someone else's now."""
    if await identify(process.group) != process:
        return False
    await end_group(process.group)
    return True


def _birth_from_proc(pid: int) -> str | None:
    fields = _read_stat(_PROC / str(pid) / "stat")
    if not fields or fields[_STATE] == "Z":
        return None
    boot = (_PROC / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    return f"{boot}/{fields[_START_TIME]}"


def _read_stat(file: Path) -> list[str]:
    """Return the fields of a /proc/PID/stat after the command's name, none when the process has ended."""
    try:
        return file.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []


async def _birth_from_ps(pid: int) -> str | None:
    """Ask ps, where there is no /proc (macOS)."""
    ps = await asyncio.create_subprocess_exec(
        *("/bin/ps", "-o", "lstart=", "-p", str(pid)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={"LC_ALL": "C", "TZ": "UTC"},
    )
    output, _ = await ps.communicate()
    return output.decode(errors="replace").strip() or None
