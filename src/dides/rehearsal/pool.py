"""Shares the runs of a rehearsal between processes. Their number changes how long it takes, and nothing else."""

import gc
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed

from dides.rehearsal.fleet import size_of
from dides.rehearsal.rehearse import Rehearsal, rehearse_once
from dides.rehearsal.run import Outcome

UPDATES_OF_A_BATCH = 20_000
"""About a second of work: progress moves often, and handing a batch over costs nothing beside it."""
UPDATES_WORTH_A_PROCESS = 60_000
"""Below that, starting processes takes longer than they save."""

GARBAGE_THRESHOLD = 200_000


def rehearse(
    rehearsal: Rehearsal, runs: int, processes: int = 1, done: Callable[[int], None] = lambda _: None
) -> list[Outcome]:
    """Return the outcomes of so many runs in the order of their numbers.

    `done` is called with a number of runs whenever so many more are done. Raises BrokenProcessPool when a process was
    killed, as for want of memory.
    """
    batches = list(_batches(rehearsal, runs, processes))
    if processes == 1 or runs * size_of(rehearsal.fleet) < UPDATES_WORTH_A_PROCESS:
        outcomes = [_play_and_report(rehearsal, batch, done) for batch in batches]
    else:
        outcomes = _share(rehearsal, batches, processes, done)
    return [outcome for of_batch in outcomes for outcome in of_batch]


def play(rehearsal: Rehearsal, numbers: range) -> list[Outcome]:
    """Return the outcomes of the runs with these numbers."""
    return [rehearse_once(rehearsal, number) for number in numbers]


def _batches(rehearsal: Rehearsal, runs: int, processes: int) -> Iterator[range]:
    size = min(max(1, UPDATES_OF_A_BATCH // size_of(rehearsal.fleet)), -(-runs // processes))
    return (range(first, min(first + size, runs)) for first in range(0, runs, size))


def _play_and_report(rehearsal: Rehearsal, batch: range, done: Callable[[int], None]) -> list[Outcome]:
    outcomes = play(rehearsal, batch)
    done(len(batch))
    return outcomes


def _share(
    rehearsal: Rehearsal, batches: list[range], processes: int, done: Callable[[int], None]
) -> list[list[Outcome]]:
    # Spawned, not forked: the progress bar has a thread, and a fork would copy the locks that it may hold.
    context, others = multiprocessing.get_context("spawn"), set(multiprocessing.active_children())
    with ProcessPoolExecutor(processes, mp_context=context, initializer=_begin) as pool:
        futures = [pool.submit(play, rehearsal, batch) for batch in batches]
        try:
            for future in as_completed(futures):
                done(len(future.result()))
        except BaseException:
            # Interrupted, or a run failed: the pool would finish what it has handed out, which takes seconds.
            for worker in set(multiprocessing.active_children()) - others:
                worker.terminate()
            raise
        return [future.result() for future in futures]


def _begin() -> None:
    """Prepare a process of the pool."""
    # Ctrl-C is the parent's business: each process would print a traceback of its own.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Almost nothing here is ever part of a cycle; looking for them often takes a tenth of the time.
    gc.set_threshold(GARBAGE_THRESHOLD)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """End this process when its parent is gone, even killed: the pool's pipes would keep it waiting for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
