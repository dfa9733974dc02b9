"""A field given twice in one object is found, wherever it is."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dides.protocol.repeated import find_repeated


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b'{"a": 1, "a": 1}', "a"),
        (b'{"a": {"b": 1, "c": 2, "b": 3}}', "a.b"),
        (b'{"a": {"b": {}}, "c": {"d": {"e": 1, "e": 2}}}', "c.d.e"),
        (b'{"a": 1, "\\u0061": 2}', "a"),
        (b'{"": 1, "": 2}', ""),
    ],
)
def test_the_path_of_the_first_one(body: bytes, field: str) -> None:
    found = find_repeated(body)
    assert found is not None
    assert found.field == field


@pytest.mark.parametrize(
    "body", [b"{}", b"[]", b'{"a": {"a": {"a": 1}}}', b'[{"a": 1}, {"a": 1}]', b'{"a": "a", "b": "a"}']
)
def test_the_same_name_in_different_objects_is_fine(body: bytes) -> None:
    assert find_repeated(body) is None


@given(
    st.dictionaries(st.text(max_size=3), st.dictionaries(st.text(max_size=3), st.integers(), max_size=3), max_size=4)
)
def test_nothing_is_found_where_nothing_is_repeated(body: dict[str, dict[str, int]]) -> None:
    assert find_repeated(json.dumps(body).encode()) is None
