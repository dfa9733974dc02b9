"""Triggering a deployment: what it matches, what is refused, and requests that come twice."""

import msgspec
import pytest

from dides.coordinator.loops.retention import forget
from dides.coordinator.transactions.commands import KEEP_KEYS_MS, Key
from dides.engine.threshold import threshold_of
from dides.model.deployment import DeploymentStatus
from dides.model.errors import InFlightError, InvalidError
from dides.model.state import State, Status
from support.hand_fleet import SETTINGS, V1, V2, V3, Fleet

KEY = Key("once", b"body")
DAY = KEEP_KEYS_MS / 1000


async def ids(fleet: Fleet) -> list[int]:
    return [each.id for each in await fleet.store.read(lambda tx: tx.deployments.page(None, None, 100))]


async def test_it_takes_its_first_step_at_once(fleet: Fleet) -> None:
    await fleet.running("c", "a", "b")
    deployment = await fleet.trigger(batch_size=2)
    assert await fleet.states(deployment) == {"a": "updating", "b": "updating", "c": "pending"}
    assert fleet.assigned == {"a", "b"}
    assert (await fleet.instance("a")).desired == V2
    assert (await fleet.instance("c")).desired is None


async def test_it_resolves_percentages_and_the_order_once(fleet: Fleet) -> None:
    await fleet.running(*(f"web-{number}" for number in range(10)))
    deployment = await fleet.trigger(batch_size="25%", failure_threshold="11%")
    assert (deployment.window, threshold_of(deployment), deployment.counts.total) == (3, 2, 10)
    assert [each.instance for each in await fleet.targets(deployment)] == [f"web-{number}" for number in range(10)]


async def test_labels_and_selector_must_both_hold(fleet: Fleet) -> None:
    await fleet.running("a", labels={"env": "prod", "role": "web"})
    await fleet.running("b", labels={"env": "prod", "role": "db"})
    await fleet.running("c", labels={"env": "test", "role": "web"})
    deployment = await fleet.trigger(selector="role in (web,api)")
    assert set(await fleet.states(deployment)) == {"a"}
    assert (deployment.labels, deployment.selector) == ({"env": "prod"}, "role in (web,api)")


async def test_no_labels_at_all_mean_the_whole_fleet(fleet: Fleet) -> None:
    await fleet.running("a", labels={})
    await fleet.running("b")
    assert set(await fleet.states(await fleet.trigger(labels={}))) == {"a", "b"}


@pytest.mark.parametrize(("selector", "field"), [(None, "labels"), ("role=web", "selector")])
async def test_nothing_matches(fleet: Fleet, selector: str | None, field: str) -> None:
    await fleet.running("a", labels={"env": "test"})
    with pytest.raises(InvalidError) as refused:
        await fleet.trigger(selector=selector, key=KEY)
    assert [each.field for each in refused.value.errors] == [field]
    assert await ids(fleet) == []
    assert await fleet.events("deployment.triggered") == []


async def test_another_in_flight_is_named(fleet: Fleet) -> None:
    await fleet.running("a")
    first = await fleet.trigger()
    with pytest.raises(InFlightError) as refused:
        await fleet.trigger(V3)
    assert refused.value.deployment_id == first.id
    assert await ids(fleet) == [first.id]
    assert (await fleet.instance("a")).desired == V2


async def test_a_paused_one_is_in_flight_too(fleet: Fleet) -> None:
    await fleet.running("a")
    await fleet.trigger()
    await fleet.pause()
    with pytest.raises(InFlightError):
        await fleet.trigger(V3)


async def test_a_version_left_out_stays_as_it_was_desired(fleet: Fleet) -> None:
    await fleet.running("a", "b", state=State("1", "x"))
    await fleet.trigger(State(None, "y"), batch_size=2)
    await fleet.arrive("a", "b")
    assert (await fleet.step()).status is DeploymentStatus.COMPLETED
    assert (await fleet.instance("a")).desired == State(None, "y")
    await fleet.trigger(State("2", None), batch_size=2)
    assert (await fleet.instance("a")).desired == State("2", "y")
    assert (await fleet.instance("b")).desired == State("2", "y")


async def test_all_there_already_completes_at_once_and_tells_them_so(fleet: Fleet) -> None:
    await fleet.running("a", "b", state=V2)
    deployment = await fleet.trigger()
    assert deployment.status is DeploymentStatus.COMPLETED
    assert await fleet.states(deployment) == {
        "a": "skipped: already at target",
        "b": "skipped: already at target",
    }
    assert deployment.counts.already == 2
    assert (await fleet.instance("a")).desired == V2, "drift must not pull it back"


async def test_one_that_is_there_but_not_healthy_is_updated(fleet: Fleet) -> None:
    await fleet.running("a", state=V2)
    await fleet.report("a", Status.DEGRADED)
    assert await fleet.states(await fleet.trigger()) == {"a": "updating"}


async def test_the_same_key_and_body_answer_with_what_the_first_made(fleet: Fleet) -> None:
    await fleet.running("a")
    first = await fleet.triggered(key=KEY)
    again = await fleet.triggered(key=KEY)
    assert (first.created, again.created) == (True, False)
    assert again.deployment == first.deployment
    await fleet.abort()
    once_more = await fleet.triggered(key=KEY)
    assert once_more.deployment == await fleet.deployment(first.deployment.id), "as it is now"
    assert await ids(fleet) == [first.deployment.id]


async def test_the_same_key_with_another_body_is_refused(fleet: Fleet) -> None:
    await fleet.running("a")
    await fleet.triggered(key=KEY)
    await fleet.abort()
    with pytest.raises(InvalidError, match="another body"):
        await fleet.triggered(V3, key=msgspec.structs.replace(KEY, body_hash=b"other"))
    assert len(await ids(fleet)) == 1


async def test_keys_of_different_credentials_are_apart(fleet: Fleet) -> None:
    await fleet.running("a")
    await fleet.triggered(key=KEY)
    await fleet.abort()
    assert (await fleet.triggered(key=KEY, actor="ben")).created


async def test_a_key_expires_after_a_day(fleet: Fleet) -> None:
    await fleet.running("a")
    first = await fleet.triggered(key=KEY)
    await fleet.abort()
    fleet.clock.advance(DAY)
    assert not (await fleet.triggered(key=KEY)).created
    fleet.clock.advance(0.001)
    second = await fleet.triggered(key=KEY)
    assert second.created
    assert second.deployment.id > first.deployment.id
    assert not (await fleet.triggered(key=KEY)).created, "kept for another day"


async def test_forgetting_takes_expired_keys_only(fleet: Fleet) -> None:
    await fleet.running("a")
    await fleet.triggered(key=KEY)
    await fleet.abort()
    fleet.clock.advance(DAY - 1)
    await fleet.run(lambda tx: forget(tx, SETTINGS))
    assert not (await fleet.triggered(key=KEY)).created


async def test_a_refused_trigger_stores_no_key(fleet: Fleet) -> None:
    with pytest.raises(InvalidError):
        await fleet.triggered(key=KEY)
    await fleet.running("a")
    assert (await fleet.triggered(key=KEY)).created


async def test_its_events_say_who_and_what(fleet: Fleet) -> None:
    await fleet.running("a", state=V1)
    deployment = await fleet.trigger(actor="ben")
    (triggered,) = await fleet.events("deployment.triggered")
    assert (triggered.actor, triggered.deployment_id, triggered.data["targets"]) == ("ben", deployment.id, 1)
    (assigned,) = await fleet.events("target.assigned")
    assert (assigned.instance, assigned.deployment_id) == ("a", deployment.id)
