"""Runs scenarios: one, or many over all cores."""

import gc
import multiprocessing
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager
from itertools import islice

from simulator.base.loop import run_virtually
from simulator.base.scenario import Scenario
from simulator.runs.generator import draw_scenario
from simulator.world.world import Outcome, play

CHUNK = 5
"""Seeds that one task of a pool runs: enough to make handing them out cheap, few enough to end together."""


def run_scenario(scenario: Scenario) -> Outcome:
    """Play a scenario from beginning to end."""
    with _collecting_afterwards():
        return run_virtually(play(scenario))


def run_seed(seed: int) -> Outcome:
    """Play what a seed stands for."""
    return run_scenario(draw_scenario(seed))


def run_chunk(seeds: list[int]) -> list[tuple[int, bool]]:
    """Run some seeds; return each with whether it kept every property."""
    return [(seed, run_seed(seed).violation is None) for seed in seeds]


def run_many(seeds: Iterable[int], workers: int | None = None) -> Iterator[tuple[int, bool]]:
    """Run seeds over processes, for as long as the result is read: every seed, with whether it kept every property."""
    number = workers or os.cpu_count() or 1
    rest, running = iter(seeds), set[Future[list[tuple[int, bool]]]]()
    with ProcessPoolExecutor(number, mp_context=multiprocessing.get_context("spawn")) as pool:
        try:
            while _fill(running, 2 * number, lambda: _submit(pool, rest)):
                done, running = wait(running, return_when=FIRST_COMPLETED)
                for each in done:
                    yield from each.result()
        finally:
            pool.shutdown(cancel_futures=True)


def _fill(
    running: set[Future[list[tuple[int, bool]]]],
    number: int,
    submit: Callable[[], Future[list[tuple[int, bool]]] | None],
) -> bool:
    while len(running) < number and (submitted := submit()):
        running.add(submitted)
    return bool(running)


def _submit(pool: ProcessPoolExecutor, rest: Iterator[int]) -> Future[list[tuple[int, bool]]] | None:
    seeds = list(islice(rest, CHUNK))
    return pool.submit(run_chunk, seeds) if seeds else None


@contextmanager
def _collecting_afterwards() -> Iterator[None]:
    """Collect garbage after the block, not in it: a world is young, and gone as a whole; that saves a fifth."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.collect(0)
        if enabled:
            gc.enable()
