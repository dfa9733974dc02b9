"""The running totals: what each change of a target does to counts, wave, shares and availability."""

from typing import Any

import msgspec
import pytest

from dides.engine.counters import tally, with_joined, without
from dides.model.deployment import Deployment, Target, TargetState, Wave
from dides.model.plan import Assignment, Settled
from dides.model.state import Status
from support.builders import V1, V2, counts, deployment, pending, succeeded, updating

HEALTHY, FAILED = Status.HEALTHY, Status.FAILED


def settled(target: Target, state: TargetState) -> Settled:
    return Settled(target=target, state=state)


def assigned(target: Target, state: TargetState = TargetState.UPDATING, **changes: Any) -> Assignment:
    return Assignment(
        **{"target": target, "state": state, "desired": V2, "before": V1, "last_good": None, "earlier": None, **changes}
    )


def everywhere(**changes: Any) -> Deployment:
    """A deployment that keeps every total."""
    kept = {
        "waves": (2, 10),
        "max_unavailable": 5,
        "share": 2,
        "spread": {"a": 1, "b": 0},
        "counts": counts(pending=5, updating=1, succeeded=2, unavailable=1),
        "wave": Wave(open=2, began_with=2, succeeded=0),
    }
    return deployment(**{**kept, **changes})


def test_no_change_changes_nothing() -> None:
    assert tally(everywhere(), ()) == everywhere()


def test_a_telling_moves_a_target_from_pending_to_updating() -> None:
    after = tally(everywhere(), [assigned(pending(spread="b"), makes_unavailable=True, wave=2)])
    assert after.counts == counts(pending=4, updating=2, succeeded=2, unavailable=2)
    assert after.spread == {"a": 1, "b": 1}
    assert after.wave == Wave(open=2, began_with=2, succeeded=0)


def test_a_success_frees_its_slot_its_share_and_its_room_and_counts_for_its_wave() -> None:
    arrived = settled(updating(spread="a", wave=2, status=HEALTHY), TargetState.SUCCEEDED)
    after = tally(everywhere(), [arrived])
    assert after.counts == counts(pending=5, succeeded=3, unavailable=0)
    assert after.spread == {"a": 0, "b": 0}
    assert after.wave.succeeded == 1


def test_a_failure_frees_slot_and_share_but_one_that_is_not_healthy_stays_unavailable() -> None:
    after = tally(everywhere(), [settled(updating(spread="a", wave=2, status=FAILED), TargetState.FAILED)])
    assert after.counts == counts(pending=5, failed=1, succeeded=2, unavailable=1)
    assert after.spread == {"a": 0, "b": 0}
    assert after.wave.succeeded == 0


@pytest.mark.parametrize(("wave", "left"), [(2, 0), (1, 1)])
def test_a_success_that_dies_leaves_the_successes_of_its_own_wave(wave: int, left: int) -> None:
    before = everywhere(wave=Wave(open=2, began_with=2, succeeded=1))
    after = tally(before, [settled(succeeded(spread="a", wave=wave, status=FAILED), TargetState.FAILED)])
    assert after.counts == counts(pending=5, updating=1, succeeded=1, failed=1, unavailable=1)
    assert after.wave.succeeded == left
    assert after.spread == {"a": 1, "b": 0}


def test_one_already_at_the_target_is_skipped_and_takes_nothing() -> None:
    after = tally(everywhere(), [assigned(pending(spread="b"), TargetState.SKIPPED)])
    assert after.counts == counts(pending=4, updating=1, succeeded=2, skipped=1, unavailable=1)
    assert after.spread == {"a": 1, "b": 0}


def test_what_is_not_asked_for_is_not_kept() -> None:
    plain = deployment(counts=counts(pending=1))
    after = tally(plain, [assigned(pending(spread="a"), makes_unavailable=True, wave=1)])
    assert after.counts == counts(updating=1)
    assert after.spread == {}


def test_changes_in_any_order_come_to_the_same() -> None:
    changes: list[Settled | Assignment] = [
        assigned(pending(4, spread="b"), makes_unavailable=True, wave=2),
        settled(updating(3, spread="a", wave=2, status=HEALTHY), TargetState.SUCCEEDED),
        settled(succeeded(1, spread="a", wave=1, status=FAILED), TargetState.FAILED),
    ]
    assert tally(everywhere(), changes) == tally(everywhere(), reversed(changes))


@pytest.mark.parametrize(("healthy", "unavailable"), [(True, 1), (False, 2)])
def test_one_that_joins_late_is_one_pending_target_more(healthy: bool, unavailable: int) -> None:
    after = with_joined(everywhere(), "c", healthy=healthy)
    assert after.counts == counts(pending=6, updating=1, succeeded=2, unavailable=unavailable)
    assert after.spread == {"a": 1, "b": 0, "c": 0}


def test_one_that_joins_a_known_value_does_not_reset_what_is_updating_of_it() -> None:
    assert with_joined(everywhere(), "a", healthy=True).spread == {"a": 1, "b": 0}


def test_one_that_joins_where_nothing_is_kept_adds_only_itself() -> None:
    after = with_joined(deployment(counts=counts(pending=1)), "a", healthy=False)
    assert (after.counts, after.spread) == (counts(pending=2), {})


def test_an_updating_target_whose_instance_is_gone_leaves_every_total() -> None:
    after = without(everywhere(), updating(spread="a", status=HEALTHY))
    assert after.counts == counts(pending=5, succeeded=2, unavailable=0, decommissioned=1)
    assert after.spread == {"a": 0, "b": 0}


@pytest.mark.parametrize(("status", "unavailable"), [(HEALTHY, 1), (FAILED, 0)])
def test_a_pending_target_whose_instance_is_gone_leaves_the_total(status: Status, unavailable: int) -> None:
    after = without(everywhere(), pending(spread="a", status=status))
    assert after.counts == counts(pending=4, updating=1, succeeded=2, unavailable=unavailable, decommissioned=1)
    assert after.spread == {"a": 1, "b": 0}


def test_one_that_was_put_off_leaves_those_put_off_as_well() -> None:
    before = everywhere(counts=counts(pending=5, deferred=2, unavailable=2))
    after = without(before, pending(deferred=True, status=Status.UNKNOWN))
    assert after.counts == counts(pending=4, deferred=1, unavailable=1, decommissioned=1)


@pytest.mark.parametrize("state", [TargetState.SUCCEEDED, TargetState.FAILED, TargetState.SKIPPED])
def test_a_finished_target_stays_so_that_failures_are_never_forgotten(state: TargetState) -> None:
    before = everywhere(counts=counts(pending=1, updating=1, succeeded=1, failed=1, skipped=1, unavailable=2))
    after = without(before, succeeded(state=state, status=FAILED, spread="a"))
    assert after.counts == msgspec.structs.replace(before.counts, unavailable=1)
    assert after.spread == before.spread
