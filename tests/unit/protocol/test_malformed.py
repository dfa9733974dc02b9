"""Where JSON breaks is said as people count: lines and characters, both from 1."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dides.protocol.malformed import find_break


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"{", "At line 1, column 2: the body ends too early."),
        (b'{"a": 1\n\n', "At line 3, column 1: the body ends too early."),
        (b'{"a" 1}', "At line 1, column 6: expecting ':' delimiter."),
        ('{"é": "日本",\n "ü" 1}'.encode(), "At line 2, column 6: expecting ':' delimiter."),
        (b'{"a": 1}x', "At line 1, column 9: extra data."),
        (b'{"a": "\xff"}', "At line 1, column 8: this is not UTF-8."),
        ('{"é":\n"é'.encode() + b"\xc3", "At line 2, column 3: this is not UTF-8."),
        (b'{"a": NaN}', "At line 1, column 7: invalid value."),
        (b'["\\ud800"]', "At line 1, column 3: half of a surrogate pair stands alone."),
        (b'["\\udc00"]', "At line 1, column 3: half of a surrogate pair stands alone."),
        (b'["\\ud800\\ud800\\udc00"]', "At line 1, column 3: half of a surrogate pair stands alone."),
        (b'["\\ud83d\\ude00",\n"\\udbff"]', "At line 2, column 2: half of a surrogate pair stands alone."),
        (b'["\\ud83d\\ude00\\ude00"]', "At line 1, column 15: half of a surrogate pair stands alone."),
        (b'["\\ud800\\u0041", "and so on"]', "At line 1, column 3: half of a surrogate pair stands alone."),
        (b'["\\ud800\\n", "and so on"]', "At line 1, column 3: half of a surrogate pair stands alone."),
        (b'["\xc3\xa9", "\\udc00 and so on"]', "At line 1, column 8: half of a surrogate pair stands alone."),
        (b'[NaN, "\\ud800"]', "At line 1, column 2: invalid value."),
        (b'[1, NaN, "\\ud800 and so on"]', "At line 1, column 5: invalid value."),
        (b"[" + b"9" * 5000 + b",]", "At line 1, column 5003: expecting value."),
        (b"[1e" + b"9" * 5000 + b" x]", "At line 1, column 5005: expecting ',' delimiter."),
        (b'["\\\\ud800", "\\ud800x"]', "At line 1, column 14: half of a surrogate pair stands alone."),
    ],
)
def test_the_place_and_the_reason(body: bytes, said: str) -> None:
    assert find_break(body) == said


@pytest.mark.parametrize("body", [b"{}", b"1e999", b'["\\ud83d\\ude00"]', '"é"'.encode(), b"[" * 100_000, b" [1] "])
def test_what_keeps_the_rules_as_far_as_it_was_read(body: bytes) -> None:
    assert find_break(body) is None


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=20), st.integers(0, 3))
def test_the_place_is_where_it_was_put(text: str, lines: int) -> None:
    quoted = "".join(each for each in text if each.isprintable() and each not in '"\\')
    body = "[" + "\n" * lines + f'"{quoted}" x]'
    column = len(quoted) + (5 if lines == 0 else 4)
    assert find_break(body.encode()) == f"At line {lines + 1}, column {column}: expecting ',' delimiter."
