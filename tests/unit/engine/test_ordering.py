"""The fixed order of a deployment's targets."""

from dides.engine.ordering import in_order
from dides.model.instance import Matched
from dides.model.policy import Ordering, Policy
from dides.model.state import NOTHING

SHUFFLED = Policy(order=Ordering.SHUFFLE)


def fleet(*names: str, spread: str = "") -> list[Matched]:
    return [Matched(number, name, NOTHING, spread=spread) for number, name in enumerate(names)]


def names(ordered: list[Matched]) -> list[str]:
    return [each.name for each in ordered]


def test_targets_are_told_in_the_order_of_their_names() -> None:
    assert names(in_order(fleet("web-2", "api-1", "web-1"), Policy(), 1)) == ["api-1", "web-1", "web-2"]


def test_a_shuffled_order_is_the_deployments_own_and_stable() -> None:
    some = [f"web-{number}" for number in range(20)]
    first = names(in_order(fleet(*some), SHUFFLED, 1))
    assert sorted(first) == sorted(some) != first
    assert names(in_order(fleet(*reversed(some)), SHUFFLED, 1)) == first, "whatever order the store gives them in"
    assert names(in_order(fleet(*some), SHUFFLED, 2)) != first, "another deployment is shuffled otherwise"


def test_a_shuffle_is_the_same_in_every_version_of_dides() -> None:
    assert names(in_order(fleet("a", "b", "c", "d"), SHUFFLED, 7)) == ["c", "a", "d", "b"]


def test_a_spread_order_takes_one_of_each_value_in_turn() -> None:
    zones = [*fleet("a1", "a2", "a3", spread="a"), *fleet("c1", spread="c"), *fleet("b2", "b1", spread="b")]
    assert names(in_order(zones, Policy(spread_by="zone"), 1)) == ["a1", "b1", "c1", "a2", "b2", "a3"]
