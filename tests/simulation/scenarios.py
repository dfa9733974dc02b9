"""Scenarios made by hand, for what a seed brings about only seldom."""

from typing import Any

from msgspec.structs import replace

from dides.model.policy import Policy
from simulator.base.scenario import (
    Act,
    BreakFeed,
    CloneMachine,
    CrashMachine,
    KillCoordinator,
    LoseOutcomes,
    MachineSpec,
    Part,
    PlannedOrder,
    ReimageMachine,
    Scenario,
    Weather,
)

QUIET = Scenario(
    seed=1,
    heartbeat_interval=5.0,
    time_to_live=15.0,
    reconcile_interval=5.0,
    coordinators=("alpha",),
    weather=Weather(),
    machines=(),
    orders=(),
    disruptions=(),
    horizon=40.0,
)
"""One coordinator, a good network, and nobody else."""


def machines(number: int, **changes: Any) -> tuple[MachineSpec, ...]:
    usual = {"labels": {"env": "prod", "zone": "a"}, "apply_seconds": 3.0}
    return tuple(MachineSpec(name=f"web-{each}", **{**usual, **changes}) for each in range(number))


def order(at: float, version: str, **policy: Any) -> PlannedOrder:
    return PlannedOrder(at=at, labels={}, policy=Policy(update_timeout=20.0, **policy), code_version=version)


def roll_back_in_mid_apply() -> Scenario:
    """An agent dies in the middle of an apply, and comes back when the version before is desired again."""
    return replace(
        QUIET,
        machines=machines(2),
        orders=(order(8, "1", batch_size=2),),
        disruptions=(CrashMachine(at=5, machine="web-0", seconds=8.0, applying=True), Act(at=12, action="roll_back")),
    )


def restart_after_a_failure() -> Scenario:
    """One target has failed, fewer than the threshold, when the coordinator is killed."""
    machines_ = (replace(machines(1)[0], fails_at=("1",)), *machines(5)[1:])
    return replace(
        QUIET,
        machines=machines_,
        orders=(order(8, "1", failure_threshold=3),),
        disruptions=(KillCoordinator(at=17, coordinator="alpha", seconds=1.0),),
    )


def zone_returns(number: int, window: int) -> Scenario:
    """A zone misses a deployment and comes back at once."""
    zone = machines(number)
    there = (MachineSpec(name="other-0", labels={"env": "prod", "zone": "b"}, apply_seconds=1.0),)
    names = tuple(each.name for each in zone)
    return replace(
        QUIET,
        machines=(*there, *zone),
        orders=(order(24, "1", batch_size=window),),
        disruptions=(Part(at=6, machines=names, coordinators=("alpha",), seconds=34.0),),
        horizon=50.0,
    )


def heirs_fail() -> Scenario:
    """A zone misses a deployment, comes back, and its version fails on every machine of it."""
    returning = zone_returns(6, 2)
    there, *zone = returning.machines
    return replace(returning, machines=(there, *(replace(each, sickens_at=("1",)) for each in zone)))


def queued_heirs_are_assigned_what_is_undone() -> Scenario:
    """Latecomers wait for version 1; version 2 is told them before their turn has come, and is rolled back."""
    latecomers = tuple(replace(each, name=f"late-{each.name}", arrives_at=20.0) for each in machines(4))
    return replace(
        QUIET,
        machines=(*machines(2), *latecomers),
        orders=(order(8, "1", batch_size=1), order(22, "2", batch_size=10)),
        disruptions=(Act(at=30, action="roll_back"),),
        horizon=50.0,
    )


def canary_falls_back() -> Scenario:
    """The canary reboots into what it ran before, while its wave soaks."""
    canary, *others = machines(3)
    return replace(
        QUIET,
        machines=(replace(canary, falls_back_from=("1",), falls_back_after=3.0), *others),
        orders=(order(8, "1", waves=(1,), wave_pause=15.0, auto_rollback=False),),
        horizon=60.0,
    )


def canary_is_reimaged(*, keeps_credential: bool) -> Scenario:
    """The disk of the canary is wiped after its success; two slow ones follow it."""
    canary, *others = machines(3)
    return replace(
        QUIET,
        machines=(canary, *(replace(machine, apply_seconds=12.0) for machine in others)),
        orders=(order(8, "1", waves=(1,), wave_pause=15.0, auto_rollback=False),),
        disruptions=(ReimageMachine(at=12, machine="web-0", seconds=1.0, keeps_credential=keeps_credential),),
        horizon=80.0,
    )


def rollback_is_aborted_and_repeated() -> Scenario:
    """A deployment is rolled back, which is aborted in the middle, and rolled back by its number then."""
    return replace(
        QUIET,
        machines=machines(3),
        orders=(order(8, "1", batch_size=3),),
        disruptions=(
            Act(at=16, action="roll_back"),
            Act(at=17, action="abort"),
            Act(at=24, action="roll_back", deployment_id=1),
        ),
    )


def older_one_is_undone() -> Scenario:
    """Two deployments of two roles; the older one of them is rolled back by its number."""
    web = machines(2)
    api = tuple(replace(each, name=f"api-{each.name}", labels={"role": "api"}) for each in machines(2))
    return replace(
        QUIET,
        machines=(*web, *api),
        orders=(
            replace(order(8, "1", batch_size=2), labels={"env": "prod"}),
            replace(order(18, "2", batch_size=2), labels={"role": "api"}),
        ),
        disruptions=(Act(at=28, action="roll_back", deployment_id=1),),
        horizon=45.0,
    )


def outcomes_are_unknown(*, done: bool) -> Scenario:
    """The connection breaks in commit after commit while a deployment goes on; each was done, or none was."""
    broken = tuple(LoseOutcomes(at=at, coordinator="alpha", commits=(done,) * 3, seconds=1.0) for at in (9, 14, 19))
    return replace(QUIET, machines=machines(3), orders=(order(8, "1", retries=1),), disruptions=broken)


def feed_breaks() -> Scenario:
    """One of two coordinators hears nothing of what the other writes, and then everything."""
    return replace(
        QUIET,
        coordinators=("alpha", "beta"),
        machines=machines(6),
        orders=(order(12, "1", batch_size=2),),
        disruptions=(BreakFeed(at=10, coordinator="alpha", seconds=15.0, everything=True),),
    )


def cloned() -> Scenario:
    """A machine is copied while its deployment goes on, and both report."""
    slow = tuple(replace(machine, apply_seconds=12.0) for machine in machines(4))
    return replace(
        QUIET,
        machines=slow,
        orders=(order(8, "1", failure_threshold=3, auto_rollback=False),),
        disruptions=(CloneMachine(at=24, machine="web-0"),),
        horizon=80.0,
    )


def third_attempt_is_aborted() -> Scenario:
    """Two attempts have failed; the third is told, and aborted before the instance has heard of it."""
    return replace(
        QUIET,
        machines=machines(2, fails_at=("1",)),
        orders=(order(8, "1", retries=2, auto_rollback=False),),
        disruptions=(
            Part(at=24, machines=("web-0",), coordinators=("alpha",), seconds=12.0, answers=False),
            Act(at=32, action="abort"),
        ),
        horizon=50.0,
    )
