"""Sessions: nothing is stored, so all that keeps others out is in what is signed."""

import pytest

from dides.api.sessions import HOURS, Sessions, is_safe
from dides.coordinator.credentials import hash_of

SESSIONS = Sessions(hash_of("the-operators-token"))
NOW = 1_767_600_000


class Clock:
    """The time by which sessions are signed, in seconds."""

    now = NOW


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("itsdangerous.timed.time.time", lambda: clock.now)
    return clock


def test_a_session_is_its_owners_at_every_coordinator_with_the_token() -> None:
    cookie = SESSIONS.begin("operator")
    assert SESSIONS.name_in(cookie) == "operator"
    assert Sessions(hash_of("the-operators-token")).name_in(cookie) == "operator"


def test_another_token_ends_every_session() -> None:
    assert Sessions(hash_of("a-newer-token")).name_in(SESSIONS.begin("operator")) is None


@pytest.mark.parametrize("cookie", [None, "", "operator", "a.b.c", "é", "a" * 10_000, "\x00", '"operator".x.y'])
def test_what_was_not_signed_is_nobodys(cookie: str | None) -> None:
    assert SESSIONS.name_in(cookie) is None


def test_no_character_of_a_session_can_be_changed() -> None:
    cookie = SESSIONS.begin("operator")
    for place, character in enumerate(cookie[:-1]):
        changed = cookie[:place] + ("A" if character != "A" else "B") + cookie[place + 1 :]
        assert SESSIONS.name_in(changed) is None, place


def test_a_session_is_over_after_its_hours(clock: Clock) -> None:
    cookie = SESSIONS.begin("operator")
    token = SESSIONS.form_token(cookie)
    clock.now = NOW + HOURS * 3600
    assert SESSIONS.name_in(cookie) == "operator"
    assert SESSIONS.is_form_token(token, cookie)
    clock.now += 1
    assert SESSIONS.name_in(cookie) is None
    assert not SESSIONS.is_form_token(token, cookie)


def test_a_form_token_is_that_of_its_session_alone(clock: Clock) -> None:
    mine = SESSIONS.begin("operator")
    clock.now += 1
    other = SESSIONS.begin("operator")
    assert mine != other
    assert SESSIONS.is_form_token(SESSIONS.form_token(mine), mine)
    assert not SESSIONS.is_form_token(SESSIONS.form_token(mine), other)
    assert not SESSIONS.is_form_token(mine, mine), "a session is no form token"
    assert SESSIONS.name_in(SESSIONS.form_token(mine)) is None, "and the other way round"


@pytest.mark.parametrize("token", ["", "x", "é", "\x00"])
def test_what_was_not_signed_is_no_form_token(token: str) -> None:
    assert not SESSIONS.is_form_token(token, SESSIONS.begin("operator"))
    assert not SESSIONS.is_form_token(token, "")


def test_a_session_of_anything_but_a_name_is_nobodys() -> None:
    odd = SESSIONS._sessions.dumps(["operator"])
    assert SESSIONS.name_in(str(odd)) is None


def test_methods_that_only_read() -> None:
    assert [each for each in ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "") if is_safe(each)] == [
        "GET",
        "HEAD",
        "OPTIONS",
    ]
