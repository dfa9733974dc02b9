"""What an apply runs under, so that it outlives its agent: a process of its own, made of this file alone.

An apply may restart the agent, upgrade dides, or replace the Python that runs it. So this file uses the standard
library only and imports all of it before the apply begins; the agent hands it to a new interpreter on standard input:

    python -I -S - RUN SECONDS COMMAND <supervisor.py >apply.log 2>&1 3<>apply.lock

The descriptor 3 is locked by the agent that began the apply, and the lock comes with it: for as long as this process
lives, and no longer, the lock says that the apply runs. What there is to know of the run is written into that file,
into place that it has already, so that a full disk cannot keep it out: its number, its process, and how it ended.

A run that ends without a record was cut off: this process was killed, the machine went down, or somebody ended it
with SIGTERM, as a machine that shuts down does. It ends the apply then.
"""

import contextlib
import json
import os
import select
import signal
import sys
import time

LOCK = 3
SIZE = 4096
"""Bytes of the lock's file."""
LIMIT = 1024 * 1024
"""Bytes; longer output is cut back to its tail."""
TAIL = 16 * 1024
"""Bytes; four for each character of the longest message, and then some for what is cleaned away."""
PATIENCE = 5.0
"""Seconds between asking a group to end and making it."""
TRIM_EVERY = 0.25
POLL = 0.02
SHUTDOWN = 0.2
"""Seconds within which a machine that shuts down ends both an apply and its supervisor."""
SHELL = "/bin/sh"
GATE = 'read -r go && exec /bin/sh -c "$1" </dev/null'
"""Waits for a line before it becomes the command: which process it is gets on disk first."""
PROC = "/proc"


class Supervisor:
    """Runs one apply, for a limited time, and writes down how it ended."""

    def __init__(self, run: str, limit: float) -> None:
        self._run = run
        self._deadline = time.monotonic() + limit
        self._group = 0
        self._status: int | None = None
        self._terminated = False
        self._wake, waking = os.pipe()
        for end in (self._wake, waking):
            os.set_blocking(end, False)
        signal.set_wakeup_fd(waking)
        # Handlers and not SIG_IGN, which the apply would inherit.
        for number in (signal.SIGCHLD, signal.SIGHUP, signal.SIGINT):
            if signal.getsignal(number) != signal.SIG_IGN or number == signal.SIGCHLD:
                signal.signal(number, lambda *_: None)
        signal.signal(signal.SIGTERM, self._terminate)

    def supervise(self, command: str) -> None:
        """Run a command to its end, or until its time is over; record how it ended unless it was cut off."""
        close_what_was_inherited()
        gate, opening = os.pipe()
        self._group = begin(command, gate)
        record({"run": self._run, **identify(self._group)})
        os.write(opening, b"go\n")
        in_time = self._follow()
        if not in_time or self._killed:
            self._end_group()
        if not self._cut_off():
            code = None if self._status is None else os.waitstatus_to_exitcode(self._status)
            record({"run": self._run, "ended": True, "code": code, "in_time": in_time})

    @property
    def _killed(self) -> bool:
        return self._status is not None and os.WIFSIGNALED(self._status)

    def _follow(self) -> bool:
        """Wait for the exit and keep the output short meanwhile; False when the time was over first."""
        while not self._exited() and not self._terminated:
            left = self._deadline - time.monotonic()
            if left <= 0:
                return False
            self._sleep(min(TRIM_EVERY, left))
            with contextlib.suppress(OSError):
                trim(1)
        return self._status is not None

    def _end_group(self) -> None:
        """End every process of the apply: SIGTERM, and SIGKILL to what is left after a while."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            send(self._group, number)
            deadline = time.monotonic() + PATIENCE
            while self._lives() and time.monotonic() < deadline:
                self._sleep(POLL)

    def _lives(self) -> bool:
        self._exited()
        return send(self._group, 0)

    def _cut_off(self) -> bool:
        """Tell whether this process was told to end, perhaps a moment later than the apply."""
        ended_by = None if self._status is None or not self._killed else os.WTERMSIG(self._status)
        deadline = time.monotonic() + SHUTDOWN
        while ended_by in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT) and not self._terminated:
            if time.monotonic() >= deadline:
                break
            self._sleep(POLL)
        return self._terminated

    def _exited(self) -> bool:
        if self._status is None:
            pid, status = os.waitpid(self._group, os.WNOHANG)
            self._status = status if pid else None
        return self._status is not None

    def _sleep(self, seconds: float) -> None:
        if select.select([self._wake], [], [], seconds)[0]:
            os.read(self._wake, 4096)

    def _terminate(self, *_: object) -> None:
        self._terminated = True


def begin(command: str, gate: int) -> int:
    """Start the command, in a session of its own, behind a gate; return its number."""
    return os.posix_spawn(
        SHELL,
        (SHELL, "-c", GATE, SHELL, command),
        os.environ,
        file_actions=[(os.POSIX_SPAWN_DUP2, gate, 0)],
        setsid=True,
        setsigdef=(signal.SIGPIPE, signal.SIGXFSZ),  # Python ignores them
    )


def close_what_was_inherited() -> None:
    """Keep only the standard streams and the lock, and that from the apply: somebody may wait for the others' end."""
    os.set_inheritable(LOCK, False)
    for descriptor in [int(entry.name) for entry in os.scandir("/dev/fd")]:
        with contextlib.suppress(OSError):  # one of them was there for this list only
            if descriptor > LOCK and os.get_inheritable(descriptor):
                os.close(descriptor)


def identify(group: int) -> dict[str, object]:
    """Return what tells the first process of a group from a later one with its number, as far as the system says."""
    try:
        boot, stat = read(f"{PROC}/sys/kernel/random/boot_id"), read(f"{PROC}/{group}/stat")
    except OSError:
        return {"group": group}
    return {"group": group, "birth": f"{boot.strip()}/{stat.rpartition(')')[2].split()[19]}"}


def read(file: str) -> str:
    """Return what is in a small file."""
    descriptor = os.open(file, os.O_RDONLY)
    try:
        return os.read(descriptor, SIZE).decode(errors="replace")
    finally:
        os.close(descriptor)


def record(what: dict[str, object]) -> None:
    """Write down what there is to know of the run; on disk when it returns."""
    os.pwrite(LOCK, json.dumps(what).encode().ljust(SIZE), 0)
    os.fsync(LOCK)


def send(group: int, number: int) -> bool:
    """Send a signal to a process group (0 only looks); False when nobody is left there that could get it."""
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def trim(descriptor: int) -> None:
    """Cut the file behind a descriptor back to its tail when it has grown too long; writers go on after that."""
    if os.fstat(descriptor).st_size > LIMIT:
        kept = read_tail(descriptor)
        os.ftruncate(descriptor, 0)
        os.write(descriptor, kept)


def read_tail(descriptor: int) -> bytes:
    """Return the end of the file behind a descriptor."""
    size = os.fstat(descriptor).st_size
    return os.pread(descriptor, TAIL, max(0, size - TAIL))


if __name__ == "__main__":
    Supervisor(sys.argv[1], float(sys.argv[2])).supervise(sys.argv[3])
