"""What is shown while a deployment runs: the live block and the plain lines."""

from datetime import datetime, timedelta

import pytest

from dides.cli.display.follow import Sight
from dides.cli.display.live import ROWS, LiveDisplay
from dides.cli.display.plain_lines import PlainDisplay
from dides.cli.display.progress import ServerTime
from dides.model.deployment import DeploymentStatus, TargetState
from dides.protocol.messages import Configuration, Wave
from support.consoles import make_text_console, text_of
from support.fake_coordinator import NOON, make_deployment, make_progress, make_target


class FixedClock:
    """A clock that stands still at a moment."""

    def __init__(self, moment: datetime) -> None:
        self._moment = moment

    def now(self) -> int:
        return round(self._moment.timestamp() * 1000)

    def monotonic(self) -> float:
        return 0.0


TIME = ServerTime(FixedClock(NOON + timedelta(seconds=12.5)))
RUNNING = Sight(
    deployment=make_deployment(
        progress=make_progress(pending=1, updating=2, succeeded=2, failed=1),
        held_by="batch_size",
        configuration=Configuration(batch_size=2, failure_threshold="25%"),
    ),
    updating=(
        make_target("web-4", assigned_at=NOON + timedelta(seconds=12)),
        make_target("web-3", assigned_at=NOON + timedelta(seconds=10)),
    ),
    failures=(
        make_target("web-1", TargetState.FAILED, reason="reported", message="line 1\n\x1b[2Jconnection refused"),
    ),
)
FAILED = Sight(
    deployment=make_deployment(
        status=DeploymentStatus.FAILED,
        progress=make_progress(succeeded=2, failed=2, skipped=2),
        reason="2 of 6 failed",
        rolled_back_by=43,
    )
)


@pytest.mark.parametrize("width", [80, 120])
def test_the_live_block_says_everything_in_words_within_the_terminal(width: int) -> None:
    console = make_text_console(width)
    with LiveDisplay(console, TIME) as display:
        display.show(RUNNING)
    lines = text_of(console).splitlines()
    assert lines[:3] == ["✖ web-1 failed: reported", "    line 1", "    [2Jconnection refused"]
    assert "Deployment 42: 1.1.0 to env=test, 2 at a time, stops when 25% failed" in lines
    assert any(line.startswith("━") and line.endswith("3/6  12.5 s") and len(line) == width for line in lines)
    assert "✔ 2 succeeded  ▸ 2 updating  ○ 1 pending  ✖ 1 failed  » 0 skipped" in lines
    assert lines[lines.index("  ▸ web-3  for 2.5 s") + 1] == "  ▸ web-4  for 0.5 s"
    assert "  batch_size instances are updating" in lines
    assert all(len(line) <= width for line in lines)


def test_the_live_block_ends_with_the_verdict_and_its_reason() -> None:
    console = make_text_console()
    with LiveDisplay(console, TIME) as display:
        display.show(FAILED)
    assert "✖ Deployment 42 failed after 1 min 30 s: 2 of 6 failed" in text_of(console)


def test_a_wide_window_is_cut_and_counted() -> None:
    many = tuple(make_target(f"web-{number}") for number in range(ROWS + 5))
    console = make_text_console()
    with LiveDisplay(console, TIME) as display:
        display.show(Sight(deployment=make_deployment(progress=make_progress(updating=300)), updating=many))
    lines = text_of(console).splitlines()
    assert sum("for 12.5 s" in line for line in lines) == ROWS
    assert f"    and {300 - ROWS} more" in lines


def test_the_live_block_says_while_the_coordinator_is_away() -> None:
    console = make_text_console()
    with LiveDisplay(console, TIME) as display:
        display.show(RUNNING)
        display.show_away(7.0, "connection refused")
    assert "! the coordinator has been away for 7.0 s, still trying: connection refused" in text_of(console)


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_a_terminal_that_is_not_utf8_gets_ascii(encoding: str) -> None:
    console = make_text_console(encoding=encoding)
    with LiveDisplay(console, TIME) as display:
        display.show(RUNNING)
    assert "+ 2 succeeded  > 2 updating  . 1 pending  x 1 failed  - 0 skipped" in text_of(console)


def test_plain_lines_are_one_for_each_change() -> None:
    console = make_text_console()
    display = PlainDisplay(console, TIME)
    display.show(RUNNING)
    display.show_away(0.0, "connection refused")
    display.show_away(0.5, "connection refused")
    display.show_back()
    display.show(FAILED)
    assert text_of(console).splitlines() == [
        "Deployment 42: 1.1.0 to env=test, 2 at a time, stops when 25% failed",
        "✖ web-1 failed: reported",
        "    line 1",
        "    [2Jconnection refused",
        "[12.5 s] 3/6 done, 2 updating (web-4, web-3), 1 pending, 1 failed",
        "The coordinator is away, still trying: connection refused",
        "The coordinator is back.",
        "[1 min 30 s] 4/6 done, 0 updating, 0 pending, 2 failed, 2 skipped",
        "✖ Deployment 42 failed after 1 min 30 s: 2 of 6 failed",
    ]


