"""Whole rollouts by the engine over a ledger, with random policies and events; what must hold is checked after each."""

import math
from collections import Counter
from collections.abc import Callable
from fractions import Fraction
from random import Random

import pytest

from dides.engine.waves import why_not_promoted
from dides.model.deployment import DeploymentStatus, Kind, TargetState
from dides.model.instance import Instance
from dides.model.plan import Plan
from dides.model.policy import Amount, Ordering, Policy
from dides.model.state import NOTHING, State, Status, known
from dides.rehearsal.rollout import Ledger
from support.builders import PAUSED, V0, V1, V2, instance, report

TIME_TO_LIVE = 300  # ms
FATES = ["good", "good", "good", "good", "fails", "fails once", "flaps", "never arrives", "dies when told", "is dead"]
HEARD = ("reported FAILED", "reported FAILED after it had succeeded")
UPDATING, PENDING = TargetState.UPDATING, TargetState.PENDING


def random_policy(random: Random, instances: int) -> Policy:
    pick, most = random.choice, max(2, instances)

    def amount() -> Amount:
        return random.randint(1, most) if pick([True, False]) else f"{random.randint(1, 10_000) / 100:.2f}%"

    return Policy(
        batch_size=amount(),
        failure_threshold=amount(),
        waves=tuple(amount() for _ in range(pick([0, 0, 1, 2]))),
        wave_pause=pick([0.0, 0.5, "manual"]),
        min_healthy_time=pick([0.0, 0.0, 0.3]),
        update_timeout=1.0,
        deadline=pick([None, None, 2.0, 9.0]),
        max_unavailable=pick([None, None, amount()]),
        spread_by=pick([None, "zone"]),
        retries=pick([0, 0, 1, 2]),
        order=pick(list(Ordering)),
        auto_rollback=pick([True, True, False]),
    )


def as_count(amount: Amount, of: int) -> int:
    """What an amount comes to, worked out apart from the engine."""
    return amount if isinstance(amount, int) else max(1, math.ceil(Fraction(amount[:-1]) / 100 * of))


