"""What a figure was measured on."""

import os
import platform
import sqlite3
from pathlib import Path

import msgspec


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """A machine, as far as it matters to a figure."""

    cpu: str
    cores: int
    kernel: str
    python: str
    sqlite: str
    load_before: float
    """The load average when the benchmark began: above 0.5, somebody else was at work."""

    def __str__(self) -> str:
        return f"{self.cores} cores of {self.cpu}, {self.kernel}, Python {self.python}, SQLite {self.sqlite}"


def this_machine() -> Machine:
    """Return this one."""
    return Machine(
        cpu=_cpu(),
        cores=os.cpu_count() or 1,
        kernel=f"{platform.system()} {platform.release()}",
        python=platform.python_version(),
        sqlite=sqlite3.sqlite_version,
        load_before=round(os.getloadavg()[0], 2),
    )


def _cpu() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    models = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(models, platform.machine())
