"""What a step costs, and a coordinator weighs, as the fleet grows: 100, 1,000 and 10,000 registered instances.

A step here is one that settles a target and tells the next one, in a deployment over the whole fleet with a window of
5, on SQLite with every commit flushed. The ratio of the largest fleet to the smallest shows whether it reads the fleet.
"""

import asyncio
import statistics
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

from dides.clock import SystemClock
from dides.coordinator.deployments import Order, trigger
from dides.coordinator.intake import Incoming, take_in
from dides.coordinator.inventory import Newcomer, register
from dides.coordinator.step import step
from dides.model.policy import Policy
from dides.model.selector import Selector
from dides.model.state import State, Status
from dides.protocol.messages import Heartbeat
from dides.store.sqlite import SqliteStore

SIZES, WINDOW, STEPS = (100, 1_000, 10_000), 5, 90
VERSION = "2.0.0"


async def main() -> None:
    median = {}
    for size in SIZES:
        with tempfile.TemporaryDirectory() as directory:
            store = SqliteStore(Path(directory) / "dides.db", SystemClock())
            await fill(store, size)
            times = [await one_step(store) for _ in range(STEPS)]
            await store.close()
        median[size] = statistics.median(times)
        print(f"{size:>6} instances: a step takes {median[size] * 1000:.2f} ms (median of {STEPS})", flush=True)
    print(f"ratio of {SIZES[-1]:,} to {SIZES[0]:,} instances: {median[SIZES[-1]] / median[SIZES[0]]:.2f}")


async def fill(store: SqliteStore, size: int) -> None:
    """Register so many instances, all HEALTHY at an older version, and trigger a deployment to them all."""
    names = [f"web-{number:06}" for number in range(size)]
    healthy = Heartbeat(code_version="1.0.0", status=Status.HEALTHY)
    for name in names:
        newcomer = Newcomer(name=name, ip="10.0.0.1", labels={"env": "test"}, presented=None, credential=name.encode())
        await store.write(partial(register, newcomer=newcomer))
    await store.write(lambda tx: take_in(tx, [Incoming(name, healthy, tx.now) for name in names]))
    order = Order(
        to=State(VERSION),
        labels={},
        selector_text=None,
        selector=Selector(),
        policy=Policy(batch_size=WINDOW),
        actor="bench",
    )
    await store.write(lambda tx: trigger(tx, order, None, 0))


async def one_step(store: SqliteStore) -> float:
    """Let one updating instance report HEALTHY, and return the seconds that the step which follows takes."""
    updating = await store.read(lambda tx: tx.targets.updating(deployment_id=1)[0])
    report = Heartbeat(code_version=VERSION, status=Status.HEALTHY, observed=updating.generation)
    await store.write(lambda tx: take_in(tx, [Incoming(updating.instance, report, tx.now)]))
    begun = time.perf_counter()
    stepped = await store.write(lambda tx: step(tx, 0))
    took = time.perf_counter() - begun
    assert stepped
    assert len(stepped.told) == 1, stepped
    return took


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
