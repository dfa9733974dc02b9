"""Who may do what: every route with every kind of credential, written out."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from support.app import OPERATOR, PROBLEM, REGISTRATION, App, running_app

WHO = ("nobody", "garbage", "basic", "registration", "other", "own", "operator", "former")
"""No credential; one that nobody has; the operator's token in another scheme; the registration token as a bearer;
another instance's; the instance's own; the operator's; that of a decommissioned instance."""
OWN = "/inventory/instances/web-1"
MATRIX: dict[tuple[str, str], tuple[int, ...]] = {
    # who:                                 nobody garbage basic registration other own operator former
    ("POST", "/inventory/register"): (201, 201, 201, 201, 201, 201, 201, 410),
    ("PATCH", OWN): (401, 401, 401, 401, 403, 200, 200, 410),
    ("GET", f"{OWN}/desired?wait=0"): (401, 401, 401, 401, 403, 200, 403, 410),
    ("GET", OWN): (401, 401, 401, 401, 403, 200, 200, 410),
    ("GET", "/inventory/instances"): (401, 401, 401, 401, 403, 403, 200, 410),
    ("DELETE", f"{OWN}?force=true"): (401, 401, 401, 401, 403, 403, 204, 410),
    ("POST", "/deploy"): (401, 401, 401, 401, 403, 403, 201, 410),
    ("POST", "/deploy/plan"): (401, 401, 401, 401, 403, 403, 200, 410),
    ("GET", "/deploy"): (401, 401, 401, 401, 403, 403, 200, 410),
    ("POST", "/deploy/progress"): (401, 401, 401, 401, 403, 403, 200, 410),
    ("POST", "/deploy/pause"): (401, 401, 401, 401, 403, 403, 200, 410),
    ("POST", "/deploy/resume"): (401, 401, 401, 401, 403, 403, 200, 410),
    ("POST", "/deploy/promote"): (401, 401, 401, 401, 403, 403, 200, 410),
    ("POST", "/deploy/abort"): (401, 401, 401, 401, 403, 403, 200, 410),
    ("POST", "/deploy/rollback"): (401, 401, 401, 401, 403, 403, 201, 410),
    ("GET", "/deploy/rollback"): (401, 401, 401, 401, 403, 403, 200, 410),
    ("GET", "/converge"): (401, 401, 401, 401, 403, 403, 200, 410),
    ("POST", "/converge/resume"): (401, 401, 401, 401, 403, 403, 200, 410),
    ("GET", "/deployments"): (401, 401, 401, 401, 403, 403, 200, 410),
    ("GET", "/deployments/1"): (401, 401, 401, 401, 403, 403, 200, 410),
    ("GET", "/deployments/1/instances"): (401, 401, 401, 401, 403, 403, 200, 410),
    ("GET", "/deployments/1/events"): (401, 401, 401, 401, 403, 403, 200, 410),
    ("GET", "/events"): (401, 401, 401, 401, 403, 403, 200, 410),
    ("GET", "/metrics"): (401, 401, 401, 401, 403, 403, 200, 410),
    ("GET", "/healthz"): (200, 200, 200, 200, 200, 200, 200, 200),
    ("GET", "/readyz"): (200, 200, 200, 200, 200, 200, 200, 200),
    ("GET", "/schema"): (200, 200, 200, 200, 200, 200, 200, 200),
    ("GET", "/schema/openapi.json"): (200, 200, 200, 200, 200, 200, 200, 200),
}
DEPLOY = {"code_version": "2.0.0", "labels": {}}


class Cast:
    """An application with two instances and one that was decommissioned, and everybody's credentials."""

    def __init__(self, app: App, credentials: dict[str, str | None]) -> None:
        self.app = app
        self.credentials = credentials
        self._names = iter(range(1000))

    async def ask(self, method: str, path: str, who: str) -> tuple[int, dict[str, str]]:
        """Send a request that only its credential can keep from success; return the status and the headers."""
        await self._set_the_scene(method, path)
        credential = self.credentials[who]
        headers = {"Authorization": f"Basic {OPERATOR}"} if who == "basic" else {}
        response = await self.app.send(method, path, self._body(method, path), credential=credential, headers=headers)
        if response.status_code >= 400:
            assert response.headers["Content-Type"] == PROBLEM
        return response.status_code, dict(response.headers)

    async def _set_the_scene(self, method: str, path: str) -> None:
        """Have a deployment in flight for all that needs one, and none for what needs none."""
        if (method, path) == ("POST", "/deploy"):
            await self.app.send("POST", "/deploy/abort")
        elif path == "/deploy/promote":
            await self._have_a_wave_wait()
        elif path.startswith("/deploy"):
            in_flight = await self.app.send("GET", "/deploy")
            if in_flight.status_code == 200 and in_flight.json()["kind"] == "rollback":
                await self.app.send("POST", "/deploy/abort")
            await self.app.send("POST", "/deploy", DEPLOY)

    async def _have_a_wave_wait(self) -> None:
        await self.app.send("POST", "/deploy/abort")
        version = f"2.0.{next(self._names)}"
        in_two_waves = {"waves": [1], "wave_pause": "manual"}
        await self.app.deploy(version, labels={"role": "web"}, configuration=in_two_waves)
        await self.app.beat("web-1", self.credentials["own"] or "", code_version=version, status=1)
        await self.app.send("POST", "/deploy/progress")

    def _body(self, method: str, path: str) -> object:
        if path == "/inventory/register":
            return {"instance": {"name": f"new-{next(self._names)}", "ip": "::1"}, "token": REGISTRATION}
        if path == "/converge/resume":
            return {"deployment_id": 1}
        return DEPLOY if path in ("/deploy", "/deploy/plan") and method == "POST" else None


