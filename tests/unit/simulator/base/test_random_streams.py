"""Chance that belongs to things, not to an order of drawing."""

import msgspec

from dides.model.policy import Policy
from simulator.base.random_streams import chance_of, draws_of
from simulator.base.scenario import Scenario
from simulator.runs.generator import draw_scenario
from simulator.runs.policy_generator import draw_policy


def test_the_same_thing_has_the_same_chance_and_another_one_another() -> None:
    assert chance_of(1, "web-1", 7).random() == chance_of(1, "web-1", 7).random()
    assert len({chance_of(seed, name).random() for seed in (1, 2) for name in ("web-1", "web-2")}) == 4


def test_draws_are_between_nought_and_one_and_spread() -> None:
    draws = [draw for number in range(200) for draw in draws_of(1, "message", "web-1", number)]
    assert all(0 <= draw < 1 for draw in draws)
    assert 0.45 < sum(draws) / len(draws) < 0.55


def test_a_scenario_is_a_value_that_can_be_written_down_and_read_again() -> None:
    for seed in range(30):
        scenario = draw_scenario(seed)
        assert msgspec.json.decode(msgspec.json.encode(scenario), type=Scenario) == scenario


def test_every_field_of_a_policy_is_drawn_and_varies() -> None:
    drawn = [draw_policy(chance_of(seed, "policy")) for seed in range(100)]
    for field in Policy.__struct_fields__:
        assert len({getattr(policy, field) for policy in drawn}) > 1, field
    assert all(policy.min_healthy_time < policy.update_timeout for policy in drawn)
