"""Signing in behind proxies that change what a browser sent, and in the middle of something."""

from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from dides.api.sessions import FORM_FIELD
from support.app import OPERATOR, App, running_app
from support.browsing import Browsing

TYPED = {
    "code_version": "2.0.0 ",
    "labels": "env=prod, team=web",
    "selector": "role in (web,api)",
    "everything": "false",
    "batch_size": "",
    "failure_threshold": "10%",
    "auto_rollback": "false",
    "order": "shuffle",
}
KEPT = {**TYPED, "code_version": "2.0.0"}
del KEPT["everything"]


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[App]:
    async with running_app(tmp_path) as app:
        yield app


@pytest.fixture
def stranger(app: App) -> Browsing:
    return Browsing(app, cookie="")


def onward(login: str) -> str:
    """Return where a sign-in leads to."""
    (found,) = parse_qs(urlsplit(login).query)["next"]
    return found


def typed_at(address: str) -> dict[str, str]:
    """Return how an address fills in the form."""
    assert urlsplit(address).path == "/ui/deploy"
    return {name: text for name, (text,) in parse_qs(urlsplit(address).query, keep_blank_values=True).items()}


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        # proxy_set_header Host $host, or a proxy on port 80 before one that is not: the port is lost.
        ({"Host": "dides.example", "Origin": "http://dides.example:8080"}, 303),
        ({"Host": "[2001:db8::1]", "Origin": "http://[2001:db8::1]:8080"}, 303),
        # The name of the upstream, and what the browser asked for beside it.
        ({"Host": "10.0.0.1:8420", "Origin": "http://dides.example", "X_Forwarded_Host": "dides.example"}, 303),
        ({"Host": "10.0.0.1:8420", "Origin": "http://a.example:81", "X_Forwarded_Host": "a.example, b"}, 303),
        ({"Host": "10.0.0.1:8420", "Origin": "http://dides.example"}, 403),
        ({"Host": "dides.example:80", "Origin": "http://dides.example:8080"}, 403),
        ({"Host": "dides.example", "Origin": "http://evil.example:8080"}, 403),
        ({"Host": "dides.example", "Origin": "http://dides.example.evil.example"}, 403),
        ({"Host": "dides.example", "Origin": "http://dides.example@evil.example"}, 403),
        ({"Host": "dides.example", "Origin": "http://[evil"}, 403),
        ({"Host": "dides.example", "Origin": "null"}, 403),
        ({"Host": "dides.example", "Origin": "http://dides.example:81", "Sec_Fetch_Site": "same-site"}, 403),
    ],
)
async def test_over_plain_http_the_host_is_what_counts(
    stranger: Browsing, headers: dict[str, str], status: int
) -> None:
    answer = await stranger.post("/ui/login", {"token": OPERATOR}, **headers)
    assert answer.status_code == status
    if status == 403 and "Sec_Fetch_Site" not in headers:
        assert "proxy_set_header Host $http_host" in answer.text
        assert headers["Host"] in answer.text


@pytest.mark.parametrize("path", ["/ui/deploy/confirm", "/ui/deploy/preview", "/ui/deploy"])
@pytest.mark.parametrize("part", [{}, {"HX_Request": "true", "HX_Current_URL": "http://localhost/ui/deploy"}])
async def test_what_was_typed_survives_a_sign_in(stranger: Browsing, path: str, part: dict[str, str]) -> None:
    asked = await stranger.post(path, TYPED, **part)
    login = asked.headers["HX-Redirect" if part else "Location"]
    assert typed_at(onward(login)) == KEPT
    wrong = await stranger.post("/ui/login", {"token": "x", "next": onward(login)})
    assert "env%3Dprod" in wrong.text
    answer = await stranger.post("/ui/login", {"token": OPERATOR, "next": onward(login)})
    assert typed_at(answer.headers["Location"]) == KEPT


async def test_what_was_to_be_confirmed_survives_it_too(app: App, stranger: Browsing) -> None:
    await app.register("web-1", env="prod")
    asked = await Browsing(app).post("/ui/deploy/confirm", {**TYPED, "labels": "env=prod", "selector": ""})
    body = b'{"code_version":"2","labels":{"env":"prod"},"configuration":{"waves":[1,"10%"],"retries":2}}'
    assert asked.status_code == 200
    for wanted, sent in (
        ({"code_version": "2", "labels": "env=prod", "waves": "1, 10%", "retries": "2"}, body),
        ({"code_version": "2", "everything": "true"}, b'{"code_version":"2","labels":{}}'),
        ({}, b"{"),
    ):
        refused = await stranger.post("/ui/deploy", {"body": sent.decode(), "key": "k"})
        assert typed_at(onward(refused.headers["Location"])) == wanted
    assert (await app.get("/deployments"))["deployments"] == []


async def test_a_form_of_an_earlier_session_is_shown_again_and_not_acted_on(app: App) -> None:
    browsing = Browsing(app)
    answer = await browsing.post("/ui/deploy/confirm", {**TYPED, FORM_FIELD: "of another session"})
    assert (answer.status_code, typed_at(answer.headers["Location"])) == (303, KEPT)
    part = await browsing.post("/ui/deploy/confirm", {**TYPED, FORM_FIELD: "x"}, HX_Request="true")
    assert "Reload the page" in part.text, "its address has what was typed"


async def test_other_forms_lead_back_to_the_page_they_were_on(app: App, stranger: Browsing) -> None:
    sent = await stranger.post("/ui/deployments/1/abort", {}, Referer="http://localhost/ui/deployments/1?x=y")
    assert onward(sent.headers["Location"]) == "/ui/deployments/1?x=y"
    elsewhere = await stranger.post("/ui/deployments/1/abort", {}, Referer="http://localhost//evil.example")
    assert onward(elsewhere.headers["Location"]) == "/"


@pytest.mark.parametrize("size", [100, 100_000])
async def test_only_a_small_form_is_looked_at_before_its_sender_is_known(stranger: Browsing, size: int) -> None:
    answer = await stranger.post("/ui/deploy/confirm", {"code_version": "x" * size})
    assert (len(onward(answer.headers["Location"])) > size) == (size < 8192)
    assert answer.status_code == 303
    plain = await stranger.send("POST", "/ui/deploy/confirm", b'{"code_version": "1"}', Content_Type="application/json")
    assert onward(plain.headers["Location"]) == "/"
