"""Requests are decoded strictly, and whatever is sent is either understood or refused."""

import contextlib
import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dides.model.errors import InvalidError, MalformedError
from dides.protocol.decode import decode, decode_query
from dides.protocol.messages import (
    AbortRequest,
    ActionRequest,
    Configuration,
    DeployRequest,
    Heartbeat,
    InstanceSpec,
    Registration,
)
from dides.protocol.queries import DecommissionQuery, DesiredQuery, InstanceQuery, NoQuery

REQUESTS = [AbortRequest, ActionRequest, DeployRequest, Heartbeat, Registration]
FRAGMENTS = [
    *(
        '{"',
        '":',
        '"}',
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        '"',
        "\\",
        "\\u",
        "d800",
        "\\ud800",
        "\\udc00",
        "1",
        "-",
        ".",
        "e",
    ),
    *("null", "true", "NaN", "Infinity", " ", "\n", "é", "code_version", '"labels":{}', '{"code_version":"1"', "\x00"),
]


def is_json(body: bytes) -> bool:
    """Tell whether a body is JSON, by the standard library, whose three indulgences are taken back."""

    def refuse(_: str) -> None:
        raise ValueError

    try:
        text = body.decode()
        whole = json.loads(text, parse_constant=refuse)
        json.dumps(whole, ensure_ascii=False).encode()
    except ValueError:
        return False
    return True


def refusal(body: bytes, message: type) -> MalformedError | InvalidError | None:
    try:
        decode(body, message)
    except (InvalidError, MalformedError) as error:
        return error
    return None


@pytest.mark.parametrize("message", REQUESTS)
@given(
    body=st.one_of(
        st.binary(max_size=40), st.lists(st.sampled_from(FRAGMENTS), max_size=12).map("".join).map(str.encode)
    )
)
def test_what_is_no_json_is_malformed_and_nothing_else_is(message: type, body: bytes) -> None:
    malformed = bool(body.strip()) and not is_json(body)
    assert isinstance(refusal(body, message), MalformedError) is malformed


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize("message", REQUESTS)
@given(data=st.data())
def test_any_json_is_understood_or_refused_by_field(message: type, data: st.DataObject) -> None:
    names = st.sampled_from([*message.__struct_fields__, "other"])  # type: ignore[attr-defined]
    body = data.draw(JSON | st.dictionaries(names, JSON, max_size=4))
    refused = refusal(json.dumps(body).encode(), message)
    assert refused is None or (isinstance(refused, InvalidError) and refused.errors and refused.detail)


VERSIONS = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=128)


@given(VERSIONS, VERSIONS | st.none(), st.integers(1, 31_536_000), st.booleans())
def test_what_a_client_sends_is_what_is_understood(first: str, second: str | None, number: int, flag: bool) -> None:
    for sent in (
        AbortRequest(rollback=flag),
        DeployRequest(code_version=first, labels={"a": "b"}, configuration=Configuration(update_timeout=number)),
        Heartbeat(code_version=second, observed=number, message="é" * (number % 2000)),
        Registration(instance=InstanceSpec(name="a", ip="::1"), token="x"),
    ):
        assert decode(msgspec.json.encode(sent), type(sent)) == sent


@pytest.mark.parametrize("body", [b"", b" ", b"\r\n\t", b"{}"])
def test_an_empty_body_is_an_empty_object(body: bytes) -> None:
    assert decode(body, Heartbeat) == Heartbeat()
    with pytest.raises(InvalidError) as caught:
        decode(body, DeployRequest)
    assert [each.field for each in caught.value.errors] == ["code_version", "labels"]


def test_a_version_that_ends_in_a_new_line_is_none() -> None:
    """Python's `$` matches before a line end at the end of a text, and once let "1.0\n" pass."""
    for body in (b'{"code_version": "1.0\\n"}', b'{"message": "x\\u0000\\n"}'):
        with pytest.raises(InvalidError):
            decode(body, Heartbeat)


@pytest.mark.parametrize(
    ("pairs", "expected"),
    [
        ([], InstanceQuery()),
        ([("limit", "5"), ("selector", "a=b")], InstanceQuery(limit=5, selector="a=b")),
        ([("wait", "0.5"), ("generation", "7")], DesiredQuery(wait=0.5, generation=7)),
        ([("force", "true")], DecommissionQuery(force=True)),
        ([("force", "False")], DecommissionQuery(force=False)),
    ],
)
def test_query_strings_are_messages_too(pairs: list[tuple[str, str]], expected: object) -> None:
    assert decode_query(pairs, type(expected)) == expected


@given(
    st.lists(
        st.tuples(st.sampled_from(["limit", "cursor", "selector", "status", "x"]), st.text(max_size=8)), max_size=4
    )
)
def test_any_query_string_is_understood_or_refused_by_parameter(pairs: list[tuple[str, str]]) -> None:
    with contextlib.suppress(InvalidError):
        assert isinstance(decode_query(pairs, InstanceQuery), InstanceQuery)


def test_where_nothing_is_asked_nothing_is_known() -> None:
    with pytest.raises(InvalidError) as caught:
        decode_query([("x", "1")], NoQuery)
    assert (caught.value.errors[0].field, caught.value.errors[0].message) == ("x", "is not a known field")


@pytest.mark.parametrize(("given", "missing"), [("session", "sequence"), ("sequence", "session")])
def test_a_session_and_a_number_come_together(given: str, missing: str) -> None:
    with pytest.raises(InvalidError) as caught:
        decode(json.dumps({given: {"session": "a", "sequence": 1}[given]}).encode(), Heartbeat)
    assert [each.field for each in caught.value.errors] == [missing]
