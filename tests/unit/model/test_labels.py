"""Each key of a label has an owner: what an operator has set or removed stays, the rest is the agent's."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dides.model.labels import is_reserved, labels_of, owned_after

LABELS = st.dictionaries(st.sampled_from("abcd"), st.sampled_from(["1", "2"]))


def test_what_an_agent_says_is_all_there_is_at_first() -> None:
    assert labels_of({"env": "prod"}, {}) == {"env": "prod"}


@pytest.mark.parametrize(
    ("wanted", "owned"),
    [
        ({"env": "prod", "role": "web"}, {}),
        ({"env": "test", "role": "web"}, {"env": "test"}),
        ({"env": "prod"}, {"role": None}),
        ({"env": "prod", "role": "web", "zone": "a"}, {"zone": "a"}),
        ({}, {"env": None, "role": None}),
    ],
)
def test_an_operator_owns_what_is_changed(wanted: dict[str, str], owned: dict[str, str | None]) -> None:
    assert owned_after({"env": "prod", "role": "web"}, wanted, {}) == owned


def test_what_is_set_and_removed_again_stays_removed() -> None:
    owned = owned_after({"a": "1"}, {"a": "1", "b": "2"}, {})
    owned = owned_after({"a": "1", "b": "2"}, {"a": "1"}, owned)
    assert labels_of({"a": "1", "b": "3"}, owned) == {"a": "1"}


@given(st.lists(st.tuples(st.booleans(), LABELS), max_size=8))
def test_an_operator_has_what_was_wanted_last_and_an_agent_the_rest(changes: list[tuple[bool, dict[str, str]]]) -> None:
    registered: dict[str, str] = {}
    shown: dict[str, str] = {}
    owned: dict[str, str | None] = {}
    for by_operator, labels in changes:
        if by_operator:
            owned = owned_after(shown, labels, owned)
        else:
            registered = labels
        shown = labels if by_operator else labels_of(registered, owned)
        assert labels_of(registered, owned) == shown
        assert {key: value for key, value in owned.items() if value is not None}.items() <= shown.items()


@pytest.mark.parametrize(("key", "reserved"), [("dides/token", True), ("dides", False), ("x.dides/token", False)])
def test_one_prefix_is_reserved(key: str, *, reserved: bool) -> None:
    assert is_reserved(key) is reserved
