"""Convergence stops when those who inherit a version fail on it, one after another."""

import pytest

from dides.coordinator.transactions import brake
from dides.coordinator.transactions.registration import relabel
from dides.model.deployment import Deployment, DeploymentStatus
from dides.model.errors import ConflictError, NotFoundError
from dides.model.state import State, Status
from support.hand_fleet import V1, V2, V3, Fleet

HEIRS = tuple(f"h{number}" for number in range(6))


async def missed(fleet: Fleet, *names: str, window: int = 1, threshold: int = 2) -> Deployment:
    """Complete a deployment of V2 on one instance while these are away."""
    await fleet.running("present", *names)
    await fleet.silence(*names)
    await fleet.trigger(V2, batch_size=window, failure_threshold=threshold, update_timeout=60.0)
    await fleet.steps()
    await fleet.arrive("present")
    deployment = await fleet.steps()
    assert deployment.status is DeploymentStatus.COMPLETED
    return deployment


async def all_return(fleet: Fleet, *names: str) -> None:
    for name in names:
        await fleet.report(name, Status.HEALTHY, V1)


async def assigned(fleet: Fleet, *names: str) -> list[str]:
    return [name for name in names if (await fleet.instance(name)).desired is not None]


async def resume(fleet: Fleet, source_id: int | None = None) -> tuple[int, int, int]:
    """Return the source that goes on, and how many wait and are on their way then."""
    now = await fleet.run(lambda tx: brake.resume(tx, "anna", source_id))
    return now.source.id, now.waiting, now.converging


async def standing(fleet: Fleet) -> list[tuple[int, int, int, bool]]:
    """Return the sources with how many wait and are on their way, and whether they have stopped."""
    found = await fleet.store.read(brake.converging)
    return [(e.source.id, e.waiting, e.converging, e.source.brake.stopped_at is not None) for e in found]


async def test_five_that_come_back_do_not_all_fail(fleet: Fleet) -> None:
    source = await missed(fleet, *HEIRS)
    await all_return(fleet, *HEIRS)
    await fleet.fail("h0")
    assert await assigned(fleet, *HEIRS) == ["h0"], "a window of 1 has a limit of 1"
    assert await standing(fleet) == [(source.id, 5, 0, True)]
    (stopped,) = await fleet.events("convergence.stopped")
    assert (stopped.deployment_id, stopped.data) == (source.id, {"failed": 1, "arrived": 0})
    await fleet.silence()
    assert await assigned(fleet, *HEIRS) == ["h0"]


async def test_those_who_come_later_wait_as_well(fleet: Fleet) -> None:
    await missed(fleet, "h0")
    await all_return(fleet, "h0")
    await fleet.fail("h0")
    joined = await fleet.register("new")
    assert (joined.instance.desired, joined.converging) == (None, True)


async def test_it_goes_on_when_an_operator_says_so(fleet: Fleet) -> None:
    source = await missed(fleet, *HEIRS)
    await all_return(fleet, *HEIRS)
    await fleet.fail("h0")
    assert await resume(fleet, source.id) == (source.id, 4, 1)
    assert [each.actor for each in await fleet.events("convergence.resumed")] == ["anna"]
    await fleet.fail("h1")
    assert await assigned(fleet, *HEIRS) == ["h0", "h1"]
    assert len(await fleet.events("convergence.stopped")) == 2


async def test_resuming_what_goes_on_changes_nothing(fleet: Fleet) -> None:
    source = await missed(fleet, "h0", "h1")
    await all_return(fleet, "h0", "h1")
    assert await resume(fleet, source.id) == (source.id, 1, 1)
    assert await fleet.events("convergence.resumed") == []
    with pytest.raises(NotFoundError, match="has not stopped"):
        await resume(fleet)
    with pytest.raises(NotFoundError, match="no deployment 99"):
        await resume(fleet, 99)


