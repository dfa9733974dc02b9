"""Who gets in to the dashboard, what a session may do, and what browsers are told to refuse."""

import hashlib
from collections.abc import AsyncIterator
from http.cookies import Morsel, SimpleCookie
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest

from dides.api.sessions import COOKIE, FORM_FIELD, Sessions
from dides.coordinator.credentials import hash_of
from dides.dashboard import assets as module
from dides.dashboard.assets import assets
from support.app import OPERATOR, PROBLEM, REGISTRATION, App, running_app
from support.browsing import FORM, SESSIONS, Browsing

LOGIN = "/ui/login"
ELSEWHERE = ["https://evil.example", "//evil.example", "/\\evil.example", "\\\\evil.example", "javascript:alert(1)", ""]
POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self'",
    "connect-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
}


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[App]:
    async with running_app(tmp_path) as app:
        yield app


@pytest.fixture
def browsing(app: App) -> Browsing:
    return Browsing(app)


@pytest.fixture
def stranger(app: App) -> Browsing:
    return Browsing(app, cookie="")


def cookie_in(answer: httpx2.Response) -> "Morsel[str]":
    return SimpleCookie(answer.headers["Set-Cookie"])[COOKIE]


async def sign_in(stranger: Browsing, token: str = OPERATOR, onward: str = "/", **headers: str) -> httpx2.Response:
    return await stranger.post(LOGIN, {"token": token, "next": onward}, **headers)


async def test_signing_in_begins_a_session_that_no_script_and_no_other_site_can_use(stranger: Browsing) -> None:
    answer = await sign_in(stranger, onward="/ui/events?order=oldest")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/ui/events?order=oldest")
    assert answer.headers["Cache-Control"] == "no-store"
    cookie = cookie_in(answer)
    assert SESSIONS.name_in(cookie.value) == "operator"
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "lax", "/")
    assert not cookie["secure"], "over plain HTTP a browser would not send it back"
    assert not cookie["domain"]


@pytest.mark.parametrize("proto", ["https", "HTTPS", "https, http"])
async def test_behind_tls_the_cookie_is_for_tls_alone(stranger: Browsing, proto: str) -> None:
    assert cookie_in(await sign_in(stranger, X_Forwarded_Proto=proto))["secure"]


async def test_a_token_is_taken_without_the_line_end_it_was_copied_with(stranger: Browsing) -> None:
    assert (await sign_in(stranger, f" {OPERATOR}\n")).status_code == 303


@pytest.mark.parametrize("token", ["", "not-this-one", REGISTRATION, OPERATOR + "x", "\u00e9\x00", "x" * 8_000])
async def test_another_token_begins_none(stranger: Browsing, token: str) -> None:
    answer = await sign_in(stranger, token, onward="/ui/events")
    assert answer.status_code == 401
    assert "Set-Cookie" not in answer.headers
    assert "This is not the operator's token." in answer.text
    assert 'value="/ui/events"' in answer.text, "the next try leads there, too"
    assert len(token) < 2 or token not in answer.text


async def test_an_instances_credential_is_no_operators(app: App, stranger: Browsing) -> None:
    assert (await sign_in(stranger, await app.register("web-1"))).status_code == 401


@pytest.mark.parametrize("onward", ELSEWHERE)
async def test_nobody_is_sent_elsewhere(stranger: Browsing, onward: str) -> None:
    assert (await sign_in(stranger, onward=onward)).headers["Location"] == "/"
    page = await stranger.get(f"{LOGIN}?next={onward}")
    assert 'name="next" value="/"' in page.text


