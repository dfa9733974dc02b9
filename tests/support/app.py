"""The real application over a real SQLite store, in this process: no sockets, and in manual mode no steps unasked."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import httpx2
import msgspec
from litestar import Litestar

from dides.api.access import Access
from dides.api.app import create_app, create_routes
from dides.api.fastpath.load_shedding import Overload
from dides.api.limits.rate_limits import RateLimits
from dides.coordinator.coordinator import Coordinator
from dides.coordinator.credentials import hash_of
from dides.coordinator.settings import Settings
from dides.dashboard.routes import create_dashboard
from dides.model.selector import Selector
from dides.protocol.messages import Deployment, Instance
from dides.runtime.clock import Clock, SystemClock
from dides.store.interface import Store, Transaction
from support.sqlite import sqlite_store

Asgi = Callable[[Any, Any, Any], Awaitable[None]]
OPERATOR = "the-operators-token"
REGISTRATION = "the-registration-token"
MANUAL = Settings(reconcile_interval=0)
PATIENCE = 10.0
"""Seconds after which a test gives up; only a failing one waits so long."""
PROBLEM = "application/problem+json"
_UNUSED: dict[bool, list[Litestar]] = {True: [], False: []}
"""Routes that no application uses any more, with and without --dev. Making them is most of what a start costs."""


class App:
    """The application, and short cuts for what tests do most. Requests are the operator's unless told otherwise."""

    def __init__(self, asgi: Asgi, coordinator: Coordinator, store: Store) -> None:
        self.asgi = asgi
        self.coordinator = coordinator
        self.store = store
        self._http = httpx2.AsyncClient(transport=httpx2.ASGITransport(app=asgi), base_url="http://localhost")

    async def send(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        credential: str | None = OPERATOR,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
    ) -> httpx2.Response:
        """Send one request; `body` is sent as JSON, `content` as it is."""
        given = {**({"Authorization": f"Bearer {credential}"} if credential else {}), **(headers or {})}
        if body is not None:
            content = json.dumps(body).encode()
        raw = {name.encode(): value.encode("latin-1") for name, value in given.items()}
        return await self._http.request(method, path, content=content, headers=raw)

    async def get(self, path: str, *, credential: str | None = OPERATOR) -> Any:
        """Return the body of a successful answer."""
        response = await self.send("GET", path, credential=credential)
        assert response.status_code == 200, response.text
        return response.json()

    async def register(self, name: str, ip: str = "192.0.2.1", **labels: str) -> str:
        """Register an instance and return its credential."""
        instance = {"name": name, "ip": ip, "labels": labels}
        response = await self.send("POST", "/inventory/register", {"instance": instance, "token": REGISTRATION})
        assert response.status_code in (200, 201), response.text
        credential: str = response.json()["credential"]
        return credential

    async def beat(self, name: str, credential: str, **fields: object) -> Any:
        """Send a heartbeat and return its answer."""
        response = await self.send("PATCH", f"/inventory/instances/{name}", fields, credential=credential)
        assert response.status_code == 200, response.text
        return response.json()

    async def deploy(self, code_version: str = "2.0.0", **fields: object) -> Deployment:
        """Trigger a deployment, of the whole fleet unless told otherwise."""
        body = {"code_version": code_version, "labels": {}, **fields}
        response = await self.send("POST", "/deploy", body)
        assert response.status_code == 201, response.text
        return msgspec.json.decode(response.content, type=Deployment)

    async def until_held(self, name: str) -> None:
        """Wait until a query of an instance is being held."""
        await until(lambda: self.coordinator.waiters.holds(name))

    async def someone(self) -> None:
        """Leave something behind that bad requests might change: web-1, and a deployment that was aborted."""
        await self.register("web-1", env="production")
        await self.deploy("1.0.0")
        await self.send("POST", "/deploy/abort")

    async def stored(self) -> bytes:
        """Return all that requests can change, as bytes to compare."""
        return await self.store.read(_everything)

    async def stored_without_times(self) -> bytes:
        """Return the same without moments, to compare what two applications have stored."""
        return re.sub(rb'"(at|\w+_at|moments)":(\d+|\[[\d,]+\])', b"", await self.stored())


def _everything(tx: Transaction) -> bytes:
    instances = tx.inventory.page(Selector(), None, "", 1000)
    deployments = tx.deployments.page(None, None, 1000)
    targets = [tx.targets.page(each.id, None, 0, 1000) for each in deployments]
    return msgspec.json.encode((instances, deployments, targets, tx.events.page(None, None, 1000)))


async def until(condition: Callable[[], bool]) -> None:
    """Wait for a condition that other tasks bring about."""
    async with asyncio.timeout(PATIENCE):
        while not condition():
            await asyncio.sleep(0.001)


@asynccontextmanager
async def running_app(
    directory: Path,
    *,
    dev: bool = False,
    clock: Clock | None = None,
    settings: Settings = MANUAL,
    wrap: Callable[[Store], Store] = lambda store: store,
    overload: Overload | None = None,
    base_path: str = "",
    trusted: Sequence[str] = (),
) -> AsyncIterator[App]:
    """Start the application on a database in a directory; `wrap` may put something between it and the store."""
    clock = clock or SystemClock()
    directory.mkdir(exist_ok=True)  # noqa: ASYNC240 - a test's own loop
    store = wrap(sqlite_store(directory / "dides.db", clock))
    running = running_on(
        store, clock, dev=dev, settings=settings, overload=overload, base_path=base_path, trusted=trusted
    )
    async with running as app:
        yield app


@asynccontextmanager
async def running_on(
    store: Store,
    clock: Clock | None = None,
    *,
    dev: bool = False,
    settings: Settings = MANUAL,
    overload: Overload | None = None,
    base_path: str = "",
    trusted: Sequence[str] = (),
) -> AsyncIterator[App]:
    """Start the application on a store, by the store's own clock unless told another one, and close it at the end.

    `trusted` are the networks of proxies.
    """
    coordinator = Coordinator(store, clock or store.clock, settings)
    access = Access(operator=hash_of(OPERATOR), registration=hash_of(REGISTRATION), dev=dev)
    networks = [ip_network(text) for text in trusted]
    limits = RateLimits(settings, coordinator.monotonic, access.operator, dev=dev, trusted=networks)
    routes = _UNUSED[dev].pop() if _UNUSED[dev] else create_routes("0.0.0", [create_dashboard()], dev=dev)
    asgi = create_app(routes, coordinator, access, "0.0.0", overload, limits=limits, base_path=base_path)
    try:
        async with coordinator.running():
            yield App(asgi, coordinator, store)
    finally:
        await store.close()
        _UNUSED[dev].append(routes)


def names_of(page: Any) -> list[str]:
    """Return the names of the instances in a page."""
    return [each.name for each in msgspec.convert(page["instances"], type=list[Instance])]


async def worked(app: App) -> str:
    """Let there be heartbeats, a rollout that succeeds and one that fails; return the credential of web-1."""
    own = await app.register("web-1", env="production")
    await app.beat("web-1", own, code_version="1", status=1)
    await app.beat("web-1", own, code_version="1", status=1)
    await app.deploy("2")
    await app.beat("web-1", own, code_version="2", status=1, observed=1)
    await app.send("POST", "/deploy/progress")
    await app.deploy("3")
    await app.beat("web-1", own, status=3, observed=2, message="no")
    await app.send("POST", "/deploy/progress")
    return own
