"""What a step costs by itself, without HTTP, as the fleet grows: 100, 1,000 and 10,000 registered instances.

A step here is one that settles a target and tells the next one, in a deployment over the whole fleet with a window of
5, on SQLite with every commit flushed. The ratio to the smallest fleet shows whether it reads the fleet. What a whole
coordinator makes of it, with up to a million, bench_fleet.py measures.
"""

import argparse
import statistics
import tempfile
import time
from contextlib import AsyncExitStack
from pathlib import Path

from dides.coordinator.transactions.commands import DeployCommand, trigger
from dides.coordinator.transactions.ingest import Incoming, ingest_batch
from dides.coordinator.transactions.step import step
from dides.model.policy import Policy
from dides.model.selector import Selector
from dides.model.state import State, Status
from dides.protocol.messages import Heartbeat
from dides.runtime.clock import SystemClock
from dides.store.sqlite.store import SqliteStore
from load.fleet import Fleet
from rig.arguments import parser_of, run
from rig.fill import fill
from rig.report import Report

SIZES, WINDOW, STEPS, GOAL = (100, 1_000, 10_000), 5, 15, 1.3
"""How many steps are taken in a round: a hundred instances must last for all of them."""
VERSION = "2.0.0"


async def measure(arguments: argparse.Namespace) -> Report:
    """Take steps in each fleet in turn."""
    times: dict[int, list[float]] = {size: [] for size in SIZES}
    async with AsyncExitStack() as stack:
        stores = {size: await opened(stack, size) for size in SIZES}
        for _ in range(arguments.rounds):
            for size, store in stores.items():
                times[size].append(statistics.median([await one_step(store) for _ in range(STEPS)]) * 1000)
    report = Report(benchmark="step", parameters={"steps": STEPS, "window": WINDOW, "rounds": arguments.rounds})
    for size in SIZES:
        most = GOAL if size == SIZES[-1] else None
        report.add(f"a step, {size:,} instances", times[size], "ms", to=times[SIZES[0]], most=most)
    return report


async def opened(stack: AsyncExitStack, size: int) -> SqliteStore:
    """Open a store with so many instances, all HEALTHY at an older version, and trigger a deployment to them all."""
    file = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "dides.db"
    await fill(f"sqlite:///{file}", Fleet(size))
    store = SqliteStore(file, SystemClock())
    stack.push_async_callback(store.close)
    command = DeployCommand(
        to=State(VERSION),
        labels={},
        selector_text=None,
        selector=Selector(),
        policy=Policy(batch_size=WINDOW),
        actor="bench",
    )
    await store.write(lambda tx: trigger(tx, command, None, 0))
    return store


async def one_step(store: SqliteStore) -> float:
    """Let one updating instance report HEALTHY, and return the seconds that the step which follows takes."""
    updating = await store.read(lambda tx: tx.targets.updating(deployment_id=1)[0])
    report = Heartbeat(code_version=VERSION, status=Status.HEALTHY, observed=updating.generation)
    await store.write(lambda tx: ingest_batch(tx, [Incoming(updating.instance, report, tx.now)]))
    begun = time.perf_counter()
    stepped = await store.write(lambda tx: step(tx, 0))
    took = time.perf_counter() - begun
    assert stepped
    assert len(stepped.assigned) == 1, stepped
    return took


def main() -> None:
    """Read the arguments and measure."""
    run(measure, parser_of(__doc__).parse_args())


if __name__ == "__main__":
    main()