async def test_after_an_arrival_three_have_to_fail(fleet: Fleet) -> None:
    source = await missed(fleet, *HEIRS)
    await all_return(fleet, *HEIRS)
    await fleet.arrive("h0")
    for name in ("h1", "h2"):
        await fleet.fail(name)
    assert await assigned(fleet, *HEIRS) == ["h0", "h1", "h2", "h3"]
    await fleet.fail("h3")
    assert await standing(fleet) == [(source.id, 2, 0, True)]


async def test_one_that_takes_too_long_counts_and_one_that_falls_silent_does_not(fleet: Fleet) -> None:
    source = await missed(fleet, *HEIRS, window=2)
    await all_return(fleet, *HEIRS)
    await fleet.silence("h0")
    assert await standing(fleet) == [(source.id, 3, 2, False)]
    fleet.clock.advance(60)
    await fleet.silence()
    assert await standing(fleet) == [(source.id, 3, 0, True)], "h1 and h2 took too long"


async def test_it_is_apart_from_the_failures_of_the_deployment_itself(fleet: Fleet) -> None:
    await fleet.running("a", "b", "heir")
    await fleet.silence("heir")
    await fleet.trigger(V2, batch_size=2, failure_threshold=2)
    await fleet.arrive("a")
    await fleet.fail("b")
    source = await fleet.step()
    assert (source.status, source.counts.failed) == (DeploymentStatus.COMPLETED, 1)
    await all_return(fleet, "heir")
    assert await standing(fleet) == [(source.id, 0, 1, False)]
    assert (await fleet.deployment(source.id)).counts == source.counts


async def test_a_newer_deployment_to_inherit_ends_it(fleet: Fleet) -> None:
    await missed(fleet, *HEIRS)
    await all_return(fleet, *HEIRS)
    await fleet.fail("h0")
    await fleet.trigger(V3, batch_size=10)
    await fleet.arrive("present", *HEIRS)
    newer = await fleet.steps()
    assert newer.status is DeploymentStatus.COMPLETED
    assert await standing(fleet) == []
    await fleet.register("new")
    assert await standing(fleet) == [(newer.id, 0, 1, False)]


async def test_those_who_wait_and_were_no_targets_of_the_newer_one_move_to_its_queue(fleet: Fleet) -> None:
    await missed(fleet, *HEIRS)
    await all_return(fleet, *HEIRS)
    await fleet.fail("h0")
    await fleet.running("x", labels={"team": "b"})
    await fleet.trigger(V3, labels={"team": "b"})
    await fleet.run(lambda tx: relabel(tx, "h1", {"env": "prod", "team": "b"}, "anna"))
    await fleet.arrive("x")
    assert (await fleet.step()).status is DeploymentStatus.COMPLETED
    await fleet.silence()
    assert (await fleet.instance("h1")).desired == V3


async def test_what_is_undone_is_stopped_no_more(fleet: Fleet) -> None:
    await missed(fleet, *HEIRS)
    await all_return(fleet, *HEIRS)
    await fleet.fail("h0")
    await fleet.roll_back()
    assert await standing(fleet) == []


async def test_of_several_that_have_stopped_one_has_to_be_named(fleet: Fleet) -> None:
    first = await missed(fleet, "h0")
    await all_return(fleet, "h0")
    await fleet.fail("h0")
    await fleet.running("x", labels={"team": "b"})
    await fleet.running("y", labels={"team": "b"})
    await fleet.silence("y")
    await fleet.trigger(State("7"), labels={"team": "b"})
    await fleet.arrive("x")
    second = await fleet.step()
    await fleet.report("y", Status.HEALTHY, V1)
    await fleet.fail("y")
    with pytest.raises(ConflictError, match=f"{second.id}, {first.id}"):
        await resume(fleet)
    await resume(fleet, first.id)
    assert await resume(fleet) == (second.id, 0, 0)
    assert await standing(fleet) == []
