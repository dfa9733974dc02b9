"""A step, and a batch of heartbeats, cost what changed and what starts, never the size of the fleet."""

from collections.abc import Callable
from pathlib import Path

from dides.coordinator.transactions.commands import DeployCommand, trigger
from dides.coordinator.transactions.ingest import Incoming, ingest_batch
from dides.coordinator.transactions.step import Stepped, step
from dides.model.policy import Policy
from dides.model.selector import Selector
from dides.model.state import State, Status
from dides.protocol.messages import Heartbeat
from dides.store.interface import Transaction
from support.clocks import FakeClock
from support.counting import Counter, Work
from support.sqlite import sqlite_store
from support.stores import add

FLEETS = (100, 1_000, 3_000)
BATCH_SIZE = 5
V1, V2 = State("1"), State("2")


def take_a_step(tx: Transaction) -> Stepped | None:
    return step(tx, 0)


def ingest_batch_from(names: list[str], status: Status, current: State) -> Callable[[Transaction], object]:
    heartbeat = Heartbeat(status=status, code_version=current.code_version)
    return lambda tx: ingest_batch(tx, [Incoming(name, heartbeat, tx.now) for name in names])


async def measure(directory: Path, fleet: int) -> dict[str, Work]:
    """Return what each moment of a rollout over a whole fleet costs."""
    store = sqlite_store(directory / f"{fleet}.db", FakeClock())
    try:
        names = [f"web-{number:04}" for number in range(fleet)]
        await store.write(lambda tx: add(tx, *names, current=V1))
        policy = Policy(batch_size=BATCH_SIZE)
        command = DeployCommand(to=V2, labels={}, selector_text=None, selector=Selector(), policy=policy, actor="anna")
        await store.write(lambda tx: trigger(tx, command, None, 0))
        counter = Counter(store._writer._engine)

        async def cost(work: Callable[[Transaction], object]) -> Work:
            counter.restart()
            await store.write(work)
            return counter.work

        await store.write(take_a_step)
        return {
            "nothing happened": await cost(take_a_step),
            "a heartbeat that changes nothing": await cost(ingest_batch_from(names[-1:], Status.HEALTHY, V1)),
            "a heartbeat that matters": await cost(ingest_batch_from(names[:1], Status.HEALTHY, V2)),
            "one arrived, one starts": await cost(take_a_step),
            "a batch of heartbeats": await cost(ingest_batch_from(names[1:6], Status.HEALTHY, V2)),
            "a window arrived, a window starts": await cost(take_a_step),
        }
    finally:
        await store.close()


async def test_the_step_does_not_read_the_fleet(tmp_path: Path) -> None:
    smallest, *larger = [await measure(tmp_path, fleet) for fleet in FLEETS]
    for each in larger:
        assert each == smallest
    examined = 4 * BATCH_SIZE + 64
    assert 0 < smallest["one arrived, one starts"].rows <= examined
    assert BATCH_SIZE < smallest["a window arrived, a window starts"].rows <= examined + 3 * BATCH_SIZE
    assert smallest["nothing happened"].rows <= 3
