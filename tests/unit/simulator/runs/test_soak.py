"""The command line of the simulator."""

import itertools

import pytest

from simulator.__main__ import main
from simulator.runs.soak import seeds_from


def test_a_range_of_seeds_leaves_out_its_end() -> None:
    assert list(seeds_from("3..6", 0)) == [3, 4, 5]


def test_without_a_range_there_is_no_end() -> None:
    assert list(itertools.islice(seeds_from(None, 7), 3)) == [7, 8, 9]


def test_soaking_says_how_fast_it_went(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["soak", "--seeds", "0..2", "--workers", "1"]) == 0
    assert "2 seeds in" in capsys.readouterr().out


def test_one_good_seed_is_said_to_be_good(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--seed", "3"]) == 0
    assert "seed 3 keeps every property" in capsys.readouterr().out


def test_a_seed_is_wanted(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main([])
    assert "--seed" in capsys.readouterr().err
