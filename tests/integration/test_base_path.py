"""The coordinator below a path prefix: behind proxies that pass the prefix on, and behind those that take it away."""

import re
from collections.abc import AsyncIterator
from html import unescape
from http.cookies import SimpleCookie
from pathlib import Path

import pytest

from dides.api.fastpath.asgi import FastPath
from dides.api.fastpath.protocol import answering_connection
from dides.api.sessions import COOKIE
from dides.cli.options.server import OWN_PATHS
from dides.dashboard.assets import assets
from support.app import OPERATOR, App, running_app
from support.browsing import Browsing
from support.serving import request, serving

BASE = "/ops/dides"
PAGES = (
    "/",
    "/ui/deployments",
    "/ui/deploy",
    "/ui/events",
    "/ui/login",
    "/ui/deployments/1",
    "/ui/none",
    "/ui/fleet/deployment",
)
PARTS = (
    "/ui/instances/web-1",
    "/ui/deployments/1/summary",
    "/ui/deployments/1/confirm/pause",
    "/ui/instances?names=web-1",
)
ADDRESS = re.compile(r'\s([\w-]+)="(/[^"]*)"')
INTERNAL = {"value", "media_type"}
"""Attributes that hold an address only to send it back."""


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[App]:
    async with running_app(tmp_path, base_path=BASE) as app:
        await app.register("web-1", env="prod")
        await app.deploy("2.0.0")
        yield app


async def addresses(browsing: Browsing, path: str, **headers: str) -> set[tuple[str, str]]:
    """Return the attributes of a page that look like addresses."""
    found = ADDRESS.findall((await browsing.get(path, **headers)).text)
    return {(name, unescape(address)) for name, address in found if name not in INTERNAL}


async def test_every_address_in_every_page_has_the_prefix_and_leads_somewhere(app: App) -> None:
    browsing = Browsing(app)
    found = set[tuple[str, str]]()
    for path in PAGES:
        found |= await addresses(browsing, path)
        assert await addresses(browsing, BASE + path) == await addresses(browsing, path)
    for path in PARTS:
        found |= await addresses(browsing, path, HX_Request="true")
    assert {name for name, _ in found} >= {"href", "src", "action", "hx-get", "hx-post", "data-new"}
    assert [address for _, address in found if not address.startswith(f"{BASE}/")] == []
    for name, address in found:
        if name in ("href", "src", "hx-get"):
            assert (await browsing.get(address, HX_Request="true")).status_code == 200, address
    shown = {address for name, address in found if name in ("href", "src")}
    assert {f"{BASE}/", f"{BASE}/ui/deploy", BASE + assets().url("main.js")} <= shown


def test_scripts_name_no_address_without_the_prefix() -> None:
    naked = re.compile(rb"""["'`]/(?:ui|events|deploy|inventory|\?)""")
    scripts = {path: text for path, text in assets().content.items() if path.endswith(".js") and "vendor" not in path}
    assert {path for path, text in scripts.items() if naked.search(text)} == set()
    assert [path for path, text in scripts.items() if b"${base}/" in text and b"/base.js" not in text] == []


async def test_who_signs_in_stays_below_the_prefix(app: App) -> None:
    stranger = Browsing(app, cookie="")
    asked = await stranger.get(f"{BASE}/ui/events?group=rollout")
    assert asked.headers["Location"] == f"{BASE}/ui/login?next=%2Fui%2Fevents%3Fgroup%3Drollout"
    for onward in ("/ui/events", f"{BASE}/ui/events"):
        answer = await stranger.post("/ui/login", {"token": OPERATOR, "next": onward})
        assert answer.headers["Location"] == f"{BASE}/ui/events"
        assert SimpleCookie(answer.headers["Set-Cookie"])[COOKIE]["path"] == BASE
    part = await stranger.get("/ui/events", HX_Request="true", HX_Current_URL=f"https://x.example{BASE}/ui/events?a=b")
    assert part.headers["HX-Redirect"] == f"{BASE}/ui/login?next=%2Fui%2Fevents%3Fa%3Db"
    out = await Browsing(app).post(f"{BASE}/ui/logout")
    assert out.headers["Location"] == f"{BASE}/ui/login"


async def test_the_api_is_there_too_and_says_where_a_deployment_is(app: App) -> None:
    await app.send("POST", f"{BASE}/deploy/abort")
    answer = await app.send("POST", f"{BASE}/deploy", {"code_version": "3", "labels": {}})
    assert (answer.status_code, answer.headers["Location"]) == (201, f"{BASE}/deployments/2")
    assert (await app.get(answer.headers["Location"]))["id"] == 2
    assert (await app.send("GET", f"{BASE}x/deployments")).status_code == 404
    assert (await app.send("GET", f"{BASE}{BASE}/deployments")).status_code == 404


@pytest.mark.parametrize("path", [BASE, f"{BASE}/", "/", f"{BASE}?instance=web-1"])
async def test_the_prefix_alone_is_the_fleet(app: App, path: str) -> None:
    assert "<title>Fleet" in (await Browsing(app).get(path)).text


async def test_commands_say_the_address_of_the_proxy(app: App) -> None:
    form = {"code_version": "3.0.0", "labels": "env=prod"}
    shown = await Browsing(app).post("/ui/deploy/preview", form, Host="x.example", X_Forwarded_Proto="https")
    assert f"--server https://x.example{BASE}" in shown.text
    assert f"https://x.example{BASE}/deploy" in shown.text


async def test_an_agent_behind_the_prefix_is_answered_on_its_connection(app: App) -> None:
    credential = await app.register("web-2")
    assert isinstance(app.asgi, FastPath)
    async with serving(app.asgi, answering_connection(app.asgi)) as server:
        wire = await server.wire()
        for path in (f"{BASE}/inventory/instances/web-2", "/inventory/instances/web-2"):
            before = app.asgi.responder.traffic.heartbeats
            answer = await wire.ask(request("PATCH", path, credential, b'{"status":1}'))
            assert (answer.status, app.asgi.responder.traffic.heartbeats) == (200, before + 1)
        odd = await wire.ask(request("PATCH", f"{BASE}/inventory/instances/web-2", credential, b"{}", "Expect: "))
        assert odd.status == 200


async def test_no_prefix_that_is_taken_hides_a_path(app: App) -> None:
    document = await app.get("/schema/openapi.json")
    roots = {path.split("/")[1] for path in document["paths"]}
    assert roots | {"ui", "schema"} == set(OWN_PATHS)
