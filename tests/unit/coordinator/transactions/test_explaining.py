"""Why the newest deployment has updated an instance, or has not: every cause, as a fleet comes to it."""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import pytest

from dides.coordinator.transactions.explaining import explain_instance
from dides.engine.window import NAMES
from dides.model.explanation import Cause, Explanation
from dides.model.sessions import Sessions
from dides.model.state import State
from support.hand_fleet import PROD, V1, V2, Fleet


async def explain(fleet: Fleet, name: str, *, refused_until: int | None = None) -> Explanation:
    instance = await fleet.instance(name)
    return await fleet.store.read(lambda tx: explain_instance(tx, instance, heard_at=1, refused_until=refused_until))


async def two(fleet: Fleet, **policy: Any) -> None:
    """Deploy V2 to `a` and `b`, which run V1, one at a time: `a` is updating."""
    await fleet.running("a", "b")
    await fleet.trigger(V2, **policy)


async def undeployed(fleet: Fleet) -> None:
    await fleet.running("b")


async def with_other_labels(fleet: Fleet) -> None:
    await fleet.running("a")
    await fleet.running("b", labels={"env": "test"})
    await fleet.trigger(V2)


async def silent(fleet: Fleet) -> None:
    await two(fleet)
    await fleet.silence("b")


async def started(fleet: Fleet) -> None:
    await two(fleet, batch_size=2)


async def behind(fleet: Fleet) -> None:
    await two(fleet)


async def completed(fleet: Fleet) -> None:
    await two(fleet, batch_size=2)
    await fleet.arrive("a", "b")
    await fleet.step()


async def broken(fleet: Fleet) -> None:
    await two(fleet, batch_size=2, auto_rollback=False)
    await fleet.fail("b", "disk full")
    await fleet.step()


async def stopped(fleet: Fleet) -> None:
    await two(fleet, auto_rollback=False)
    await fleet.fail("a")
    await fleet.step()


async def undone_before_it_started(fleet: Fleet) -> None:
    await two(fleet)
    await fleet.fail("a")
    await fleet.step()


async def returned(fleet: Fleet) -> None:
    await two(fleet, batch_size=2)
    await fleet.arrive("b")
    await fleet.step()
    await fleet.fail("a")
    await fleet.step()
    await fleet.arrive("a", "b")
    await fleet.steps()


async def late(fleet: Fleet) -> None:
    await fleet.running("a", state=V1)
    await fleet.trigger(V2)
    await fleet.arrive("a")
    await fleet.step()
    await fleet.register("c", "b")


async def late_and_first(fleet: Fleet) -> None:
    await fleet.running("a", state=V1)
    await fleet.trigger(V2)
    await fleet.arrive("a")
    await fleet.step()
    await fleet.register("b")


async def late_and_there(fleet: Fleet) -> None:
    await late_and_first(fleet)
    await fleet.arrive("b")


async def late_and_broken(fleet: Fleet) -> None:
    await late_and_first(fleet)
    await fleet.fail("b", "no disk")


async def late_and_stopped(fleet: Fleet) -> None:
    await late(fleet)
    await fleet.fail("c")


async def late_for_a_failure(fleet: Fleet) -> None:
    await fleet.running("a")
    await fleet.trigger(V2, auto_rollback=False)
    await fleet.fail("a")
    await fleet.step()
    await fleet.running("b")


async def astray(fleet: Fleet) -> None:
    await completed(fleet)
    await fleet.report("b", current=State("0.1"))


