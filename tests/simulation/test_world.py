"""Whole worlds, many of them: every safety property after every transaction, and rest in the end."""

import os

import pytest

from dides.sim.report import report_failure
from dides.sim.runs import run_many

SEEDS = 500 if os.environ.get("CI") else 100


def test_every_seed_keeps_every_property() -> None:
    failed = [seed for seed, good in run_many(range(SEEDS)) if not good]
    if failed:
        pytest.fail(f"{report_failure(failed[0])}\n\nall the seeds that failed: {failed}", pytrace=False)
