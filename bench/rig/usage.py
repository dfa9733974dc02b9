"""What a process uses, as Linux counts it."""

import os
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
MIB = 1024


def resident_mib(pid: int) -> float:
    """Return the resident memory of a process."""
    return _status(pid, "VmRSS") / MIB


def peak_mib(pid: int) -> float:
    """Return the most that was ever resident."""
    return _status(pid, "VmHWM") / MIB


def cpu_seconds(pid: int) -> float:
    """Return the processor time that a process and all its threads have used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def _status(pid: int, field: str) -> int:
    return int(Path(f"/proc/{pid}/status").read_text().split(f"{field}:")[1].split()[0])
