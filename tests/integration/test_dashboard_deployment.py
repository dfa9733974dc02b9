"""The page of a deployment, its parts, and its buttons."""

import json
import re
from collections.abc import AsyncIterator
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx2
import pytest

from dides.api.sessions import COOKIE, FORM_FIELD, Sessions
from dides.coordinator.credentials import hash_of
from dides.dashboard.pages import deployment, timeline
from support.app import OPERATOR, App, running_app
from support.clocks import FakeClock

SESSIONS = Sessions(hash_of(OPERATOR))
SESSION = SESSIONS.begin("operator")
HTMX = {"HX-Request": "true"}
ID, POSITION, NAME, STATE, WAVE, TOLD, DONE, ATTEMPT, BEFORE, TO, REASON, MESSAGE, EARLIER = range(13)
ABORTED = {"pause", "resume", "promote", "abort", "abort-and-roll-back"}


class Fleet:
    """Some instances that run version 1, an operator with a browser, and a clock that is moved by hand."""

    def __init__(self, app: App, clock: FakeClock) -> None:
        self.app = app
        self.clock = clock
        self.credentials: dict[str, str] = {}

    async def grow(self, *names: str) -> None:
        for name in names:
            self.credentials[name] = await self.app.register(name)
            await self.app.beat(name, self.credentials[name], code_version="1", status=1)

    async def report(self, name: str, status: int, version: str, message: str = "") -> None:
        """Let an instance report on what it was told last, and a step be taken."""
        told = await self.app.beat(name, self.credentials[name])
        fields = {"status": status, "code_version": version, "observed": told["generation"], "message": message}
        await self.app.beat(name, self.credentials[name], **fields)
        await self.app.send("POST", "/deploy/progress")

    async def get(self, path: str, **headers: str) -> httpx2.Response:
        given = {"Cookie": f"{COOKIE}={SESSION}", "Accept": "text/html", **headers}
        return await self.app.send("GET", f"/ui/deployments/{path}", credential=None, headers=given)

    async def text(self, path: str) -> str:
        """Return what a page says, without its tags."""
        answer = await self.get(path)
        assert answer.status_code == 200, answer.text
        return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]*>", " ", answer.text)))

    async def timeline(self, path: str = "1") -> Any:
        number, _, query = path.partition("?")
        answer = await self.get(f"{number}/timeline.json{'?' if query else ''}{query}")
        assert answer.status_code == 200, answer.text
        return json.loads(answer.content)

    async def press(self, path: str, token: str | None = None, **headers: str) -> httpx2.Response:
        """Send the form of a confirmation."""
        body = urlencode({FORM_FIELD: SESSIONS.form_token(SESSION) if token is None else token}).encode()
        kind = {"Content-Type": "application/x-www-form-urlencoded", "Cookie": f"{COOKIE}={SESSION}"}
        return await self.app.send(
            "POST", f"/ui/deployments/{path}", credential=None, headers={**kind, **headers}, content=body
        )


@pytest.fixture
async def fleet(tmp_path: Path) -> AsyncIterator[Fleet]:
    clock = FakeClock()
    async with running_app(tmp_path, clock=clock) as app:
        fleet = Fleet(app, clock)
        await fleet.grow("web-1", "web-2", "web-3", "web-4")
        yield fleet


def actions_on(text: str) -> set[str]:
    return set(re.findall(r"/confirm/([a-z-]+)\"", text))


async def test_the_page_says_what_is_rolled_out_to_whom_and_how(fleet: Fleet) -> None:
    configuration = {"batch_size": "50%", "waves": [1], "wave_pause": "manual", "failure_threshold": 2}
    await fleet.app.deploy("2", selector="!old", configuration=configuration)
    text = await fleet.text("1")
    for said in (
        "Deployment 1: 2",
        "code 2 (configuration stays as it is)",
        "1 on 4 instances",
        "!old",
        "by operator",
        "at most 2 targets updating at once (50% of the matched)",
        "stops when 2 targets have failed",
        "manual: every wave that is over waits until somebody promotes it",
        "Wave 1 open 1 target, 1 started",
        "Wave 2 to come 3 targets",
        "0 of 4 done",
        "1 updating",
        "3 pending",
        "Held by wave Wave 1 of 2 lets 1 target start in all, and 1 of them still updates.",
        "It goes on when none of them updates any more.",
    ):
        assert said in text, said


