"""`spread_by`: the window is taken evenly over the values of a label."""

from typing import Any

import pytest

from dides.engine.ordering import in_order
from dides.engine.reconcile import reconcile
from dides.engine.spread import rooms, share_of
from dides.engine.window import SPREAD_BY, held_by, may_examine_of_each
from dides.model.deployment import Deployment, TargetState
from dides.model.instance import Matched
from dides.model.plan import Candidate, Plan
from dides.model.policy import Ordering, Policy
from dides.model.state import NOTHING
from support.builders import PAUSED, counts, deployment, instance, pending, report, snapshot, updating


@pytest.mark.parametrize(
    ("window", "values", "share"),
    [(1, 1, 1), (1, 3, 1), (2, 3, 1), (3, 3, 1), (4, 3, 2), (6, 3, 2), (7, 3, 3), (10, 1, 10)],
)
def test_the_share_of_a_value_is_the_window_over_the_values_rounded_up(window: int, values: int, share: int) -> None:
    assert share_of(window, values) == share


def over_zones(**changes: Any) -> Deployment:
    """Twelve instances in zones a, b and c, four at a time: two in each zone at the most."""
    return deployment(
        **{"window": 4, "share": 2, "spread": {"a": 0, "b": 0, "c": 0}, "counts": counts(pending=12), **changes}
    )


def waiting(number: int, zone: str) -> Candidate:
    return Candidate(pending(number, spread=zone), instance(number))


def told(plan: Plan) -> list[int]:
    return [each.target.id for each in plan.assigned if each.state is TargetState.UPDATING]


def test_without_spread_by_there_are_no_shares() -> None:
    assert rooms(deployment()) is None
    assert may_examine_of_each(deployment(counts=counts(pending=5)), 0) is None


def test_what_is_left_of_each_share() -> None:
    assert rooms(over_zones(spread={"a": 2, "b": 1, "c": 0})) == {"a": 0, "b": 1, "c": 2}


def test_no_zone_gets_more_than_its_share_even_when_the_others_are_done() -> None:
    zone_a = [waiting(number, "a") for number in range(1, 5)]
    plan = reconcile(snapshot(over_zones(counts=counts(pending=4, succeeded=8)), zone_a))
    assert told(plan) == [1, 2]
    assert plan.deployment.spread == {"a": 2, "b": 0, "c": 0}
    assert plan.deployment.blocked_by == held_by(plan.deployment) == SPREAD_BY


def test_a_candidate_whose_share_is_taken_lets_others_go_first() -> None:
    line = [waiting(1, "a"), waiting(2, "b"), waiting(3, "c")]
    its_deployment = over_zones(spread={"a": 2, "b": 0, "c": 0}, counts=counts(pending=10, updating=2))
    assert told(reconcile(snapshot(its_deployment, line))) == [2, 3]


def test_a_verdict_gives_back_the_place_in_the_share_in_the_same_step() -> None:
    its_deployment = over_zones(spread={"a": 2, "b": 0, "c": 0}, counts=counts(pending=10, updating=2))
    arrived = updating(1, spread="a", report=report())
    plan = reconcile(snapshot(its_deployment, [waiting(3, "a"), waiting(4, "a")], reported=(arrived,)))
    assert told(plan) == [3]
    assert plan.deployment.spread == {"a": 2, "b": 0, "c": 0}


def test_those_without_the_label_share_like_a_zone_of_their_own() -> None:
    line = [waiting(number, "") for number in range(1, 4)]
    plan = reconcile(snapshot(over_zones(spread={"": 0, "a": 0, "b": 0}), line))
    assert told(plan) == [1, 2]


def test_a_step_examines_targets_of_the_values_that_have_room_and_of_no_others() -> None:
    its_deployment = over_zones(spread={"a": 2, "b": 1, "c": 0}, counts=counts(pending=9, updating=3))
    assert may_examine_of_each(its_deployment, verdicts_due=0) == {"b": 4, "c": 4}  # one slot is free in all


def test_a_verdict_due_may_free_a_place_of_any_value_but_never_more_than_its_share() -> None:
    its_deployment = over_zones(spread={"a": 2, "b": 2, "c": 0}, counts=counts(pending=8, updating=4))
    assert may_examine_of_each(its_deployment, verdicts_due=1) == {"a": 4, "b": 4, "c": 4}
    assert may_examine_of_each(its_deployment, verdicts_due=9) == {"a": 8, "b": 8, "c": 8}


def test_in_a_pause_a_step_examines_none_of_any_value() -> None:
    assert may_examine_of_each(over_zones(status=PAUSED), verdicts_due=1) == {}


def fleet() -> list[Matched]:
    """Three instances in zone a, two in b, one in c: named so that zone and name run against each other."""
    zones = {"web-1": "c", "web-2": "b", "web-3": "a", "web-4": "b", "web-5": "a", "web-6": "a"}
    return [
        Matched(number, name, NOTHING, spread=zone)
        for number, (name, zone) in enumerate(sorted(zones.items()), start=1)
    ]


def zones_in_order(policy: Policy, deployment_id: int = 1) -> str:
    return "".join(each.spread for each in in_order(fleet(), policy, deployment_id))


def test_the_order_goes_round_the_values() -> None:
    assert zones_in_order(Policy(spread_by="zone")) == "abcaba"
    assert [each.name for each in in_order(fleet(), Policy(spread_by="zone"), 1)] == [
        *("web-3", "web-2", "web-1"),
        *("web-5", "web-4"),
        "web-6",
    ]


@pytest.mark.parametrize("deployment_id", range(1, 6))
def test_a_shuffled_order_goes_round_the_values_all_the_same(deployment_id: int) -> None:
    assert zones_in_order(Policy(spread_by="zone", order=Ordering.SHUFFLE), deployment_id) == "abcaba"


def test_a_shuffle_is_stable_and_another_one_in_each_deployment() -> None:
    policy = Policy(order=Ordering.SHUFFLE)
    fleet_of_20 = [Matched(number, f"web-{number:02}", NOTHING) for number in range(20)]
    orders = [[each.id for each in in_order(fleet_of_20, policy, seed)] for seed in (1, 2, 3)]
    assert [each.id for each in in_order(reversed(fleet_of_20), policy, 1)] == orders[0]
    assert len({tuple(order) for order in orders}) == 3
    assert all(sorted(order) == list(range(20)) for order in orders)
