"""Values are counted by the first bound that they do not exceed, and nothing goes down."""

import pytest

from dides.runtime.histogram import DURATIONS, SIZES, Histogram


def test_a_new_one_has_counted_nothing() -> None:
    histogram = Histogram((1.0, 2.0))
    assert histogram.cumulative() == [0, 0, 0]
    assert histogram.sum == 0


@pytest.mark.parametrize(
    ("value", "counts"),
    [
        (0.0, [1, 1, 1]),
        (0.5, [1, 1, 1]),
        (1.0, [1, 1, 1]),
        (1.5, [0, 1, 1]),
        (2.0, [0, 1, 1]),
        (3.0, [0, 0, 1]),
        (float("inf"), [0, 0, 1]),
    ],
)
def test_a_value_belongs_to_the_first_bound_that_it_does_not_exceed(value: float, counts: list[int]) -> None:
    histogram = Histogram((1.0, 2.0))
    histogram.observe(value)
    assert histogram.cumulative() == counts
    assert histogram.sum == value


def test_values_add_up() -> None:
    histogram = Histogram((1.0, 2.0))
    for value in (0.5, 1.5, 1.5, 9.0):
        histogram.observe(value)
    assert histogram.cumulative() == [1, 3, 4]
    assert histogram.sum == 12.5


def test_a_block_is_timed_unless_it_fails() -> None:
    histogram = Histogram()
    with histogram.timing():
        assert histogram.cumulative()[-1] == 0, "only once it is over"
    with pytest.raises(ZeroDivisionError), histogram.timing():
        raise ZeroDivisionError
    assert histogram.cumulative()[-1] == 1
    assert 0 < histogram.sum < 10


@pytest.mark.parametrize("bounds", [DURATIONS, SIZES])
def test_bounds_rise(bounds: tuple[float, ...]) -> None:
    assert list(bounds) == sorted(set(bounds))
