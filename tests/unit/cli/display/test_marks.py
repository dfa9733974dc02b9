import pytest

from dides.cli.display.marks import is_drifted, say_duration, say_selection, say_state, say_time, say_version
from dides.cli.options.output import clean
from dides.model.state import State
from support.fake_coordinator import NOON, make_deployment, make_instance


@pytest.mark.parametrize(
    ("current", "desired", "drifted"),
    [
        (State("1"), State("1"), False),
        (State("1"), State("2"), True),
        (State("1", "7"), State("1"), False),
        (State("1", "7"), State("1", "8"), True),
        (State("1"), None, False),
        (State(), State("1"), False),
    ],
)
def test_an_instance_has_drifted_when_it_reports_something_else_than_it_should_be(
    current: State, desired: State | None, drifted: bool
) -> None:
    assert is_drifted(make_instance(current=current, desired=desired)) is drifted


@pytest.mark.parametrize(
    ("state", "text"),
    [
        (State("1.0.0", "7"), "1.0.0 config 7"),
        (State("1.0.0"), "1.0.0"),
        (State(None, "7"), "config 7"),
        (State(), "-"),
        (None, "-"),
    ],
)
def test_a_state_in_words(state: State | None, text: str) -> None:
    assert say_state(state) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0.0 s"), (-1, "0.0 s"), (4.23, "4.2 s"), (60, "1 min 0 s"), (192, "3 min 12 s"), (7500, "2 h 5 min")],
)
def test_a_duration_in_words(seconds: float, text: str) -> None:
    assert say_duration(seconds) == text


def test_a_deployment_in_words() -> None:
    assert say_selection(make_deployment()) == "env=test"
    assert say_version(make_deployment()) == "1.1.0"
    assert say_version(make_deployment(rollback_of=41)) == "rollback of deployment 41"


def test_a_moment_is_in_the_time_zone_of_this_machine_and_has_its_date_unless_it_is_of_today() -> None:
    local = NOON.astimezone()
    assert say_time(None) == "-"
    assert say_time(NOON) == local.strftime("%Y-%m-%d %H:%M:%S")
    assert say_time(NOON, today=local.date()) == local.strftime("%H:%M:%S")


def test_text_from_elsewhere_cannot_steer_the_terminal() -> None:
    assert clean("a\x1b[31mb\x07\x9b2J\r\nc\td\n") == "a[31mb2J\nc    d"
