"""Tables in little room: names stay whole, and what matters least leaves first."""

from collections.abc import Callable

import msgspec
import pytest
from rich.console import Console
from rich.text import Text

from dides.cli.display.follow import Sight
from dides.cli.display.layout import Cell, print_facts, print_rows
from dides.cli.display.plain_lines import PlainDisplay
from dides.cli.display.plan_view import print_waves
from dides.cli.display.progress import ServerTime
from dides.cli.display.show import print_instance
from dides.cli.display.tables import print_deployments, print_events, print_instances, print_targets
from dides.cli.options.output import PIPE_WIDTH
from dides.model.deployment import TargetState
from dides.model.state import State, Status
from dides.protocol.forecast import Forecast, ForecastWave, WorstCase
from dides.protocol.messages import Event, Instance
from dides.runtime.clock import SystemClock
from support.consoles import make_text_console, text_of
from support.fake_coordinator import COMPLETED, FAILED, NOON, make_instance, make_target

NAMES = ["web-server-01.eu-west-1.prod", "db-1", "a-long-name-for-a-small-host"]
LONGER = "this-name-of-an-instance-is-longer-than-the-terminal-is-wide"
LABELS = {"environment": "production", "role": "web", "zone": "eu-west-1a"}
MESSAGE = "the check exited with 2: connection refused by 10.0.0.1 after 30 seconds of waiting for an answer"
WIDTHS = range(30, 121)


def instances(*names: str) -> list[Instance]:
    state = State("2026.11.30-abcdef0", "17")
    failed = make_instance("x", Status.FAILED, current=state, desired=state, message=MESSAGE)
    return [msgspec.structs.replace(failed, name=name, labels=LABELS) for name in names]


def show_instances(console: Console) -> None:
    print_instances(instances(*NAMES), set(), console)


def show_targets(console: Console) -> None:
    made = [make_target(name, TargetState.FAILED, reason=MESSAGE, message=MESSAGE, attempt=2) for name in NAMES]
    print_targets(made, console)


def show_events(console: Console) -> None:
    data = {"reason": MESSAGE}
    events = [Event(1, NOON, "target.succeeded", 42, name, actor="operator", data=data) for name in NAMES]
    print_events(events, console)


def show_waves(console: Console) -> None:
    waves = [ForecastWave(size=3, instances=NAMES)]
    worst = WorstCase(reached=1, down_at_once=1)
    print_waves(Forecast(3, 0, 0, waves, 1, worst, []), console)


def show_each_instance(console: Console) -> None:
    for instance in instances(*NAMES):
        print_instance(instance, updating=True, console=console)


def show_failures(console: Console) -> None:
    display = PlainDisplay(console, ServerTime(SystemClock(), NOON))
    failures = tuple(make_target(name, TargetState.FAILED, reason=MESSAGE, message=MESSAGE) for name in NAMES)
    display.show(Sight(deployment=FAILED, failures=failures))


@pytest.mark.parametrize(
    "show", [show_instances, show_targets, show_events, show_waves, show_each_instance, show_failures]
)
def test_names_are_whole_in_every_width(show: Callable[[Console], None]) -> None:
    for width in WIDTHS:
        console = make_text_console(width)
        show(console)
        words = text_of(console).replace(",", " ").split()
        assert [name for name in NAMES if name not in words] == [], width


@pytest.mark.parametrize("show", [show_instances, show_targets, show_events])
def test_a_table_fits_its_terminal_and_says_what_is_not_shown(show: Callable[[Console], None]) -> None:
    for width in WIDTHS:
        console = make_text_console(width)
        show(console)
        lines = text_of(console).splitlines()
        table = [line.rstrip() for line in lines if not line.startswith("Not shown")]
        assert max(map(len, table)) <= width
        assert (len(lines) > len(table)) or width > 80


def test_the_number_of_a_deployment_stays_and_its_status_leaves_last() -> None:
    console = make_text_console(30)
    print_deployments([COMPLETED, FAILED], console)
    first, *rows = text_of(console).splitlines()
    assert first.split()[:2] == ["ID", "Status"]
    assert rows[0].split()[:3] == ["42", "✔", "completed"]
    assert " ".join(" ".join(rows[2:]).split()) == "Not shown, for want of room: Instances, Failed, Created"


def test_a_name_longer_than_the_terminal_is_on_one_line() -> None:
    console = make_text_console(30)
    print_instances(instances(LONGER, "db-1"), set(), console)
    assert LONGER in text_of(console).split()
    print_instance(instances(LONGER)[0], updating=False, console=console)
    assert LONGER in text_of(console).splitlines()


COLUMNS: dict[str, Callable[[str], Cell]] = {"Name": str, "Status": lambda _: "fine", "Message": lambda _: "x" * 5000}


def test_in_a_pipe_every_row_is_one_line_with_everything() -> None:
    console = make_text_console(PIPE_WIDTH)
    print_rows(["one", "two"], COLUMNS, console, keep=["Name"])
    lines = text_of(console).splitlines()
    assert [line.split() for line in lines] == [
        ["Name", "Status", "Message"],
        ["one", "fine", "x" * 5000],
        ["two", "fine", "x" * 5000],
    ]


def test_what_is_left_of_the_room_goes_to_those_that_need_little_first() -> None:
    console = make_text_console(60)
    print_rows(["web-1"], {**COLUMNS, "Message": lambda _: "word " * 20, "Current": str}, console, keep=["Name"])
    first = text_of(console).splitlines()[0]
    assert first == "Name   Status  Message                               Current"


def test_facts_keep_every_line_of_a_value() -> None:
    console = make_text_console(30)
    print_facts({"Name": "web-1", "Message": Text("first\nsecond"), "IP": ""}, console)
    assert text_of(console).splitlines() == ["Name     web-1", "Message  first", "         second", "IP       "]


def test_facts_are_folded_between_words_and_never_within_one() -> None:
    console = make_text_console(30)
    print_facts({"Last heartbeat": "today, a moment ago", "Name": NAMES[0]}, console)
    assert text_of(console).splitlines() == [
        "Last heartbeat  today, a",
        "                moment ago",
        "Name",
        NAMES[0],
    ]
