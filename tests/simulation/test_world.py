"""Whole worlds, many of them: every safety property after every transaction, and rest in the end."""

import pytest

from dides.sim.report import report_failure
from dides.sim.runs import run_chunk

SEEDS = 100
CHUNK = 5
"""Seeds of one test: few, so that workers which run the tests side by side end together."""


@pytest.mark.parametrize("first", range(0, SEEDS, CHUNK))
def test_every_seed_keeps_every_property(first: int) -> None:
    failed = [seed for seed, good in run_chunk(list(range(first, first + CHUNK))) if not good]
    if failed:
        pytest.fail(f"{report_failure(failed[0])}\n\nall the seeds that failed: {failed}", pytrace=False)
