"""The fixed order of a deployment's targets."""

from dides.engine.order import in_order
from dides.model.instance import Matched
from dides.model.state import NOTHING


def test_targets_are_told_in_the_order_of_their_names() -> None:
    matched = [Matched(number, name, NOTHING) for number, name in enumerate(["web-2", "api-1", "web-1"])]
    assert [each.name for each in in_order(matched)] == ["api-1", "web-1", "web-2"]
