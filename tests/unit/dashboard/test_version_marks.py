"""Marks go to the most frequent versions first, and stay."""

from dides.dashboard.version_marks import MARKS, VersionMarks

FLEET = {"1": 5, "2": 9, "3": 1, "4": 1, "5": 1, "": 3}


def test_the_most_frequent_come_first_and_those_without_a_version_have_none() -> None:
    assert VersionMarks().settle(FLEET, whole=True) == {"2": 0, "1": 1, "3": 2, "4": 3}


def test_a_part_of_the_fleet_takes_no_mark_away() -> None:
    marks = VersionMarks()
    before = marks.settle(FLEET, whole=True)
    assert marks.settle({"5": 100}, whole=False) == before
    assert len(before) == MARKS


def test_the_mark_of_a_version_that_nobody_runs_is_free_again() -> None:
    marks = VersionMarks()
    marks.settle(FLEET, whole=True)
    assert marks.settle({"1": 1, "5": 9}, whole=True) == {"1": 1, "5": 0}