@pytest.mark.parametrize("onward", ["/\t/evil.example", "/\n/evil.example", "/x\r\nSet-Cookie: a=b"])
async def test_what_browsers_leave_out_of_addresses_is_not_left_to_them(stranger: Browsing, onward: str) -> None:
    location = (await sign_in(stranger, onward=onward)).headers["Location"]
    assert not set(location) & set("\t\r\n")
    assert not location.replace("\t", "").startswith("//")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 303),
        ({"Origin": "http://localhost"}, 303),
        ({"Origin": "http://localhost", "Sec_Fetch_Site": "same-origin"}, 303),
        # Behind something that does TLS and names us anew.
        ({"Origin": "https://dides.example", "Sec_Fetch_Site": "same-origin"}, 303),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "https://evil.example", "Sec_Fetch_Site": "cross-site"}, 403),
        ({"Origin": "https://other.dides.example", "Sec_Fetch_Site": "same-site"}, 403),
    ],
)
async def test_no_other_site_signs_its_visitor_in(stranger: Browsing, headers: dict[str, str], status: int) -> None:
    assert (await sign_in(stranger, **headers)).status_code == status


async def test_signing_out_takes_the_cookie_away(browsing: Browsing) -> None:
    answer = await browsing.post("/ui/logout")
    assert (answer.status_code, answer.headers["Location"]) == (303, LOGIN)
    assert (cookie_in(answer).value, cookie_in(answer)["max-age"]) == ("", "0")


async def test_a_form_without_the_sessions_token_is_refused(app: App, browsing: Browsing) -> None:
    other = Sessions(hash_of("another-token"))
    for wrong in ("", "x", other.form_token(browsing.cookie), SESSIONS.form_token("another-session"), browsing.cookie):
        answer = await browsing.post("/ui/logout", {FORM_FIELD: wrong})
        assert answer.status_code == 403
        assert "Reload the page" in answer.text
    assert (await browsing.send("POST", "/ui/logout")).status_code == 403


@pytest.mark.parametrize("kind", ["multipart/form-data", "multipart/form-data; boundary=x", "application/json", FORM])
async def test_a_form_that_is_none_is_refused(browsing: Browsing, kind: str) -> None:
    for content in (b"", b"{", b"--x\r\n\r\n", b"\xff\x00=%zz", b"&=&;"):
        assert (await browsing.send("POST", "/ui/logout", content, Content_Type=kind)).status_code in (400, 403, 422)
        assert (await browsing.send("POST", LOGIN, content, Content_Type=kind)).status_code in (400, 401, 422)


async def test_too_large_a_form_is_refused(browsing: Browsing) -> None:
    answer = await browsing.post("/ui/logout", {"x": "x" * 1024 * 1024})
    assert answer.status_code == 413


async def test_who_has_not_signed_in_is_asked_to_and_comes_back(app: App, stranger: Browsing) -> None:
    answer = await stranger.get("/ui/events?order=oldest")
    assert answer.status_code == 303
    login = urlsplit(answer.headers["Location"])
    assert (login.path, parse_qs(login.query)) == (LOGIN, {"next": ["/ui/events?order=oldest"]})
    part = await stranger.get("/ui/events", HX_Request="true", HX_Current_URL="http://localhost/ui/events?a=b")
    assert part.status_code == 401
    assert part.headers["HX-Redirect"] == f"{LOGIN}?next=%2Fui%2Fevents%3Fa%3Db"
    script = await stranger.get("/ui/events", Accept="application/json")
    assert (script.status_code, script.headers["Content-Type"]) == (401, PROBLEM)
    posted = await stranger.post("/ui/logout?x=y", {FORM_FIELD: "x"})
    assert (posted.status_code, posted.headers["Location"]) == (303, f"{LOGIN}?next=%2F")


@pytest.mark.parametrize(
    "cookie", ["garbage", Sessions(hash_of("an-older-token")).begin("operator")], ids=["garbage", "of an older token"]
)
async def test_a_session_that_is_over_is_none(app: App, cookie: str) -> None:
    assert (await Browsing(app, cookie).get("/ui/events")).status_code == 303
    assert (await Browsing(app, cookie).get("/deployments")).status_code == 401