@pytest.fixture
async def cast(tmp_path: Path) -> AsyncIterator[Cast]:
    async with running_app(tmp_path) as app:
        yield await casting(app)


async def casting(app: App) -> Cast:
    own, other = await app.register("web-1", role="web"), await app.register("web-2", role="web")
    former = await app.register("web-3")
    await app.send("DELETE", "/inventory/instances/web-3")
    return Cast(
        app,
        {
            "nobody": None,
            "garbage": "garbage",
            "basic": None,
            "registration": REGISTRATION,
            "other": other,
            "own": own,
            "operator": OPERATOR,
            "former": former,
        },
    )


async def test_every_route_with_every_credential(cast: Cast) -> None:
    found = {}
    for method, path in sorted(MATRIX, key=lambda route: route[0] == "DELETE"):  # what removes the instance comes last
        found[method, path] = tuple([(await cast.ask(method, path, who))[0] for who in WHO])
    assert found == MATRIX


async def test_the_matrix_has_every_route(cast: Cast) -> None:
    document = await cast.app.get("/schema")
    described = {(method.upper(), path) for path, item in document["paths"].items() for method in item}
    concrete = {(method, path.partition("?")[0].replace(OWN, "/inventory/instances/{name}")) for method, path in MATRIX}
    written = {(method, path.replace("/deployments/1", "/deployments/{id}")) for method, path in concrete}
    assert described == {each for each in written if not each[1].startswith("/schema")}


async def test_401_says_what_would_do(cast: Cast) -> None:
    for who in ("nobody", "garbage", "basic"):
        status, headers = await cast.ask("GET", "/deploy", who)
        assert (status, headers["www-authenticate"]) == (401, 'Bearer realm="dides"')
    for who in ("other", "former"):
        assert "www-authenticate" not in (await cast.ask("GET", "/deploy", who))[1]


async def test_the_scheme_is_read_as_http_reads_it(cast: Cast) -> None:
    for scheme in ("bearer", "BEARER", "Bearer ", "Bearer  "):
        headers = {"Authorization": f"{scheme} {OPERATOR}"}
        assert (await cast.app.send("GET", "/deployments", credential=None, headers=headers)).status_code == 200


async def test_other_values_are_no_credential(cast: Cast) -> None:
    for value in ("", "Bearer", "Bearer ", OPERATOR, f"Token {OPERATOR}", "Bearer é", f"Bearer {OPERATOR}x"):
        response = await cast.app.send("GET", "/deployments", credential=None, headers={"Authorization": value})
        assert response.status_code == 401


async def test_who_may_not_is_told_so_before_anything_else_is_said(cast: Cast) -> None:
    too_large = b" " * (1024 * 1024 + 1)
    for content in (b"{", b'{"x": 1}', too_large):
        response = await cast.app.send("POST", "/deploy", content=content, credential=None)
        assert response.status_code == 401
    response = await cast.app.send("GET", "/inventory/instances/no-such", credential=cast.credentials["own"])
    assert response.status_code == 403, "an instance does not learn which others there are"
    for path in ("/deployments?limit=x", "/deployments/x", "/deployments/77"):
        assert (await cast.app.send("GET", path, credential=None)).status_code == 401


async def test_the_development_mode_opens_every_door(tmp_path: Path) -> None:
    async with running_app(tmp_path, dev=True) as app:
        cast = await casting(app)
        for route, statuses in MATRIX.items():
            success = min(statuses)
            # An agent that was decommissioned stops in this mode too.
            expected = [410 if who == "former" and 410 in statuses else success for who in WHO]
            if route[0] != "DELETE":
                assert [(await cast.ask(*route, who))[0] for who in WHO] == expected, route
        assert (await cast.ask("DELETE", f"{OWN}?force=true", "nobody"))[0] == 204


async def test_in_the_development_mode_no_other_web_page_gets_in(tmp_path: Path) -> None:
    async with running_app(tmp_path, dev=True) as app:
        cast = await casting(app)
        before = await app.stored()
        for headers in (
            {"Sec-Fetch-Site": "cross-site"},
            {"Sec-Fetch-Site": "same-site"},
            {"Origin": "https://example.com"},
            {"Origin": "null"},
            {"Host": "rebound.example.com:8420"},
            {"Host": "127.0.0.1.example.com"},
        ):
            for method, path in (("POST", "/deploy"), ("POST", "/inventory/register"), ("GET", "/deployments")):
                response = await app.send(
                    method, path, cast._body(method, path), credential=None, headers={"Host": "localhost", **headers}
                )
                assert response.status_code == 403, (path, headers)
        assert await app.stored() == before
        for headers in (
            {"Sec-Fetch-Site": "same-origin", "Origin": "http://localhost:8420", "Host": "localhost:8420"},
            {"Sec-Fetch-Site": "none", "Host": "[::1]:8420"},
            {"Host": "127.0.0.1"},
        ):
            assert (await app.send("GET", "/deployments", credential=None, headers=headers)).status_code == 200
        response = await app.send("GET", "/deployments", headers={"Host": "a-proxy.example.com"})
        assert response.status_code == 200, "whoever has the token is not a web page"


async def test_with_credentials_the_host_does_not_matter(cast: Cast) -> None:
    headers = {"Host": "coordinator.example.com", "Origin": "https://example.com"}
    assert (await cast.app.send("GET", "/deployments", headers=headers)).status_code == 200