async def test_no_script_and_no_style_stands_in_the_page(fleet: Fleet) -> None:
    await fleet.app.deploy("2")
    await fleet.report("web-1", 3, "2", message="<script>alert(1)</script>")
    answer = await fleet.get("1")
    assert not re.search(r"<script(?![^>]* src=)|<style| style=| on[a-z]+=", answer.text)
    assert "&lt;script&gt;alert(1)" in answer.text
    assert "script-src 'self'" in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize("number", ["2", "0", "99999999999999999999", "-1", "x"])
async def test_one_that_is_not_there_is_not_found(fleet: Fleet, number: str) -> None:
    await fleet.app.deploy("2")
    for path in (number, f"{number}/summary", f"{number}/timeline.json", f"{number}/confirm/abort"):
        assert (await fleet.get(path)).status_code == 404, path
    assert (await fleet.press(f"{number}/abort")).status_code == 404


async def test_failures_come_with_their_messages(fleet: Fleet) -> None:
    await fleet.app.deploy("2", configuration={"failure_threshold": 3, "auto_rollback": False})
    await fleet.report("web-1", 3, "2", message="disk full")
    text = await fleet.text("1/summary")
    assert "1 target failed" in text
    assert re.search(r"web-1 reported .*disk full", text)


async def test_a_failure_shows_its_last_lines_at_once_and_all_of_it_on_demand(fleet: Fleet) -> None:
    lines = [f"line {number}" for number in range(1, 40)]
    await fleet.app.deploy("2", configuration={"failure_threshold": 3, "auto_rollback": False})
    await fleet.report("web-1", 3, "2", message="\n".join([*lines, "error: the disk is full", ""]))
    shown = (await fleet.get("1/summary")).text
    at_once, _, on_demand = shown.partition("<details>")
    assert "error: the disk is full" in at_once
    assert "line 1\n" not in at_once
    assert "All of it: 40 lines" in on_demand
    assert "line 1\n" in on_demand


async def test_only_the_first_failures_are_open_so_that_the_timeline_is_near(fleet: Fleet) -> None:
    await fleet.grow(*(f"web-{number}" for number in range(5, 9)))
    await fleet.app.deploy("2", configuration={"batch_size": 8, "failure_threshold": 8, "auto_rollback": False})
    for number in range(1, 8):
        await fleet.report(f"web-{number}", 3, "2", message="disk full")
    open_ones, _, folded = (await fleet.get("1/summary")).text.partition("<details>")
    assert (open_ones.count("disk full"), folded.count("disk full")) == (5, 2)
    assert "2 more" in folded


async def test_what_was_never_started_is_not_said_to_be_done(fleet: Fleet) -> None:
    await fleet.app.deploy("2", configuration={"batch_size": 1, "auto_rollback": False})
    await fleet.report("web-1", 3, "2")
    text = await fleet.text("1")
    assert "1 of 4 done" in text
    assert "3 skipped" in text


async def test_it_is_said_how_many_targets_were_looked_at(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deployment, "MOST_FROM", 3)
    await fleet.app.deploy("2")
    assert "1 on 3 instances (the first 3 targets of 4)" in await fleet.text("1")


async def test_the_buttons_are_those_that_make_sense(fleet: Fleet) -> None:
    await fleet.app.deploy("2", configuration={"waves": [1], "wave_pause": "manual"})
    assert actions_on((await fleet.get("1")).text) == {"pause", "abort", "abort-and-roll-back"}
    await fleet.report("web-1", 1, "2")
    assert actions_on((await fleet.get("1")).text) == {"pause", "promote", "abort", "abort-and-roll-back"}
    await fleet.app.send("POST", "/deploy/pause")
    assert actions_on((await fleet.get("1")).text) == {"resume", "promote", "abort", "abort-and-roll-back"}
    await fleet.app.send("POST", "/deploy/abort")
    assert actions_on((await fleet.get("1/summary")).text) == {"rollback"}
    await fleet.app.deploy("3")
    assert actions_on((await fleet.get("1")).text) == set()
    await fleet.app.send("POST", "/deploy/rollback")
    assert actions_on((await fleet.get("2")).text) == set(), "it is undone already"
    assert actions_on((await fleet.get("3")).text) == {"pause", "abort"}, "there is no rollback of a rollback"
    assert "It undoes deployment 2" in await fleet.text("3")
    assert "Rolled back by rollback 3" in await fleet.text("2")


