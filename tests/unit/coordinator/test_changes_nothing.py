"""A heartbeat that is said to change nothing is stored nowhere: so storing it must not have changed anything.

Over random rollouts: whatever state the fleet is in, a heartbeat that `changes_nothing` is told from is taken in all
the same, and everything but times has to be as it was.
"""

import random
import re
from collections.abc import Awaitable, Callable

import msgspec
import pytest
from msgspec import UNSET, UnsetType

from dides.coordinator.memory.instance_cache import InstanceCache
from dides.coordinator.memory.waiters import Waiters
from dides.coordinator.transactions.ingest import Incoming, changes_nothing, ingest_batch
from dides.coordinator.transactions.step import step
from dides.model.deployment import Target, TargetState
from dides.model.errors import RefusedError
from dides.model.instance import InstanceSummary
from dides.model.selector import Selector
from dides.model.state import State, Status
from dides.protocol.messages import Heartbeat
from dides.store.interface import Transaction
from support.hand_fleet import Fleet
from support.summaries import a_summary

NAMES = [f"web-{number}" for number in range(5)]
MOMENTS = re.compile(rb'"(at|\w+_at)":\d+')


def everything(tx: Transaction) -> bytes:
    """Return all that is stored but when it was heard of, and which step comes when."""
    instances = tx.inventory.page(Selector(), None, "", 1000)
    deployments = tx.deployments.page(None, None, 1000)
    targets = [_what_counts(target) for each in deployments for target in tx.targets.page(each.id, None, 0, 1000)]
    waiting = [tx.convergences.waiting(each) for each in tx.convergences.sources()]
    return MOMENTS.sub(
        b"", msgspec.json.encode((instances, deployments, targets, waiting, tx.events.page(None, None, 9999)))
    )


def _what_counts(target: Target) -> Target:
    """Of a target that has succeeded no report counts any more but a failure."""
    if target.state is not TargetState.SUCCEEDED:
        return target
    return msgspec.structs.replace(target, report=None, healthy_at=None)


def drawn(chance: random.Random, summary: InstanceSummary) -> Heartbeat:
    """Return a heartbeat that an instance may well send, most often one that says what is known."""
    again = chance.random() < 0.6
    statuses: list[Status | UnsetType] = [UNSET, summary.status, *([] if again else list(Status))]
    messages: list[str | UnsetType] = [UNSET, summary.message, *([] if again else ["other"])]
    return Heartbeat(
        status=chance.choice(statuses),
        code_version=chance.choice([UNSET, summary.current.code_version, *([] if again else ["1", "2"])]),
        observed=chance.choice(
            [UNSET, summary.generation, summary.observed if summary.observed is not None else UNSET]
        ),
        message=chance.choice(messages),
    )


class Course:
    """A random course of rollouts over a few instances."""

    def __init__(self, fleet: Fleet, instance_cache: InstanceCache, seed: int) -> None:
        self.fleet, self.instance_cache, self.chance = fleet, instance_cache, random.Random(seed)
        self.told_apart = 0

    async def run(self) -> None:
        await self.fleet.running(*NAMES)
        doings: list[Callable[[], Awaitable[object]]] = [self.trigger, self.step, self.report, self.silence, self.abort]
        for doing in self.chance.choices(doings, [3, 6, 12, 1, 1], k=40):
            self.fleet.clock.advance(self.chance.choice([1, 5, 20]))
            try:
                await doing()
            except RefusedError:
                continue
            for _ in range(3):
                await self.look()

    async def look(self) -> None:
        """Take one heartbeat in that is said to change nothing, if one can be drawn."""
        summary = self.instance_cache.get(self.chance.choice(NAMES))
        assert summary is not None
        heartbeat = drawn(self.chance, summary)
        if not changes_nothing(summary, heartbeat):
            return
        self.told_apart += 1
        incoming = Incoming(summary.name, heartbeat, self.fleet.clock.now())
        before = await self.fleet.store.read(everything)
        taken = await self.fleet.store.write(lambda tx: ingest_batch(tx, [incoming]))
        after = await self.fleet.store.read(everything)
        changed = [pair for pair in zip(before.split(b","), after.split(b","), strict=True) if pair[0] != pair[1]]
        assert changed == [], (summary, heartbeat)
        assert not taken.assigned

    async def trigger(self) -> None:
        window, retries, hold = self.chance.choice([1, 3]), self.chance.choice([0, 1]), self.chance.choice([0, 8])
        await self.fleet.trigger(
            State(self.chance.choice("123")),
            batch_size=window,
            retries=retries,
            min_healthy_time=hold,
            failure_threshold=2,
            update_timeout=60,
        )

    async def step(self) -> None:
        await self.fleet.run(lambda tx: step(tx, 0))

    async def report(self) -> None:
        summary = self.instance_cache.get(self.chance.choice(NAMES))
        assert summary is not None
        current = self.chance.choice([summary.current, summary.desired or summary.current])
        observed = UNSET if self.chance.random() < 0.5 else summary.generation
        status = self.chance.choice([Status.HEALTHY, Status.HEALTHY, Status.DEGRADED, Status.FAILED])
        said = Heartbeat(status=status, code_version=current.code_version, observed=observed)
        # It may have waited in line for so long that its sender was told something since.
        received = self.fleet.clock.now() - self.chance.choice([0, 0, 30_000])
        await self.fleet.run(lambda tx: ingest_batch(tx, [Incoming(summary.name, said, received)]))

    async def silence(self) -> None:
        await self.fleet.silence(self.chance.choice(NAMES))

    async def abort(self) -> None:
        await self.fleet.abort()


@pytest.mark.parametrize("seed", range(25))
async def test_what_changes_nothing_changes_nothing(fleet: Fleet, seed: int) -> None:
    instance_cache = InstanceCache(Waiters())
    await fleet.store.follow(instance_cache.apply)
    course = Course(fleet, instance_cache, seed)
    await course.run()
    assert course.told_apart > 10, "or this has shown nothing"


@pytest.mark.parametrize(
    "heartbeat",
    [
        Heartbeat(status=Status.DEGRADED),
        Heartbeat(code_version="2"),
        Heartbeat(code_version=None),
        Heartbeat(configuration_version="x"),
        Heartbeat(message="x"),
        Heartbeat(status=Status.HEALTHY, message="x"),
        Heartbeat(observed=0),
        Heartbeat(labels={}),
        Heartbeat(session="its", sequence=1),
    ],
)
def test_what_says_something_else_is_news(heartbeat: Heartbeat) -> None:
    assert not changes_nothing(a_summary(), heartbeat)


@pytest.mark.parametrize(
    "summary",
    [a_summary(reachable=False), a_summary(generation=1), a_summary(status=Status.FAILED), a_summary(observed=0)],
)
def test_of_some_instances_everything_is_news(summary: InstanceSummary) -> None:
    assert not changes_nothing(summary, Heartbeat(status=summary.status, code_version="1"))


def test_a_status_alone_clears_the_message() -> None:
    summary = a_summary(status=Status.DEGRADED, message="x")
    assert not changes_nothing(summary, Heartbeat(status=Status.DEGRADED))
    assert changes_nothing(summary, Heartbeat(status=Status.DEGRADED, message="x"))
    assert changes_nothing(summary, Heartbeat())
