"""One seed drives everything: the same seed takes the same course in every process."""

import subprocess
import sys

import pytest
from msgspec.structs import replace

from simulator.runs.generator import draw_scenario
from simulator.runs.runs import run_scenario, run_seed
from simulator.world.world import Outcome


@pytest.mark.parametrize("seed", [2, 7, 12])  # two coordinators; a zone that returns; crashes of coordinators
def test_the_same_seed_takes_the_same_course_whatever_hashes_are_salted_with(seed: int) -> None:
    courses = {_course(seed, salt) for salt in ("0", "1", "4711")}
    assert len(courses) == 1


def test_another_run_in_the_same_process_takes_the_same_course() -> None:
    assert run_seed(5).trace == run_seed(5).trace
    assert run_seed(5).trace != run_seed(6).trace


def test_what_is_left_out_changes_nothing_that_comes_before_it() -> None:
    scenario = draw_scenario(2)
    *earlier, last = scenario.disruptions
    shorter = _before(last.at, run_scenario(replace(scenario, disruptions=tuple(earlier))))
    assert shorter == _before(last.at, run_scenario(scenario))
    assert shorter


def _before(moment: float, outcome: Outcome) -> list[str]:
    return [line for line in outcome.trace if float(line.split()[0]) < moment]


def _course(seed: int, salt: str) -> str:
    run = subprocess.run(
        [sys.executable, "-m", "simulator", "--seed", str(seed), "--digest"],
        env={"PYTHONHASHSEED": salt, "PATH": ""},
        capture_output=True,
        text=True,
        check=True,
    )
    return run.stdout
