"""A coordinator that can read but not write: what it hears it cannot pass on, and it does not go on as if it could."""

from pathlib import Path

from dides.coordinator.settings import Settings
from support.app import running_app, until
from support.wrapped_store import FullStore

SETTINGS = Settings(time_to_live=3, reconcile_interval=0)
WEB = "/inventory/instances/web-1"


async def test_heartbeats_that_change_nothing_are_refused_after_a_third_of_the_time_to_live(tmp_path: Path) -> None:
    async with running_app(tmp_path, settings=SETTINGS, wrap=FullStore) as app:
        assert isinstance(app.store, FullStore)
        own = await app.register("web-1")
        await app.beat("web-1", own, status=1)
        app.store.away = True
        assert (await app.send("PATCH", WEB, {"status": 1}, credential=own)).status_code == 200
        await until(lambda: not app.coordinator.is_current())
        for request in (("PATCH", WEB, {"status": 1}), ("GET", f"{WEB}/desired?generation=0&wait=1")):
            answer = await app.send(*request, credential=own)
            assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
        assert "dides_ready 0.0" in (await app.send("GET", "/metrics")).text
        app.store.away = False
        await until(app.coordinator.is_current)
        assert (await app.send("PATCH", WEB, {"status": 1}, credential=own)).status_code == 200
