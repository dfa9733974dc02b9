"""Cursors stand for places, and for nothing else."""

import base64
import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from dides.api.pagination import cursor_of, name_in, number_in, page_of
from dides.model.errors import InvalidError
from dides.protocol.fields import HOSTNAME_PATTERN, whole


@given(st.integers(0, 2**53))
def test_a_cursor_brings_a_number_back(number: int) -> None:
    assert number_in(cursor_of(number)) == number


@given(st.from_regex(whole(HOSTNAME_PATTERN)).filter(lambda name: len(name) <= 253))
def test_a_cursor_brings_a_name_back(name: str) -> None:
    assert name_in(cursor_of(name)) == name


def test_without_a_cursor_a_list_begins_at_its_beginning() -> None:
    assert name_in(UNSET) is None
    assert number_in(UNSET) is None


@given(st.text(max_size=30))
def test_any_other_text_is_refused_or_a_place(text: str) -> None:
    for read in (name_in, number_in):
        with contextlib.suppress(InvalidError):
            assert read(text) is not None


@pytest.mark.parametrize("place", ["", "-1", "1.5", "\x00", "1\n", "9" * 17, "\uff11", "A", "a\n", "a b", "é"])
def test_a_place_that_cannot_be_is_refused(place: str) -> None:
    cursor = base64.urlsafe_b64encode(place.encode()).decode().rstrip("=")
    with pytest.raises(InvalidError):
        number_in(cursor)
    if place not in ("1.5", "9" * 17):  # those are hostnames
        with pytest.raises(InvalidError):
            name_in(cursor)


@pytest.mark.parametrize(("there", "shown", "further"), [(0, 0, False), (2, 2, False), (3, 3, False), (4, 3, True)])
def test_a_page_has_a_cursor_only_when_there_is_more(there: int, shown: int, *, further: bool) -> None:
    numbers = list(range(10, 10 + there))
    page, cursor = page_of(lambda most: numbers[:most], 3, lambda number: number)
    assert list(page) == numbers[:shown]
    assert (cursor is not None) is further
    if cursor is not None:
        assert number_in(cursor) == page[-1]