async def test_a_confirmation_says_in_numbers_what_then_happens(fleet: Fleet) -> None:
    await fleet.app.deploy("2", configuration={"batch_size": 2})
    await fleet.report("web-1", 1, "2")
    await fleet.report("web-2", 2, "1", message="applying")
    text = await fleet.text("1/confirm/abort")
    assert "1 pending target is skipped as not started" in text
    assert "2 updating targets are skipped as stopped while updating" in text
    assert "1 has read the new version and goes on with it; 1 is not known to have" in text
    assert "1 target succeeded and 0 failed" in text
    rollback = await fleet.text("1/confirm/abort-and-roll-back")
    assert "3 instances return to 1." in rollback
    before = {each["name"]: each["generation"] for each in (await fleet.app.get("/inventory/instances"))["instances"]}
    assert (await fleet.press("1/abort")).headers["Location"] == "/ui/deployments/1"
    after = {each["name"]: each["generation"] for each in (await fleet.app.get("/inventory/instances"))["instances"]}
    assert [name for name in after if after[name] != before[name]] == ["web-3"], "the one that had not read it"
    assert (await fleet.app.get("/deployments/1"))["progress"]["skipped"] == 3


async def test_other_confirmations(fleet: Fleet) -> None:
    await fleet.app.deploy("2", configuration={"waves": [1], "wave_pause": 60, "batch_size": 2})
    assert "1 updating target goes on, and is judged as before: it still stops when 1 target has failed in all." in (
        await fleet.text("1/confirm/pause")
    )
    await fleet.report("web-1", 1, "2")
    promote = await fleet.text("1/confirm/promote")
    assert "Wave 2 of 2 opens, the last one: up to 3 more updates start, at most 2 updating at once." in promote
    assert "The rest of the soak of 1 min is left out." in promote
    await fleet.press("1/pause")
    assert "3 pending targets may start from now on" in await fleet.text("1/confirm/resume")
    assert "It stays paused" in await fleet.text("1/confirm/promote")
    assert "Deployment 1 is paused already. Nothing was changed." in await fleet.text("1/confirm/pause")


@pytest.mark.parametrize("action", ["", "explode", "Pause", "pause%00"])
async def test_what_is_no_action_is_not_found(fleet: Fleet, action: str) -> None:
    await fleet.app.deploy("2")
    assert (await fleet.get(f"1/confirm/{action}")).status_code == 404
    assert (await fleet.press(f"1/{action}")).status_code in (404, 405)


async def test_the_buttons_do_what_they_say(fleet: Fleet) -> None:
    await fleet.app.deploy("2", configuration={"waves": [1], "wave_pause": "manual"})

    async def pressed(path: str, onward: str) -> Any:
        answer = await fleet.press(path)
        assert (answer.status_code, answer.headers.get("Location")) == (303, f"/ui/deployments/{onward}"), answer.text
        return await fleet.app.get(f"/deployments/{onward}")

    assert (await pressed("1/pause", "1"))["status"] == "paused"
    assert (await pressed("1/resume", "1"))["status"] == "running"
    await fleet.report("web-1", 1, "2")
    assert (await pressed("1/promote", "1"))["wave"] == {"open": 2, "of": 2}
    assert (await pressed("1/abort", "1"))["status"] == "aborted"
    assert (await pressed("1/rollback", "2"))["rollback_of"] == 1
    await fleet.press("2/abort")
    await fleet.app.deploy("3")
    assert (await pressed("3/abort-and-roll-back", "4"))["created_by"] == "operator", "it is what to look at next"


async def test_a_button_acts_on_its_own_deployment_alone(fleet: Fleet) -> None:
    await fleet.app.deploy("2")
    await fleet.app.send("POST", "/deploy/abort")
    await fleet.app.deploy("3")
    before = await fleet.app.stored()
    for action in (*ABORTED, "rollback"):
        answer = await fleet.press(f"1/{action}")
        assert answer.status_code == 409
        assert "eployment 2" in answer.text, "it says which one is in flight"
        part = await fleet.press(f"1/{action}", **HTMX)
        assert (part.status_code, part.headers["HX-Reswap"]) == (200, "innerHTML")
        assert 'role="alert"' in part.text
    assert await fleet.app.stored() == before