async def test_a_session_may_read_the_api_and_change_nothing_there(app: App, browsing: Browsing) -> None:
    await app.register("web-1")
    before = await app.stored()
    for path in ("/deployments", "/events", "/inventory/instances", "/inventory/instances/web-1", "/metrics"):
        assert (await browsing.get(path)).status_code == 200
        assert (await browsing.send("HEAD", path)).status_code == 200
    for method, path in (
        ("POST", "/deploy"),
        ("POST", "/deploy/plan"),
        ("POST", "/deploy/abort"),
        ("PATCH", "/inventory/instances/web-1"),
        ("DELETE", "/inventory/instances/web-1"),
    ):
        answer = await browsing.send(method, path, b'{"code_version": "2", "labels": {}}')
        assert answer.status_code == 401, (method, path)
        token = f"?{FORM_FIELD}={SESSIONS.form_token(browsing.cookie)}"
        assert (await browsing.send(method, path + token, b"{}")).status_code == 401
    assert await app.stored() == before


async def test_what_was_found_at_no_page_is_shown_as_a_page(browsing: Browsing) -> None:
    answer = await browsing.get("/ui/assets/x/y.js")
    assert answer.status_code == 404
    assert answer.headers["Content-Type"].startswith("text/html")


@pytest.mark.parametrize("path", [LOGIN, "/", "/ui/deployments", "/ui/deploy", "/ui/events", "/ui/assets/x/y.js"])
async def test_browsers_are_told_what_to_refuse(browsing: Browsing, path: str) -> None:
    check_headers(await browsing.get(path))


def check_headers(answer: httpx2.Response) -> None:
    """Check what every page, and every refusal of one, tells a browser."""
    directives = dict(each.strip().split(" ", 1) for each in answer.headers["Content-Security-Policy"].split(";"))
    assert directives == POLICY
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert answer.headers["Referrer-Policy"] == "same-origin"
    assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert answer.headers["Cache-Control"] == "no-store"


async def test_assets_never_change_and_need_no_session(stranger: Browsing) -> None:
    kinds = {"js": "text/javascript", "css": "text/css", "svg": "image/svg+xml", "LICENSE": "text/plain"}
    for path, content in assets().content.items():
        answer = await stranger.get(assets().url(path))
        assert (answer.status_code, answer.content) == (200, content), path
        assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Content-Type"].partition(";")[0] == kinds[path.rpartition(".")[2]], path


async def test_what_is_no_asset_is_not_found(stranger: Browsing) -> None:
    digest = assets().digest
    for wrong in ("/ui/assets/0123456789abcdef/main.js", f"/ui/assets/{digest}/none.js", f"/ui/assets/{digest}/"):
        assert (await stranger.get(wrong)).status_code == 404
    for path in ("../page.py", "..%2fpage.py", "%2e%2e/guard.py", "vendor", "//etc/passwd"):
        assert (await stranger.get(f"/ui/assets/{digest}/{path}")).status_code == 404


def test_the_digest_is_that_of_every_asset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    digests = set()
    for name, content in (("a.js", b"1"), ("a.js", b"2"), ("b.js", b"1")):
        folder = tmp_path / hashlib.sha256(name.encode() + content).hexdigest() / "assets"
        folder.mkdir(parents=True)
        (folder / name).write_bytes(content)
        monkeypatch.setattr(module, "files", lambda _, folder=folder: folder.parent)
        digests.add(assets.__wrapped__().digest)
    assert len(digests) == 3


async def test_the_development_mode_has_no_login_and_lets_no_other_page_in(tmp_path: Path) -> None:
    async with running_app(tmp_path, dev=True) as app:
        stranger = Browsing(app, cookie="")
        assert (await stranger.post("/ui/logout")).status_code == 303
        for headers in ({"Sec_Fetch_Site": "cross-site"}, {"Origin": "https://evil.example"}, {"Host": "evil.example"}):
            for path in (LOGIN, assets().url("main.js")):
                assert (await stranger.get(path, **headers)).status_code == 403
            assert (await stranger.post("/ui/logout", **headers)).status_code == 403
        ours = {"Origin": "http://localhost", "Sec_Fetch_Site": "same-origin"}
        assert (await stranger.post("/ui/logout", **ours)).status_code == 303
