"""`retries` over the real store: a failed attempt is told again."""

from dides.engine.retries import FIRST_BACKOFF_MS
from dides.model.deployment import DeploymentStatus, Kind
from dides.model.state import Status
from support.hand_fleet import V1, V2, Fleet

FAILED = DeploymentStatus.FAILED
BACKOFF = FIRST_BACKOFF_MS / 1000


async def test_a_failed_attempt_is_told_again_and_keeps_its_slot(fleet: Fleet) -> None:
    await fleet.running("a", "b")
    deployment = await fleet.trigger(retries=1)
    await fleet.fail("a", "disk full")
    stepped = await fleet.stepped()
    assert stepped.next_deadline == fleet.clock.now() + FIRST_BACKOFF_MS
    waiting = await fleet.target(deployment, "a")
    assert (waiting.state, waiting.attempt, waiting.message) == ("updating", 1, "disk full")
    assert waiting.reason == "attempt 1 of 2 failed: reported FAILED"
    assert (await fleet.in_flight()).counts.failed == 0
    assert await fleet.in_state(deployment, "pending") == ["b"]
    fleet.clock.advance(BACKOFF)
    assert (await fleet.stepped()).assigned == {"a"}
    again = await fleet.target(deployment, "a")
    assert (again.attempt, again.generation) == (2, waiting.generation + 1)
    await fleet.arrive("a")
    await fleet.step()
    assert await fleet.states(deployment) == {"a": "succeeded", "b": "updating"}


async def test_a_target_counts_as_failed_once_after_its_last_attempt(fleet: Fleet) -> None:
    await fleet.running("a")
    deployment = await fleet.trigger(retries=1, auto_rollback=False)
    await fleet.fail("a")
    await fleet.step()
    fleet.clock.advance(BACKOFF)
    await fleet.step()
    await fleet.fail("a")
    await fleet.step()
    ended = await fleet.deployment(deployment.id)
    assert (ended.status, ended.counts.failed) == (FAILED, 1)
    assert len(await fleet.events("target.postponed")) == 1


async def test_a_timeout_is_retried_but_silence_is_not(fleet: Fleet) -> None:
    await fleet.running("a", "b")
    deployment = await fleet.trigger(batch_size=2, retries=1, update_timeout=60, failure_threshold=2)
    await fleet.silence("b")
    fleet.clock.advance(60)
    await fleet.step()
    assert (await fleet.states(deployment))["a"].startswith("updating: attempt 1 of 2 failed: timed out")
    assert (await fleet.states(deployment))["b"].startswith("failed: lost")


async def test_no_attempt_is_told_in_a_pause_and_its_backoff_stands_still(fleet: Fleet) -> None:
    await fleet.running("a")
    deployment = await fleet.trigger(retries=1)
    await fleet.pause()
    fleet.clock.advance(100)
    await fleet.fail("a")
    await fleet.step()
    fleet.clock.advance(100)
    assert (await fleet.stepped()).assigned == set()
    await fleet.resume()
    assert (await fleet.stepped()).assigned == set(), "none of the backoff has gone by"
    fleet.clock.advance(BACKOFF)
    assert (await fleet.stepped()).assigned == {"a"}
    assert (await fleet.target(deployment, "a")).attempt == 2


async def test_one_stopped_between_two_attempts_is_known_to_have_read_its_state(fleet: Fleet) -> None:
    await fleet.running("a")
    await fleet.trigger(retries=1)
    await fleet.fail("a")
    await fleet.step()
    fleet.clock.advance(BACKOFF)
    await fleet.step()
    before = await fleet.instance("a")
    await fleet.abort()
    assert (await fleet.instance("a")).generation == before.generation, "it is not told its earlier state"


async def test_one_stopped_in_its_third_attempt_has_read_its_state_in_the_first(fleet: Fleet) -> None:
    await fleet.running("a")
    deployment = await fleet.trigger(retries=2, update_timeout=60)
    await fleet.fail("a")
    await fleet.step()
    fleet.clock.advance(BACKOFF)
    await fleet.step()
    fleet.clock.advance(60)  # Nothing is heard of it in the second attempt,
    await fleet.step()
    fleet.clock.advance(2 * BACKOFF)
    await fleet.step()  # nor in the third one.
    assert (await fleet.target(deployment, "a")).attempt == 3
    before = await fleet.instance("a")
    await fleet.abort()
    after = await fleet.instance("a")
    assert (after.generation, after.desired) == (before.generation, V2), "it is not told its earlier state"


async def test_a_rollback_returns_one_that_was_tried_twice_to_what_it_had_at_first(fleet: Fleet) -> None:
    await fleet.running("a")
    await fleet.trigger(retries=1)
    await fleet.fail("a")
    await fleet.step()
    fleet.clock.advance(BACKOFF)
    await fleet.step()
    await fleet.fail("a")
    await fleet.step()
    assert (await fleet.instance("a")).desired == V1
    assert (await fleet.in_flight()).kind is Kind.ROLLBACK


async def test_a_report_between_two_attempts_shows_that_the_state_was_read(fleet: Fleet) -> None:
    await fleet.running("a")
    await fleet.trigger(retries=1, update_timeout=60)
    fleet.clock.advance(60)
    await fleet.step()
    assigned = await fleet.instance("a")
    await fleet.report("a", Status.HEALTHY, V1, observed=assigned.generation)
    await fleet.abort()
    assert (await fleet.instance("a")).desired == V2, "it is not told its earlier state"


async def test_a_failed_attempt_is_not_forgotten_by_a_decommission(fleet: Fleet) -> None:
    """Found in review: its mark was taken off, and the target was deaf until its timeout."""
    await fleet.running("a", "b", "c")
    deployment = await fleet.trigger(batch_size=3, retries=1)
    await fleet.fail("a")
    await fleet.decommission("b", force=True)
    await fleet.step()
    assert (await fleet.states(deployment))["a"] == "updating: attempt 1 of 2 failed: reported FAILED"
    fleet.clock.advance(BACKOFF)
    await fleet.step()
    await fleet.arrive("a")
    await fleet.step()
    assert (await fleet.states(deployment))["a"] == "succeeded"
