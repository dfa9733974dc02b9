"""Scenarios made by hand for the rules that the field's bug reports are about. Times are seconds."""

from typing import Any

from msgspec.structs import replace

from dides.model.policy import Policy
from simulation.scenarios import QUIET, machines, zone_returns
from simulator.base.scenario import (
    Act,
    Character,
    CrashMachine,
    Decommission,
    Part,
    PlannedOrder,
    ReplaceMachine,
    Scenario,
    Weather,
)


def order(at: float, version: str | None, configuration: str | None = None, **policy: Any) -> PlannedOrder:
    usual: dict[str, Any] = {"update_timeout": 20.0, "batch_size": 9, "failure_threshold": 9}
    return PlannedOrder(
        at=at,
        labels={},
        policy=Policy(**usual | policy),
        code_version=version,
        configuration_version=configuration,
    )


def reports_overtake_each_other() -> Scenario:
    """Agents that say one thing now and another a moment later, and a network that brings much of it late or twice."""
    weather = Weather(doubling=0.5, delay=0.1, seldom=4.0)
    return replace(QUIET, weather=weather, machines=machines(3, character=Character.FLAPPING))


def fall_ill_after_success() -> Scenario:
    """The first of two has succeeded, and is FAILED before the second one is done."""
    ill = replace(machines(1)[0], apply_seconds=1.0, sickens_at=("1",), sickens_after=4.0)
    slow = replace(machines(2)[1], apply_seconds=12.0)
    return replace(QUIET, machines=(ill, slow), orders=(order(8, "1"),))


def abort_a_rollback() -> Scenario:
    """A rollback is aborted once it has returned one of three, and asked for again."""
    acts = (Act(at=22, action="roll_back"), Act(at=29, action="abort"), Act(at=33, action="roll_back"))
    first = order(8, "1", batch_size=1)
    return replace(QUIET, machines=machines(3), orders=(first,), disruptions=acts, horizon=60.0)


def deploy_over_who_waits() -> Scenario:
    """Instances wait for a code that they missed when a configuration is deployed to all."""
    returning = zone_returns(6, 1)
    return replace(returning, orders=(*returning.orders, order(46, None, "c2")))


def plain_clients_return() -> Scenario:
    """Clients that never say `observed` return to what they have missed, and go on reporting what they had."""
    returning = zone_returns(6, 1)
    plain = tuple(replace(each, character=Character.FIRST_DOCUMENT, apply_seconds=12.0) for each in returning.machines)
    return replace(returning, heartbeat_interval=2.0, machines=plain)


def roll_back_over_who_waits() -> Scenario:
    """Instances wait for what they missed, are told something newer, and that is rolled back."""
    returning = zone_returns(6, 1)
    return replace(
        returning,
        orders=(*returning.orders, order(46, "2")),
        disruptions=(*returning.disruptions, Act(at=56, action="roll_back")),
        horizon=60.0,
    )


def newcomer_fails() -> Scenario:
    """One that joined in mid-flight fails, and is not counted."""
    late = replace(machines(4)[3], arrives_at=9.0, fails_at=("1",))
    return replace(QUIET, machines=(*machines(3), late), orders=(order(8, "1", batch_size=2, failure_threshold=1),))


def promoted_too_soon() -> Scenario:
    """An operator promotes, at 20 s, while the wave is still being rolled out."""
    policy: dict[str, Any] = {"waves": (2,), "wave_pause": "manual", "batch_size": 1}
    return replace(
        QUIET, machines=machines(3, apply_seconds=5.0), orders=(order(16, "1", None, **policy),), horizon=50.0
    )


def abort_the_third_attempt() -> Scenario:
    """A target that has failed twice is told for the third time, does not hear of it, and is stopped."""
    cut = Part(at=26, machines=("web-0",), coordinators=("alpha",), seconds=9.0)
    return replace(
        QUIET,
        machines=machines(1, fails_at=("1",), apply_seconds=2.0),
        orders=(order(8, "1", retries=2),),
        disruptions=(cut, Act(at=33, action="abort")),
    )


def abort_before_the_step() -> Scenario:
    """Steps are taken by hand: a success that was reported is not seen by one when the deployment is aborted."""
    return replace(
        QUIET,
        reconcile_interval=0.0,
        machines=machines(2),
        orders=(order(10.5, "1"),),
        disruptions=(Act(at=14.9, action="abort"),),
    )


def another_machine_after_an_abort() -> Scenario:
    """A machine that has read an aborted version dies, and another one takes up its name."""
    return replace(
        QUIET,
        machines=machines(2),
        orders=(order(8, "1", min_healthy_time=10.0),),
        disruptions=(
            Act(at=17, action="abort"),
            CrashMachine(at=19, machine="web-0", seconds=None),
            ReplaceMachine(at=40, machine="web-0", earlier_stays=False),
        ),
        horizon=60.0,
    )


def decommission_in_mid_apply() -> Scenario:
    """The only one of a zone that may update at a time is decommissioned while it does."""
    return replace(
        QUIET,
        machines=machines(3),
        orders=(order(8, "1", batch_size=1, spread_by="zone"),),
        disruptions=(Decommission(at=9.5, machine="web-0", force=True),),
    )


def pause_in_mid_update() -> Scenario:
    """A pause, from 23 to 40 s, in the middle of an update that takes too long."""
    return replace(
        QUIET,
        machines=machines(1, apply_seconds=80.0),
        orders=(order(21, "1", update_timeout=15.0),),
        disruptions=(Act(at=23, action="pause"),),
        horizon=60.0,
    )


def lost_in_mid_update() -> Scenario:
    """A machine dies in mid-update, and never comes back."""
    return replace(
        QUIET,
        machines=machines(2),
        orders=(order(8, "1", batch_size=1),),
        disruptions=(CrashMachine(at=9, machine="web-0", seconds=None),),
    )


def roll_back_the_older_one() -> Scenario:
    """Two deployments to the same machines; the older one is asked to be rolled back by its number."""
    undo = Act(at=30, action="roll_back", deployment_id=1)
    return replace(QUIET, machines=machines(2), orders=(order(8, "1"), order(18, "2")), disruptions=(undo,))


def return_before_the_end() -> Scenario:
    """One is unreachable when its turn comes, is put off, and returns while the others are being updated."""
    away = Part(at=6, machines=("web-0",), coordinators=("alpha",), seconds=27.0)
    update = order(26, "1", batch_size=1)
    return replace(QUIET, machines=machines(3, apply_seconds=9.0), orders=(update,), disruptions=(away,), horizon=60.0)


def flap_under_a_limit() -> Scenario:
    """Of four at most three may be unavailable, and their checks say one thing now and another a moment later."""
    update = order(8, "1", batch_size=1, max_unavailable=3)
    return replace(QUIET, machines=machines(4, character=Character.FLAPPING), orders=(update,), horizon=50.0)


def fail_short_of_the_threshold() -> Scenario:
    """Two of five fail, where three stop the deployment."""
    bad = machines(2, fails_at=("1",))
    return replace(QUIET, machines=(*bad, *machines(5)[2:]), orders=(order(8, "1", failure_threshold=3),))
