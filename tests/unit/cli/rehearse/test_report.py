import pytest

from dides.cli.display.marks import say_duration
from dides.cli.rehearse.answer import make_answer
from dides.cli.rehearse.bins import Bin, bins_of
from dides.cli.rehearse.report import Quantity, bar, print_histogram, print_report
from dides.model.policy import Policy
from dides.protocol.messages import Configuration
from dides.rehearsal.durations import Recorded
from dides.rehearsal.fleet import Condition, Group
from dides.rehearsal.pool import rehearse
from dides.rehearsal.rehearse import Rehearsal
from dides.rehearsal.run import Chances
from support.consoles import make_text_console, text_of

REHEARSAL = Rehearsal(
    fleet=(Group(30), Group(2, Condition.UNREACHABLE), Group(1, Condition.THERE)),
    policy=Policy(batch_size=5, failure_threshold=3),
    chances=Chances(
        durations=Recorded(durations_ms=(7_000, 70_000), deployments=(42, 40)), failure_rate=1 / 12, lost_rate=0.001
    ),
)


@pytest.mark.parametrize(
    ("values", "most", "bins"),
    [
        ([5.0, 5.0], 10, [Bin(5.0, 5.0, 2)]),
        ([0.0, 1.0, 4.0], 4, [Bin(0.0, 1.0, 1), Bin(1.0, 2.0, 1), Bin(2.0, 3.0, 0), Bin(3.0, 4.0, 1)]),
    ],
)
def test_bins_are_equally_wide_and_the_last_one_has_the_greatest_value(
    values: list[float], most: int, bins: list[Bin]
) -> None:
    assert bins_of(values, most, whole=False) == bins


def test_bins_of_whole_values_begin_at_whole_values() -> None:
    assert bins_of([float(value) for value in range(1, 13)], 10, whole=True) == [
        Bin(first, first + 2, 2) for first in range(1, 13, 2)
    ]
    assert bins_of([1.0, 2.0, 2.0], 10, whole=True) == [Bin(1, 2, 1), Bin(2, 3, 2)]


@pytest.mark.parametrize("greatest", [2, 9, 10, 11, 99, 100, 901])
def test_no_value_falls_out_of_its_bin(greatest: int) -> None:
    values = [float(value) for value in range(greatest + 1)]
    bins = bins_of(values, 10, whole=True)
    assert len(bins) <= 10
    assert [each.runs for each in bins] == [
        sum(each.low <= value <= each.high - 1 for value in values) for each in bins
    ]


def test_a_bar_is_as_long_as_its_share_and_never_nothing() -> None:
    console = make_text_console()
    assert (len(bar(1.0, console)), bar(0.0, console), bar(0.001, console)) == (40, "", "▏")
    plain = make_text_console(encoding="ascii")
    assert (bar(1.0, plain), bar(0.0, plain), bar(0.001, plain)) == ("#" * 40, "", "#")


def test_a_histogram_says_range_and_number_in_words() -> None:
    console = make_text_console(encoding="ascii")
    its = Quantity(
        name="Down", distribution=None, values=(1.0, 2.0, 2.0, 9.0), say=lambda value: f"{value:g}", whole=True
    )
    print_histogram(its, console)
    lines = text_of(console).splitlines()
    assert lines[0] == "Down, by the number of runs"
    assert lines[1].split() == ["1", "#" * 20, "1"]
    assert lines[2].split() == ["2", "#" * 40, "2"]
    assert lines[3].split() == ["3", "0"]


def test_ranges_of_times_are_written_as_durations() -> None:
    console = make_text_console(encoding="ascii")
    print_histogram(Quantity(name="Time", distribution=None, values=(50.0, 150.0), say=say_duration), console)
    assert "50.0 s to 1 min 0 s  " in text_of(console)


@pytest.mark.parametrize("width", [80, 120])
def test_a_report_fits_its_terminal(width: int) -> None:
    console = make_text_console(width)
    outcomes = rehearse(REHEARSAL, 60)
    answer = make_answer(REHEARSAL, Configuration(batch_size=5, failure_threshold=3), outcomes, "recorded")
    print_report(answer, outcomes, console)
    text = text_of(console)
    assert max(len(line) for line in text.splitlines()) <= width
    assert "…" not in text
    assert "as 2 recorded ones of deployments 42, 40" in " ".join(text.split())
    assert "1 at the target already, 2 unreachable" in " ".join(text.split())
    assert ("least" in text) == (width == 120)
