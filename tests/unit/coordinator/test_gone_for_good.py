"""What a coordinator keeps of an instance in memory goes with the instance."""

from pathlib import Path

from dides.coordinator.coordinator import Coordinator
from dides.coordinator.settings import Settings
from dides.protocol.messages import Heartbeat, InstanceSpec
from support.clocks import FakeClock
from support.sqlite import sqlite_store


async def test_its_sign_of_life_is_forgotten(tmp_path: Path) -> None:
    clock = FakeClock()
    store = sqlite_store(tmp_path / "dides.db", clock)
    coordinator = Coordinator(store, clock, Settings(reconcile_interval=0.0))
    async with coordinator.running():
        joined, _ = await coordinator.register(InstanceSpec(name="web-1", ip="192.0.2.1", labels={}), None)
        await coordinator.heartbeat("web-1", Heartbeat(code_version="1"))
        assert coordinator._last_seen.own(joined.instance.id) == clock.now()
        await coordinator.decommission("web-1", "anna", force=False)
        assert coordinator._last_seen._own == {}
    await store.close()
