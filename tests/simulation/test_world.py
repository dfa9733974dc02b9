"""Whole worlds, many of them: every safety property after every transaction, and rest in the end."""

from typing import Any

import pytest

from simulator.base.disk import Disk
from simulator.base.units_of_work import INGEST_BATCH, STEP
from simulator.runs.report import report_failure
from simulator.runs.runs import run_chunk, run_seed

SEEDS = 100
CHUNK = 5
"""Seeds of one test: few, so that workers which run the tests side by side end together."""


@pytest.mark.parametrize("first", range(0, SEEDS, CHUNK))
def test_every_seed_keeps_every_property(first: int) -> None:
    failed = [seed for seed, good in run_chunk(list(range(first, first + CHUNK))) if not good]
    if failed:
        pytest.fail(f"{report_failure(failed[0])}\n\nall the seeds that failed: {failed}", pytrace=False)


def test_the_units_of_work_that_properties_look_at_have_these_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once a step was called otherwise, and every property of steps was silent."""
    seen: set[str] = set()
    right = Disk.write

    def write(self: Disk, by: str, unit: str, *rest: Any, **named: Any) -> Any:
        seen.add(unit)
        return right(self, by, unit, *rest, **named)

    monkeypatch.setattr(Disk, "write", write)
    assert run_seed(0).violation is None
    assert {STEP, INGEST_BATCH} <= seen
