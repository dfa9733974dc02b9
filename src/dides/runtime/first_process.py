"""What the first process of a container has to do besides its own work: collect what others have left behind.

A process whose parent has ended becomes a child of the first process. If that collects none of them, their entries stay
in the table of processes until it is full. And the first process gets no signal that it has no handler for.
"""

import contextlib
import os
import signal
from collections.abc import Iterator
from typing import NoReturn

FORWARDED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2)


def leave_first_process() -> bool:
    """If this is the first process, let a child go on with its work; tell whether that is who returns.

    Call this before there are threads.
    """
    if os.getpid() != 1:
        return False
    become_init()
    return True


def become_init() -> None:
    """Fork, and return in the child alone.

    The parent never returns: it collects orphans, passes signals on, and ends with the exit code of the child.
    """
    with _held_back(FORWARDED):
        child = os.fork()
        if child == 0:
            _take_the_terminal()
            return
        for number in FORWARDED:
            signal.signal(number, lambda received, _: _pass_on(child, received))
    _collect_until(child)


@contextlib.contextmanager
def _held_back(numbers: tuple[signal.Signals, ...]) -> Iterator[None]:
    before = signal.pthread_sigmask(signal.SIG_BLOCK, numbers)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _pass_on(child: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(child, number)


def _collect_until(child: int) -> NoReturn:
    """Collect every process that ends, and end when `child` does, with its exit code (128 and more for a signal)."""
    while True:
        pid, status = os.wait()
        if pid == child:
            code = os.waitstatus_to_exitcode(status)
            os._exit(code if code >= 0 else 128 - code)


def _take_the_terminal() -> None:
    """Give the child a group of its own, in the foreground of the terminal if there is one.

    Ctrl-C then reaches it once, and not a second time by way of the first process.
    """
    os.setpgid(0, 0)
    before = signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    with contextlib.suppress(OSError):
        os.tcsetpgrp(0, os.getpgrp())
    signal.signal(signal.SIGTTOU, before)
