"""Which reports count, in every order in which those of several processes can come."""

from collections.abc import Iterator, Sequence
from itertools import combinations, permutations

import pytest

from dides.engine.sessions import KEPT, Listening, hear, is_duplicated
from dides.model.sessions import NO_SESSIONS, Sessions

LIVE = 30_000
"""The time to live (ms)."""
BEAT = 10_000
Report = tuple[str, int]
"""A session and a number."""


class Ear:
    """One instance as a coordinator hears it: reports go in at moments, and what counted is kept."""

    def __init__(self) -> None:
        self.known: Sessions = NO_SESSIONS
        self.now = 1_000_000
        self.newest_at = 0
        self.reachable = True
        self.counted: list[Report] = []

    def hear(self, session: str, sequence: int) -> bool:
        listening = Listening(self.now, self.reachable, self.newest_at, LIVE)
        self.known, counts = hear(self.known, session, sequence, listening)
        if counts:
            self.counted.append((session, sequence))
            self.newest_at, self.reachable = self.now, True
        return counts

    def hear_all(self, reports: Sequence[Report], apart: int = 1) -> "Ear":
        for report in reports:
            self.hear(*report)
            self.now += apart
        return self

    @property
    def duplicated(self) -> bool:
        return is_duplicated(self.known, self.now)


def interleaved(first: Sequence[Report], second: Sequence[Report]) -> Iterator[list[Report]]:
    """Yield every order in which two processes' reports can come, if those of each keep theirs."""
    places = range(len(first) + len(second))
    for taken in combinations(places, len(first)):
        ones, others = iter(first), iter(second)
        yield [next(ones) if place in taken else next(others) for place in places]


def reports(session: str, number: int, first: int = 1) -> list[Report]:
    return [(session, sequence) for sequence in range(first, first + number)]


def test_only_what_is_above_the_last_number_counts_in_every_order_of_arrival() -> None:
    for order in permutations(reports("a", 5)):
        ear = Ear().hear_all(order)
        expected = [report for place, report in enumerate(order) if report == max(order[: place + 1])]
        assert ear.counted == expected
        assert ear.known == Sessions("a", 5), order


def test_a_report_that_comes_twice_counts_once() -> None:
    assert Ear().hear_all([("a", 1), ("a", 1), ("a", 2), ("a", 1), ("a", 2)]).counted == [("a", 1), ("a", 2)]


def test_after_a_restart_nothing_of_the_earlier_process_counts_in_whatever_order_it_comes() -> None:
    for order in interleaved(reports("old", 3, first=2), reports("new", 3)):
        ear = Ear().hear_all([("old", 1), *order])
        began = order.index(("new", 1))
        counted = [report for place, report in enumerate(order) if place < began or report[0] == "new"]
        assert ear.counted == [("old", 1), *counted]


@pytest.mark.parametrize("apart", [1, BEAT // 2, BEAT, LIVE])
@pytest.mark.parametrize("late", [1, 2])
def test_a_restart_with_late_packets_is_no_duplicate(apart: int, late: int) -> None:
    """Of a process that has ended at most two reports can be under way: see the rules."""
    for order in interleaved(reports("old", late, first=8), reports("new", 6)):
        ear = Ear().hear_all([("old", 7)])
        for report in order:
            ear.hear(*report)
            assert not ear.duplicated, order
            ear.now += apart


def test_late_packets_that_come_many_times_are_still_no_duplicate() -> None:
    again = [report for number in range(1, 9) for report in (("new", number), ("old", 2), ("old", 3))]
    assert not Ear().hear_all([("old", 1), *again], apart=BEAT // 2).duplicated


def test_quick_restarts_are_no_duplicates() -> None:
    lives = [report for number in range(50) for report in reports(f"life {number}", 1 + number % 3)]
    ear = Ear()
    for report in lives:
        assert ear.hear(*report)
        assert not ear.duplicated
        ear.now += 500
    assert len(ear.known.earlier) == KEPT


def test_a_late_report_of_any_of_the_last_processes_changes_nothing() -> None:
    ear = Ear().hear_all([(f"life {number}", 1) for number in range(KEPT + 1)])
    assert not any(ear.hear(f"life {number}", 2) for number in range(KEPT))
    assert ear.known.session == f"life {KEPT}"


@pytest.mark.parametrize("phase", [1, 2000, BEAT // 2, BEAT - 1])
def test_two_that_live_are_duplicated_after_three_reports_of_the_earlier_one(phase: int) -> None:
    ear = Ear()
    ear.hear("a", 1)
    seen = []
    for number in range(1, 5):
        ear.now += phase
        ear.hear("b", number)
        ear.now += BEAT - phase
        ear.hear("a", 1 + number)
        seen.append(ear.duplicated)
    assert seen == [False, False, True, True]
    assert ear.counted == [("a", 1), *reports("b", 4)], "only the newer one counts"


def test_reports_without_one_of_the_newer_in_between_are_no_evidence() -> None:
    """The newer one may have died at once: then the earlier one takes its place, and nobody is duplicated."""
    ear = Ear().hear_all([("a", 1), ("b", 1), *reports("a", 20, first=2)], apart=1000)
    assert not ear.duplicated
    ear.reachable = False
    assert ear.hear("a", 22)
    assert (ear.known.session, ear.duplicated) == ("a", False)


def test_seldom_reports_of_an_earlier_one_are_no_evidence() -> None:
    ear = Ear()
    for number in range(1, 10):
        ear.hear("b" if number > 1 else "a", number)
        ear.now += LIVE
        ear.hear("a", 1 + number)
        assert not ear.duplicated


def test_what_was_duplicated_is_it_no_more_once_one_has_been_silent_for_two_times_to_live() -> None:
    ear = Ear().hear_all([("a", 1)])
    ear.hear_all([report for number in range(1, 5) for report in (("b", number), ("a", 1 + number))], apart=BEAT // 2)
    assert ear.duplicated
    ear.hear_all(reports("b", 10, first=5), apart=BEAT // 2)
    assert ear.duplicated
    ear.hear_all(reports("b", 2, first=15), apart=BEAT // 2)
    assert not ear.duplicated


def test_the_newer_one_that_returns_from_silence_finds_its_place_taken() -> None:
    ear = Ear().hear_all([("a", 1), ("b", 1)])
    ear.reachable = False
    assert ear.hear("a", 2)
    assert not ear.hear("b", 2)
    ear.reachable = False
    assert ear.hear("b", 3)


def test_silence_gives_no_old_number_its_place_back() -> None:
    ear = Ear().hear_all([("a", 5), ("b", 5)])
    ear.reachable = False
    assert not ear.hear("a", 5)
    assert not ear.hear("b", 5)
    assert ear.hear("a", 6)


def test_a_restored_state_directory_is_no_duplicate() -> None:
    """The process that took it up is a new one, and the one before it has ended."""
    ear = Ear().hear_all([*reports("a", 9), *reports("restored", 9)], apart=BEAT)
    assert ear.known.session == "restored"
    assert not ear.duplicated


def test_two_that_both_start_anew_all_the_time_are_told_apart_as_soon_as_both_stay() -> None:
    ear = Ear().hear_all([(f"life {number}", 1) for number in range(6)], apart=1000)
    pair = [report for number in range(2, 6) for report in (("life 5", number), ("life 4", number))]
    assert ear.hear_all(pair, apart=BEAT // 2).duplicated