def test_a_plain_line_says_that_it_is_paused_and_names_few() -> None:
    console = make_text_console(width=200)
    many = tuple(make_target(f"web-{number}") for number in range(7))
    paused = make_deployment(status=DeploymentStatus.PAUSED, progress=make_progress(updating=7), held_by="paused")
    PlainDisplay(console, TIME).show(Sight(deployment=paused, updating=many))
    assert "(web-0, web-1, web-2, web-3, web-4, and 2 more)" in text_of(console)
    assert "paused; dides resume goes on" in text_of(console)


IN_WAVE_2 = Wave(open=2, of=3)


def test_the_live_block_says_which_wave_is_open() -> None:
    console = make_text_console()
    with LiveDisplay(console, TIME) as display:
        display.show(Sight(deployment=make_deployment(wave=IN_WAVE_2, held_by="wave")))
    out = text_of(console)
    assert "wave 2 of 3  0/5  12.5 s" in out
    assert "the rest of this wave is still updating" in out


def test_a_wave_that_waits_says_what_to_type() -> None:
    sight = Sight(deployment=make_deployment(wave=IN_WAVE_2, held_by="promote", progress=make_progress(pending=3)))
    live, plain = make_text_console(), make_text_console(width=200)
    with LiveDisplay(live, TIME) as display:
        display.show(sight)
    PlainDisplay(plain, TIME).show(sight)
    for console in (live, plain):
        assert "wave complete, waiting for approval: dides promote" in text_of(console)
    assert "3 pending, wave 2 of 3, wave complete" in text_of(plain)


@pytest.mark.parametrize(("until", "says"), [(NOON + timedelta(seconds=60), ", for 47.5 s more"), (None, "")])
def test_a_soak_says_for_how_long_still_where_that_is_known(until: datetime | None, says: str) -> None:
    sight = Sight(deployment=make_deployment(wave=IN_WAVE_2, held_by="soak"), soaks_until=until)
    live, plain = make_text_console(), make_text_console(width=200)
    with LiveDisplay(live, TIME) as display:
        display.show(sight)
    PlainDisplay(plain, TIME).show(sight)
    for console in (live, plain):
        lines = text_of(console).splitlines()
        assert any(line.endswith(f"wave complete, soaking before the next one{says}") for line in lines)


def test_a_target_that_is_to_be_told_once_more_says_why() -> None:
    reason = "attempt 1 of 2 failed: reported FAILED"
    sight = Sight(deployment=make_deployment(), updating=(make_target("web-4", reason=reason), make_target("web-5")))
    live, plain = make_text_console(), make_text_console(width=200)
    with LiveDisplay(live, TIME) as display:
        display.show(sight)
    PlainDisplay(plain, TIME).show(sight)
    assert f"  ▸ web-4  for 12.5 s, {reason}" in text_of(live).splitlines()
    assert f"2 updating (web-4: {reason}, web-5)" in text_of(plain)


def test_a_plain_line_is_not_said_twice() -> None:
    console = make_text_console()
    display = PlainDisplay(console, TIME)
    display.show(Sight(deployment=make_deployment()))
    display.show(Sight(deployment=make_deployment(held_by="batch_size")))
    assert len(text_of(console).splitlines()) == 2


@pytest.mark.parametrize(("updating", "said"), [(0, True), (1, False)])
def test_where_lines_cannot_be_redrawn_a_block_is_said_when_nothing_goes_on(updating: int, said: bool) -> None:
    console = make_text_console()
    blocked = make_deployment(held_by="max_unavailable", progress=make_progress(updating=updating, pending=3))
    with PlainDisplay(console, TIME) as display:
        display.show(Sight(deployment=blocked))
    assert ("max_unavailable reached" in text_of(console)) is said


def test_a_clock_that_is_off_is_corrected_by_the_coordinators() -> None:
    clock = FixedClock(NOON + timedelta(hours=5))
    assert ServerTime(clock, NOON).seconds_since(NOON - timedelta(seconds=4)) == 4.0
    assert ServerTime(clock, NOON).seconds_until(NOON + timedelta(seconds=4)) == 4.0
    assert ServerTime(clock, NOON).seconds_until(NOON - timedelta(seconds=4)) == 0.0


def test_a_clock_that_is_behind_shows_no_negative_durations() -> None:
    assert ServerTime(FixedClock(NOON - timedelta(hours=1))).seconds_since(NOON) == 0.0
