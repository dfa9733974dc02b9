"""The ledger does with the engine's plans what coordinator and store do: the same walk leaves the same records."""

from pathlib import Path
from random import Random
from typing import Any

import pytest
from msgspec import UNSET

from dides.model.deployment import Deployment, DeploymentStatus, Kind, Target
from dides.model.errors import ConflictError
from dides.model.instance import Instance, Report
from dides.model.policy import Ordering, Policy
from dides.model.state import Status
from dides.rehearsal.rollout import Ledger
from support.clocks import FakeClock
from support.hand_fleet import V1, V2, Fleet
from support.sqlite import sqlite_store

SEEDS, OPERATIONS = 40, 40
POLICIES: dict[str, list[Any]] = {
    "batch_size": [1, 2, "60%"],
    "failure_threshold": [1, 2, "50%"],
    "waves": [(), (1,), (1, "50%")],
    "wave_pause": [0.0, 20.0, "manual"],
    "min_healthy_time": [0.0, 10.0],
    "update_timeout": [60.0, 600.0],
    "deadline": [None, 300.0],
    "max_unavailable": [None, 1, "60%"],
    "spread_by": [None, "zone"],
    "retries": [0, 1],
    "order": list(Ordering),
    "auto_rollback": [True, False],
}
OF_TARGET = (
    "state", "deferred", "to", "before", "reason", "message", "last_good", "earlier", "generation", "attempt",
    "assigned_at", "deadline_at", "wave", "spread", "healthy_at", "retry_at", "has_read", "failure_is_news", "report",
)  # fmt: skip
OF_DEPLOYMENT = (
    "id", "kind", "status", "to", "window", "waves", "share", "max_unavailable", "counts", "wave", "timers", "spread",
    "blocked_by", "rollback_of", "paused_at", "resumed_at", "finished_at",
)  # fmt: skip
OF_INSTANCE = ("status", "current", "desired", "last_good", "generation", "assigned_by", "reachable")


def shown(record: Deployment | Target | Instance, fields: tuple[str, ...]) -> dict[str, object]:
    return {field: getattr(record, field) for field in fields}


class Walk:
    """Random operations, each done to a real coordinator's store and to a ledger."""

    def __init__(self, fleet: Fleet, seed: int) -> None:
        self.fleet = fleet
        self.chance = Random(seed)
        self.names = [f"web-{number}" for number in range(1, 6)]
        self.ledger = Ledger([])
        self.done: list[str] = []

    async def begin(self) -> None:
        """Register instances that differ, and trigger in both."""
        for name in self.names:
            await self.fleet.register(name, labels={"env": "prod", "zone": self.chance.choice("ab")})
            if self.chance.random() < 0.9:
                await self.fleet.report(name, self.chance.choice(list(Status)), self.chance.choice([V1, V1, V2]))
        instances = [await self.fleet.instance(name) for name in self.names]
        self.ledger = Ledger(instances, self.fleet.clock.now())
        policy = {field: self.chance.choice(choices) for field, choices in POLICIES.items()}
        await self.fleet.trigger(V2, **policy)
        self.ledger.trigger(V2, Policy(**policy), {each.id: each.labels["zone"] for each in instances})
        self.done.append(f"trigger {policy}")

    async def go_on(self) -> None:
        """Do one thing to both."""
        others = [self.lose, self.lose, self.pause_or_resume, self.promote, self.restart, self.abort]
        await self.chance.choice([*[self.hear] * 8, *[self.step] * 8, *[self.wait] * 2, *others])()

    async def hear(self) -> None:
        name = self.chance.choice(self.names)
        instance = await self.fleet.instance(name)
        at_home = instance.desired or instance.current
        status = self.chance.choice([Status.HEALTHY] * 4 + [Status.FAILED, Status.DEGRADED, Status.UNKNOWN])
        current = self.chance.choice([at_home, at_home, at_home, V1])
        observed = self.chance.choice([instance.generation] * 3 + [max(0, instance.generation - 1), None])
        self.done.append(f"{name} reports {status.name} at {current.code_version}, observed {observed}")
        taken = await self.fleet.report(name, status, current, observed=UNSET if observed is None else observed)
        report = Report(at=self.fleet.clock.now(), status=status, current=current, observed=observed)
        assert self.ledger.ingest(instance.id, report) == taken.step_due, self.done

    async def step(self) -> None:
        self.done.append("step")
        stepped, plan = await self.fleet.stepped(), self.ledger.step()
        if plan.ending is None:
            assert (stepped.run_again, stepped.next_deadline) == (plan.run_again, plan.next_deadline), self.done

    async def wait(self) -> None:
        seconds = self.chance.choice([1, 5, 10, 60, 600])
        self.done.append(f"{seconds} s later")
        self.fleet.clock.advance(seconds)
        self.ledger.now = self.fleet.clock.now()

    async def lose(self) -> None:
        name = self.chance.choice(self.names)
        instance = await self.fleet.instance(name)
        if instance.reachable:
            self.done.append(f"{name} is lost")
            await self.fleet.silence(name)
            self.ledger.declare_unreachable(instance.id)

    async def pause_or_resume(self) -> None:
        self.done.append("pause or resume")
        if self.ledger.its_deployment.status is DeploymentStatus.RUNNING:
            await self.fleet.pause()
            self.ledger.pause()
        else:
            await self.fleet.resume()
            self.ledger.resume()

    async def promote(self) -> None:
        try:
            await self.fleet.promote()
        except ConflictError:
            return  # Nothing of it was kept in the store.
        self.done.append("promote")
        self.ledger.promote()

    async def restart(self) -> None:
        self.done.append("restart")
        await self.fleet.restart(after=7)
        self.ledger.now = self.fleet.clock.now()
        self.ledger.recover(7_000, self.fleet.quiet_until)

    async def abort(self) -> None:
        if self.chance.random() < 0.2:
            rollback = self.ledger.its_deployment.kind is Kind.DEPLOY and self.chance.random() < 0.7
            self.done.append(f"abort, rollback={rollback}")
            await self.fleet.abort(rollback=rollback)
            self.ledger.abort(rollback=rollback)

    async def check(self) -> None:
        """Compare every record."""
        newest = self.ledger.its_deployment
        stored = await self.fleet.deployment(newest.id)
        assert shown(newest, OF_DEPLOYMENT) == shown(stored, OF_DEPLOYMENT), self.done
        targets = await self.fleet.targets(stored)
        in_order = sorted(self.ledger.targets.values(), key=lambda each: each.position)
        assert [each.instance for each in in_order] == [each.instance for each in targets], self.done
        for ours, theirs in zip(in_order, targets, strict=True):
            assert shown(ours, OF_TARGET) == shown(theirs, OF_TARGET), self.done
        for name in self.names:
            theirs_too = await self.fleet.instance(name)
            ours_too = self.ledger.instances[theirs_too.id]
            assert shown(ours_too, OF_INSTANCE) == shown(theirs_too, OF_INSTANCE), self.done


@pytest.mark.parametrize("seed", range(SEEDS))
async def test_the_same_walk_leaves_the_same_records(seed: int, tmp_path: Path) -> None:
    clock = FakeClock()
    store = sqlite_store(tmp_path / "dides.db", clock)
    walk = Walk(Fleet(store, clock), seed)
    await walk.begin()
    await walk.check()
    for _ in range(OPERATIONS):
        if walk.ledger.its_deployment.in_flight:
            await walk.go_on()
            await walk.check()
    await store.close()