Story = Callable[[Fleet], Awaitable[None]]
STORIES: list[tuple[Story, Cause, str]] = [
    (undeployed, Cause.NO_DEPLOYMENT, "There is no deployment yet."),
    (with_other_labels, Cause.NOT_SELECTED, "Deployment 1 selects env=prod; the labels of this instance are env=test."),
    (silent, Cause.UNREACHABLE, "or skips it when no other instance is left"),
    (started, Cause.UPDATING, "Deployment 1 updates it now (attempt 1)."),
    (behind, Cause.WAITING, "Deployment 1 has not started it yet."),
    (completed, Cause.UP_TO_DATE, "Deployment 1 updated it."),
    (broken, Cause.FAILED, "and the update failed: reported FAILED; it says: disk full."),
    (stopped, Cause.SKIPPED, "Deployment 1 skipped it: not started."),
    (undone_before_it_started, Cause.UNDONE, "was rolled back by #2 before it had started this instance"),
    (returned, Cause.UNDONE, "was rolled back by #2, which returned this instance to"),
    (late, Cause.WAITING_TO_CONVERGE, "such instances update 1 at a time"),
    (late_and_first, Cause.CONVERGING, "joined or returned after deployment 1, and converges to that version now"),
    (late_and_there, Cause.UP_TO_DATE, "It joined or returned after deployment 1, and has converged to that version."),
    (late_and_broken, Cause.FAILED, "failed on that version: no disk."),
    (late_and_stopped, Cause.CONVERGENCE_STOPPED, "convergence to that version has stopped"),
    (late_for_a_failure, Cause.NOT_A_TARGET, "That deployment failed; later instances get only"),
    (astray, Cause.DRIFTED, "It reports 0.1, and should run"),
]


@pytest.mark.parametrize(("story", "cause", "message"), STORIES, ids=lambda value: getattr(value, "__name__", None))
async def test_the_cause_is_named(fleet: Fleet, story: Story, cause: Cause, message: str) -> None:
    await story(fleet)
    found = await explain(fleet, "b")
    assert (found.cause, message in found.message) == (cause, True), found


async def test_a_duplicated_instance_says_so_first(fleet: Fleet) -> None:
    await two(fleet)
    twin = fleet.clock.now() + 60_000
    copied = msgspec.structs.replace(await fleet.instance("a"), sessions=Sessions("s" * 16, duplicated_until=twin))
    await fleet.store.write(lambda tx: tx.inventory.record([copied]))
    found = await explain(fleet, "a")
    assert (found.cause, found.until) == (Cause.DUPLICATED, twin)


async def test_refused_requests_come_before_what_is_under_way(fleet: Fleet) -> None:
    await two(fleet)
    found = await explain(fleet, "a", refused_until=77)
    assert (found.cause, found.until) == (Cause.RATE_LIMITED, 77)


def test_every_cause_has_a_story() -> None:
    assert {cause for _, cause, _ in STORIES} == {*Cause} - {Cause.DUPLICATED, Cause.RATE_LIMITED}


@pytest.mark.parametrize(
    ("policy", "hold"),
    [
        ({}, "batch_size"),
        ({"waves": [1]}, "wave"),
        ({"batch_size": 2, "max_unavailable": 1}, "max_unavailable"),
    ],
)
async def test_a_waiting_instance_names_the_hold(fleet: Fleet, policy: dict[str, Any], hold: str) -> None:
    await two(fleet, **policy)
    found = await explain(fleet, "b")
    assert (found.cause, found.held_by) == (Cause.WAITING, hold)


async def test_a_value_that_has_its_share_is_named_as_the_hold(fleet: Fleet) -> None:
    await fleet.running("c", labels={**PROD, "zone": "1"})
    await fleet.running("a", "b", labels={**PROD, "zone": "2"})
    await fleet.trigger(V2, batch_size=2, spread_by="zone")
    await fleet.arrive("c")
    await fleet.step()
    assert (await explain(fleet, "b")).held_by == "spread_by"


async def test_a_paused_deployment_is_named_as_the_hold(fleet: Fleet) -> None:
    await two(fleet)
    await fleet.pause()
    assert (await explain(fleet, "b")).held_by == "paused"


async def test_a_wave_that_waits_for_a_promotion_is_named(fleet: Fleet) -> None:
    await two(fleet, waves=[1], wave_pause="manual")
    await fleet.arrive("a")
    await fleet.step()
    found = await explain(fleet, "b")
    assert (found.held_by, found.message) == (
        "promote",
        "Deployment 1 has not started it yet. Wave 1 of 2 is open.",
    )
    assert found.held_by in NAMES
