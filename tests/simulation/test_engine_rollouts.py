"""Whole rollouts by the engine alone, through random events; what must hold is checked after every one."""

from collections import Counter
from random import Random

import msgspec
import pytest

from dides.model.deployment import DeploymentStatus, Kind, TargetState
from dides.model.policy import Policy
from dides.model.state import NOTHING, Status
from support.builders import PAUSED, V0, V1, V2, deployment, instance, report
from support.rollout import Rollout

TIME_TO_LIVE, UPDATE_TIMEOUT = 300, 1_000
FATES = ["good", "good", "good", "fails", "never arrives", "dies when told", "is dead"]


class World(Rollout):
    """A random fleet whose every instance has a fate: what becomes of it once it is told V2."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        pick, numbers = self.random.choice, range(1, self.random.randint(1, 9) + 1)
        self.fates = {number: pick(FATES) for number in numbers}
        self.observes = {number: pick([True, False]) for number in numbers}
        self.acts_on = dict.fromkeys(numbers, 0)
        self.seen = (0, 0)
        its_deployment = deployment(
            window=self.random.randint(1, 4),
            threshold=self.random.randint(1, 4),
            policy=Policy(update_timeout=UPDATE_TIMEOUT / 1000, auto_rollback=pick([True, False])),
        )
        fleet = {
            number: instance(
                number,
                last_good=pick([None, V0, V1]),
                current=pick([V0, V1, V2, NOTHING]),
                desired=pick([None, V1]),
                status=pick(list(Status)),
            )
            for number in numbers
        }
        super().__init__(its_deployment, fleet)

    def heartbeat(self, number: int) -> None:
        """Let an instance act on what it has read, report, and read what it is told: or keep silent, for good."""
        it, fate = self.instances[number], self.fates[number] if self.instances[number].desired == V2 else "good"
        if fate == "dies when told" or self.fates[number] == "is dead":
            self.lose(number)
            return
        status, current = it.status, it.current
        if it.desired and self.acts_on[number] == it.generation:
            status = (
                Status.FAILED if fate == "fails" else Status.DEGRADED if fate == "never arrives" else Status.HEALTHY
            )
            current = it.desired if fate == "good" or (fate == "fails" and self.random.random() < 0.5) else current
        observed = self.acts_on[number] if self.observes[number] else None
        self.acts_on[number] = it.generation
        self.hear(number, report(status, current, at=self.now, observed=observed))

    def pause_or_resume(self) -> None:
        status = DeploymentStatus.RUNNING if self.deployment.status is PAUSED else PAUSED
        self.deployment = msgspec.structs.replace(self.deployment, status=status)

    def event(self) -> None:
        """Let something happen."""
        self.now += self.random.randint(0, 150)
        number = self.random.choice(list(self.instances))
        match self.random.randint(0, 20):
            case 0:
                self.lose(number)
            case 1:
                self.pause_or_resume()
            case 2:
                self.quiet_until = self.now + TIME_TO_LIVE  # a new coordinator
            case 3 if self.random.random() < 0.1:
                self.abort(and_roll_back=self.deployment.kind is Kind.DEPLOY and self.random.random() < 0.5)
            case roll if roll < 14:
                self.heartbeat(number)
            case _:
                told_before = {each.id: each.generation for each in self.instances.values()}
                plan = self.step()
                if plan.ending and plan.ending.stop:
                    assert not plan.assigned, "told something new while it tripped"
                if self.deployment.status is PAUSED:
                    told = {each.id: each.generation for each in self.instances.values()}
                    assert told == told_before, "told something new in a pause"

    def check(self) -> None:
        its, states = self.deployment, Counter(each.state for each in self.targets.values())
        assert [getattr(its.counts, state) for state in TargetState] == [states[state] for state in TargetState]
        assert its.counts.total == len(self.targets)
        assert its.counts.deferred == sum(each.deferred for each in self.targets.values())
        assert its.counts.updating <= its.window
        assert its.kind is Kind.ROLLBACK or its.counts.failed < its.threshold or not its.in_flight
        assert its.in_flight or its.counts.pending + its.counts.updating == 0
        assert self.seen[0] != its.id or its.counts.failed >= self.seen[1], "a failure was forgotten"
        assert all(each.desired in (None, V0, V1, V2) for each in self.instances.values())
        self.seen = (its.id, its.counts.failed)

    def settle(self) -> None:
        """Let every instance answer or keep silent for good, and time go by, until the rollout has ended."""
        for _ in range(4 * len(self.instances) + 8):
            if not self.deployment.in_flight:
                return
            if self.deployment.status is PAUSED:
                self.pause_or_resume()
            for number in self.instances:
                self.heartbeat(number)
                self.check()
            self.now += UPDATE_TIMEOUT
            self.step()
            self.check()
        pytest.fail(f"still in flight: {self.deployment}")


@pytest.mark.parametrize("seed", range(300))
def test_a_rollout_keeps_its_promises_and_ends(seed: int) -> None:
    world = World(seed)
    for _ in range(world.random.randint(0, 80)):
        if world.deployment.in_flight:
            world.event()
            world.check()
    world.settle()
    if world.deployment.kind is Kind.ROLLBACK and world.deployment.status is not DeploymentStatus.ABORTED:
        # Even one that was unreachable has its state back, for when it returns.
        assert all(world.instances[number].desired == world.had[number] for number in world.targets)


def test_the_seeds_see_every_way_in_which_a_rollout_ends() -> None:
    endings = Counter[tuple[Kind, DeploymentStatus]]()
    for seed in range(100):
        world = World(seed)
        while world.deployment.in_flight:
            world.event()
        endings[world.deployment.kind, world.deployment.status] += 1
    final = {DeploymentStatus.COMPLETED, DeploymentStatus.FAILED, DeploymentStatus.ABORTED}
    assert set(endings) == {(kind, status) for kind in Kind for status in final}
