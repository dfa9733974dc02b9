"""Which core does what: one for the server, one for whoever asks it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

SERVER_CORE, CLIENT_CORE = 0, 1


@contextmanager
def children_on(core: int | None) -> Iterator[None]:
    """Let processes that are started in this block, and all their threads, run on one core; None: on every core."""
    if not hasattr(os, "sched_setaffinity"):  # macOS has no such thing
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core} if core is not None else set(range(os.cpu_count() or 1)))
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def stay_on(core: int) -> None:
    """Keep this process, and what it starts from now on, on one core."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {core})
