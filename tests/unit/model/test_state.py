"""States: being at one, filling one up, leaving out what is not managed."""

import pytest

from dides.model.state import NOTHING, State, Status, known

FULL = State("1.0", "c1")


@pytest.mark.parametrize(
    ("rule", "current", "desired", "meets"),
    [
        ("both versions equal", FULL, State("1.0", "c1"), True),
        ("another code", FULL, State("2.0", "c1"), False),
        ("another configuration", FULL, State("1.0", "c2"), False),
        ("an unmanaged configuration matches anything", FULL, State("1.0"), True),
        ("an unmanaged code matches anything", FULL, State(None, "c1"), True),
        ("an unmanaged code does not excuse the configuration", FULL, State(None, "c2"), False),
        ("unmanaged altogether matches anything", FULL, NOTHING, True),
        ("no desired state matches anything", FULL, None, True),
        ("an unknown version is not the desired one", State(None, "c1"), FULL, False),
        ("nothing known, nothing desired", NOTHING, NOTHING, True),
        ("versions are texts, not numbers", State("1.00", "c1"), FULL, False),
    ],
)
def test_at_the_target_means_every_version_that_is_not_null_is_equal(
    rule: str, current: State, desired: State | None, meets: bool
) -> None:
    assert current.meets(desired) is meets, rule


@pytest.mark.parametrize(
    ("state", "earlier", "filled"),
    [
        (State("2.0"), FULL, State("2.0", "c1")),
        (State(None, "c2"), FULL, State("1.0", "c2")),
        (State("2.0", "c2"), FULL, State("2.0", "c2")),
        (NOTHING, FULL, FULL),
        (State("2.0"), NOTHING, State("2.0")),
        (State("2.0"), None, State("2.0")),
    ],
)
def test_a_version_left_out_stays_as_it_was(state: State, earlier: State | None, filled: State) -> None:
    assert state.over(earlier) == filled


@pytest.mark.parametrize(
    ("managed", "left"),
    [
        (State("9", "c9"), FULL),
        (State("9"), State("1.0")),
        (State(None, "c9"), State(None, "c1")),
        (NOTHING, NOTHING),
    ],
)
def test_only_managed_versions_are_kept_whatever_they_are(managed: State, left: State) -> None:
    assert FULL.only_managed_by(managed) == left


@pytest.mark.parametrize(
    ("state", "empty"), [(NOTHING, True), (FULL, False), (State("1.0"), False), (State(None, "c1"), False)]
)
def test_a_state_is_empty_when_it_names_no_version(state: State, empty: bool) -> None:
    assert state.empty is empty
    assert known(state) == (None if empty else state)


def test_no_state_is_not_known() -> None:
    assert known(None) is None


def test_the_numbers_of_the_statuses_are_fixed_by_the_wire() -> None:
    assert {status.name: int(status) for status in Status} == {"UNKNOWN": 0, "HEALTHY": 1, "DEGRADED": 2, "FAILED": 3}
