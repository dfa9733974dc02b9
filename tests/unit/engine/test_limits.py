"""What a policy comes to for the matched instances, fixed at the trigger."""

import pytest

from dides.engine.limits import Limits, limits_of
from dides.engine.spread import MAX_VALUES
from dides.model.errors import InvalidError
from dides.model.instance import Matched
from dides.model.policy import Policy
from dides.model.state import NOTHING


def fleet(*zones: str) -> list[Matched]:
    return [Matched(number, f"web-{number}", NOTHING, spread=zone) for number, zone in enumerate(zones, start=1)]


def test_without_any_policy_one_at_a_time_in_one_wave() -> None:
    assert limits_of(Policy(), fleet("", "", "")) == Limits(window=1, waves=(3,), share=None, max_unavailable=None)


def test_a_policy_with_everything() -> None:
    policy = Policy(batch_size=4, waves=(1, "50%"), spread_by="zone", max_unavailable="50%")
    assert limits_of(policy, fleet("a", "a", "b", "b", "c", "c")) == Limits(
        window=4, waves=(1, 3, 6), share=2, max_unavailable=3
    )


def test_instances_without_the_label_are_one_value_more() -> None:
    assert limits_of(Policy(batch_size=4, spread_by="zone"), fleet("a", "b", "", "")).share == 2


def test_labels_do_not_matter_without_spread_by() -> None:
    zones = [f"zone-{number}" for number in range(MAX_VALUES + 1)]
    assert limits_of(Policy(), fleet(*zones)).share is None


@pytest.mark.parametrize("values", [MAX_VALUES, MAX_VALUES + 1])
def test_a_label_with_too_many_values_is_refused_by_name(values: int) -> None:
    instances = fleet(*(f"host-{number}" for number in range(values)))
    policy = Policy(batch_size=1, spread_by="hostname")
    if values <= MAX_VALUES:
        assert limits_of(policy, instances).share == 1
        return
    with pytest.raises(InvalidError) as refused:
        limits_of(policy, instances)
    (error,) = refused.value.errors
    assert error.field == "configuration.spread_by"
    assert f"{values:,} different values" in error.message