class World:
    """A random fleet whose every instance has a fate: what becomes of it once it is told V2."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        pick, numbers = self.random.choice, range(1, self.random.randint(1, 9) + 1)
        self.fates = {number: pick(FATES) for number in numbers}
        self.observes = {number: pick([True, False]) for number in numbers}
        self.zones = {number: pick(["a", "b", ""]) for number in numbers}
        self.acts_on = dict.fromkeys(numbers, 0)
        self.had: dict[int, State | None] = {}
        self.reasons: list[str] = []
        self.seen = (0, 0)
        self.policy = random_policy(self.random, len(numbers))
        self.sizes = self.sizes_of_waves(len(numbers))
        self.ledger = Ledger(self.random_instance(number) for number in numbers)
        self.watch(lambda: self.ledger.trigger(V2, self.policy, self.zones, deployment_id=seed + 1))

    def random_instance(self, number: int) -> Instance:
        pick = self.random.choice
        return instance(
            number,
            last_good=pick([None, V0, V1]),
            current=pick([V0, V1, V1, V2, NOTHING]),
            desired=pick([None, V1]),
            status=pick([Status.HEALTHY, Status.HEALTHY, *Status]),
        )

    def sizes_of_waves(self, matched: int) -> list[int]:
        sizes: list[int] = []
        for each in self.policy.waves:
            size = as_count(each, matched)
            if size > max(sizes, default=0) and size < matched:
                sizes.append(size)
        return [*sizes, matched]

    @property
    def ended(self) -> bool:
        return not self.ledger.its_deployment.in_flight

    def heartbeat(self, number: int) -> None:
        """Let an instance act on what it has read, report, and read what it is told: or keep silent, for good."""
        it, fate = self.ledger.instances[number], "good"
        if it.desired == V2:
            fate = self.fates[number]
        if fate == "dies when told" or self.fates[number] == "is dead":
            self.ledger.declare_unreachable(number)
            return
        status, current = it.status, it.current
        if it.desired and self.acts_on[number] == it.generation:
            status, current = self.outcome(fate, it.desired, current)
            if fate == "fails once":
                self.fates[number] = "good"
        observed = self.acts_on[number] if self.observes[number] else None
        self.acts_on[number] = it.generation
        self.ledger.ingest(number, report(status, current, at=self.ledger.now, observed=observed))

    def outcome(self, fate: str, desired: State, current: State) -> tuple[Status, State]:
        match fate:
            case "fails" | "fails once":
                return Status.FAILED, self.random.choice([current, desired])
            case "never arrives":
                return Status.DEGRADED, current
            case "flaps":
                return self.random.choice([Status.HEALTHY, Status.DEGRADED]), desired
            case _:
                return Status.HEALTHY, desired

    def event(self) -> None:
        """Let something happen."""
        ledger = self.ledger
        ledger.now += self.random.choice([0, 50, 150, 150, 150, 5_000])
        number = self.random.choice(list(ledger.instances))
        match self.random.randint(0, 22):
            case 0:
                ledger.declare_unreachable(number)
            case 1:
                ledger.resume() if ledger.its_deployment.status is PAUSED else ledger.pause()
            case 2:
                ledger.recover(away_ms=0, quiet_until=ledger.now + TIME_TO_LIVE)
            case 3 if self.random.random() < 0.1:
                undo = ledger.its_deployment.kind is Kind.DEPLOY and self.random.random() < 0.5
                self.watch(lambda: ledger.abort(rollback=undo))
            case 4 if self.waits_for_promotion():
                self.watch(ledger.promote)
            case roll if roll < 16:
                self.heartbeat(number)
            case _:
                self.step()

    def waits_for_promotion(self) -> bool:
        return self.policy.waves != () and why_not_promoted(self.ledger.its_deployment) is None

    def step(self) -> Plan:
        plan: list[Plan] = []
        before = self.ledger.its_deployment
        self.watch(lambda: plan.append(self.ledger.step()))
        if before.status is PAUSED:
            assert all(each.reason in ("", *HEARD) for each in plan[0].settled), "a timeout fired in a pause"
        if before.status is PAUSED and self.ledger.its_deployment.status is PAUSED:
            assert not plan[0].assigned, "told something in a pause"
            assert not plan[0].reassigned, "told something again in a pause"
        if plan[0].ending and plan[0].ending.stop:
            assert not plan[0].assigned, "told something while it tripped"
        if plan[0].ending:
            self.reasons.append(plan[0].ending.reason)
        elif plan[0].next_deadline is not None:
            assert plan[0].next_deadline > self.ledger.now, "asks for a step that has nothing to decide"
        return plan[0]

    def watch(self, happen: Callable[[], object]) -> None:
        """Let something happen that may tell instances, and check what it told them."""
        before, targets = dict(self.ledger.instances), dict(self.ledger.targets)
        happen()
        healthy_and_told = 0
        for number, earlier in before.items():
            if self.ledger.instances[number].generation == earlier.generation:
                continue
            found_there = earlier.reachable and earlier.status is Status.HEALTHY and earlier.current.meets(V2)
            had = known(earlier.current) if found_there else earlier.last_good or known(earlier.current)
            self.had.setdefault(number, had or earlier.desired)
            was = targets[number].state if number in targets else PENDING
            now = self.ledger.targets[number].state
            begins = now is UPDATING and was is PENDING
            assert earlier.reachable or not begins, "told one that is silent"
            healthy_and_told += begins and earlier.status is Status.HEALTHY
        its = self.ledger.its_deployment
        most = self.policy.max_unavailable
        if healthy_and_told and most is not None and its.kind is Kind.DEPLOY:
            assert self.unavailable() <= as_count(most, len(before)), "too many unavailable at once"

    def unavailable(self) -> int:
        return sum(
            each.state is UPDATING or self.ledger.instances[number].status is not Status.HEALTHY
            for number, each in self.ledger.targets.items()
        )

    def check(self) -> None:
        its, targets = self.ledger.its_deployment, self.ledger.targets.values()
        states = Counter(each.state for each in targets)
        assert [getattr(its.counts, state) for state in TargetState] == [states[state] for state in TargetState]
        assert its.counts.total == len(targets)
        assert its.counts.deferred == sum(each.deferred and each.state is PENDING for each in targets)
        assert states[UPDATING] <= as_count(self.policy.batch_size, len(self.fates))
        assert its.in_flight or states[PENDING] + states[UPDATING] == 0
        assert self.seen[0] != its.id or states[TargetState.FAILED] >= self.seen[1], "a failure was forgotten"
        assert all(each.desired in (None, V0, V1, V2) for each in self.ledger.instances.values())
        assert all(each.attempt <= 1 + its.policy.retries for each in targets)
        self.seen = (its.id, states[TargetState.FAILED])
        if its.kind is Kind.DEPLOY and its.in_flight:
            self.check_policy(states)

    def check_policy(self, states: Counter[TargetState]) -> None:
        its = self.ledger.its_deployment
        size = self.sizes[its.wave.open - 1]
        assert states[TargetState.FAILED] < as_count(self.policy.failure_threshold, size)
        assert states[UPDATING] + states[TargetState.SUCCEEDED] + states[TargetState.FAILED] <= size
        if its.max_unavailable is not None:
            assert its.counts.unavailable == self.unavailable()
        if self.policy.spread_by:
            zones = Counter(
                self.zones[number] for number, each in self.ledger.targets.items() if each.state is UPDATING
            )
            share = math.ceil(as_count(self.policy.batch_size, len(self.fates)) / len(set(self.zones.values())))
            assert max(zones.values(), default=0) <= share

    def settle(self) -> None:
        """Let every instance answer or keep silent for good, with time going from moment to moment, until it ends."""
        for _ in range(400):
            if self.ended:
                return
            if self.ledger.its_deployment.status is PAUSED:
                self.ledger.resume()
            for number in self.ledger.instances:
                self.heartbeat(number)
                self.check()
            plan = self.step()
            self.check()
            if plan.run_again or plan.ending:
                continue
            if self.policy.wave_pause == "manual" and self.waits_for_promotion():
                self.watch(self.ledger.promote)
                self.check()
            elif plan.next_deadline is not None:
                # Half of the way lets those that hold `min_healthy_time` or answer late be heard in between.
                self.ledger.now = max(self.ledger.now, (self.ledger.now + plan.next_deadline + 1) // 2)
        pytest.fail(f"still in flight: {self.ledger.deployment}")


@pytest.mark.parametrize("seed", range(400))
def test_a_rollout_keeps_its_promises_and_ends(seed: int) -> None:
    world = World(seed)
    for _ in range(world.random.randint(0, 80)):
        if not world.ended:
            world.event()
            world.check()
    world.settle()
    its = world.ledger.its_deployment
    if its.kind is Kind.ROLLBACK and its.status is not DeploymentStatus.ABORTED:
        # Even one that was unreachable has its state back, for when it returns.
        assert all(world.ledger.instances[number].desired == world.had[number] for number in world.ledger.targets)


def test_the_seeds_see_every_way_in_which_a_rollout_ends() -> None:
    endings, reasons = set[tuple[Kind, DeploymentStatus]](), list[str]()
    for seed in range(300):
        world = World(seed)
        while not world.ended:
            world.event()
        endings.add((world.ledger.its_deployment.kind, world.ledger.its_deployment.status))
        reasons += world.reasons
    final = {DeploymentStatus.COMPLETED, DeploymentStatus.FAILED, DeploymentStatus.ABORTED}
    assert endings == {(kind, status) for kind in Kind for status in final}
    for rule in ("failure threshold reached", "no target succeeded", "deadline of", "held by max_unavailable"):
        assert any(reason.startswith(rule) for reason in reasons), rule
