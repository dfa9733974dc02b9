"""A sender that goes away before all of its request has come: nobody is answered, and nobody is blamed."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from support.app import OPERATOR, App, running_app
from support.scrape import Labels, scrape

ROUTES = [
    ("POST", "/deploy"),
    ("POST", "/deploy/abort"),
    ("POST", "/inventory/register"),
    ("PATCH", "/inventory/instances/web-1"),
]


class Torn:
    """A request of which the first part comes, and then no more."""

    def __init__(self, method: str, path: str, *parts: bytes) -> None:
        self.scope = {
            "type": "http",
            "http_version": "1.1",
            "method": method,
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "root_path": "",
            "scheme": "http",
            "headers": [(b"authorization", f"Bearer {OPERATOR}".encode()), (b"content-length", b"1000")],
            "client": ("192.0.2.1", 1),
            "server": ("localhost", 80),
        }
        self.sent: list[Any] = []
        self._parts = list(parts)

    async def receive(self) -> Any:
        if self._parts:
            return {"type": "http.request", "body": self._parts.pop(0), "more_body": True}
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        self.sent.append(message)


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[App]:
    async with running_app(tmp_path / "app") as running:
        await running.register("web-1")
        yield running


async def answered(app: App) -> dict[Labels, float]:
    """Return how many requests were answered, but for those that ask this."""
    counts = (await scrape(app)).values("dides_http_requests_total")
    return {labels: count for labels, count in counts.items() if ("route", "/metrics") not in labels}


@pytest.mark.parametrize("parts", [(), (b'{"code_version":',)], ids=["before the body", "in the middle"])
@pytest.mark.parametrize(("method", "path"), ROUTES)
async def test_it_is_dropped_quietly(app: App, method: str, path: str, parts: tuple[bytes, ...]) -> None:
    before, counted = await app.stored(), await answered(app)
    torn = Torn(method, path, *parts)
    with capture_logs() as lines:
        await app.asgi(torn.scope, torn.receive, torn.send)
    assert (torn.sent, lines) == ([], [])
    assert await app.stored() == before
    assert await answered(app) == counted


async def test_what_the_routes_refuse_before_they_read_is_still_answered(app: App) -> None:
    torn = Torn("POST", "/nothing", b"{")
    await app.asgi(torn.scope, torn.receive, torn.send)
    assert torn.sent[0]["status"] == 404