async def test_htmx_is_led_to_the_page(fleet: Fleet) -> None:
    await fleet.app.deploy("2")
    answer = await fleet.press("1/pause", **HTMX)
    assert (answer.status_code, answer.headers["HX-Redirect"]) == (200, "/ui/deployments/1")


async def test_a_form_of_another_session_changes_nothing(fleet: Fleet) -> None:
    await fleet.app.deploy("2")
    before = await fleet.app.stored()
    for token in ("", "x", SESSIONS.form_token("another")):
        assert (await fleet.press("1/abort", token)).status_code == 403
    assert await fleet.app.stored() == before


async def test_the_timeline_has_each_target_from_told_to_done(fleet: Fleet) -> None:
    fleet.clock.advance(5)
    await fleet.app.deploy("2", configuration={"waves": [1], "failure_threshold": 3, "auto_rollback": False})
    fleet.clock.advance(2)
    await fleet.report("web-1", 1, "2")
    fleet.clock.advance(1)
    await fleet.press("1/pause")
    await fleet.report("web-2", 3, "2", message="no")
    fleet.clock.advance(3)
    found = await fleet.timeline()
    rows = {row[NAME]: row for row in found["targets"]}
    state = {name: found["states"][row[STATE]] for name, row in rows.items()}
    assert state == {"web-1": "succeeded", "web-2": "failed", "web-3": "pending", "web-4": "pending"}
    assert [rows["web-1"][each] for each in (WAVE, TOLD, DONE, ATTEMPT, EARLIER)] == [1, 0, 2000, 1, []]
    assert [rows["web-2"][each] for each in (WAVE, TOLD, DONE, MESSAGE)] == [2, 2000, 3000, "no"]
    assert [rows["web-3"][each] for each in (WAVE, TOLD, DONE, ATTEMPT)] == [0, None, None, 0]
    assert [found["texts"][rows["web-2"][each]] for each in (BEFORE, TO)] == ["1", "2"]
    assert (found["now"], found["ended"], found["total"], found["note"]) == (6000, None, 4, "")
    assert (found["pauses"], found["waves"]) == ([[3000, None]], 2)


async def test_earlier_attempts_and_pauses_that_are_over(fleet: Fleet) -> None:
    await fleet.app.deploy("2", configuration={"retries": 1})
    fleet.clock.advance(1)
    await fleet.report("web-1", 3, "1", message="no")
    await fleet.press("1/pause")
    fleet.clock.advance(2)
    await fleet.press("1/resume")
    await fleet.app.send("POST", "/deploy/progress")
    [row] = (await fleet.timeline("1?names=web-1"))["targets"]
    assert (row[ATTEMPT], row[EARLIER], row[TOLD]) == (1, [], 0)
    for _ in range(5):  # a longer leap would count as an outage, in which everything stands still
        fleet.clock.advance(1)
        await fleet.app.send("POST", "/deploy/progress")
    found = await fleet.timeline()
    row = next(row for row in found["targets"] if row[NAME] == "web-1")
    assert (row[ATTEMPT], row[EARLIER], row[TOLD]) == (2, [0], 8_000)
    assert found["pauses"] == [[1000, 3000]]


async def test_some_targets_alone(fleet: Fleet) -> None:
    await fleet.app.deploy("2")
    assert [row[NAME] for row in (await fleet.timeline("1?names=web-3,nobody"))["targets"]] == ["web-3"]
    odd = urlencode({"names": "\x00,ü,'; --,web-2"})
    assert [row[NAME] for row in (await fleet.timeline(f"1?{odd}"))["targets"]] == ["web-2"]
    many = ",".join(f"n-{number}" for number in range(1000))
    assert (await fleet.timeline(f"1?names={many}"))["targets"] == []


async def test_of_too_many_targets_those_that_matter_are_shown(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    await fleet.app.deploy("2", configuration={"batch_size": 4, "failure_threshold": 4})
    await fleet.report("web-1", 1, "2")
    await fleet.report("web-4", 3, "2")
    monkeypatch.setattr(timeline, "MOST_TARGETS", 2)
    found = await fleet.timeline()
    assert [row[NAME] for row in found["targets"]] == ["web-2", "web-4"], "the failed and an updating one, in order"
    assert found["note"].startswith("2 targets of 4 are shown: the failed and the updating ones")
    assert found["total"] == 4
