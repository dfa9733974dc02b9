"""The checker bites: every program that was broken on purpose is caught, and for the right reason."""

import pytest

from simulation import scenarios_rules
from simulation.mutants import MUTANTS, Mutant, World
from simulation.test_world import SEEDS as UNBROKEN
from simulator.base import guarantees
from simulator.base.scenario import Scenario
from simulator.checker.properties.catalogue import SAFETY
from simulator.runs.generator import draw_scenario
from simulator.runs.rare_situations import EVERY, SITUATIONS
from simulator.runs.runs import run_scenario
from simulator.world.world import Outcome

SEEDS = 60
"""Within so many seeds every mutant has to be caught that is caught by seeds at all."""


def _name(world: World) -> str:
    return str(world) if isinstance(world, int) else world.__name__


GUARANTEES = {each.name for each in vars(guarantees).values() if isinstance(each, guarantees.Guarantee)}
RULES = ({each.__name__ for each in SAFETY} | GUARANTEES | {"promises_are_kept", "comes_to_rest"}) - {"nothing_breaks"}
"""What a mutant may be caught by: its own crash shows nothing of the rule that it breaks."""
HAND_MADE = {_name(mutant.world): mutant.world for mutant in MUTANTS if not isinstance(mutant.world, int)} | {
    name: make
    for name, make in vars(scenarios_rules).items()
    if getattr(make, "__annotations__", None) == {"return": Scenario}
}
"""The worlds that `test_world` does not play unbroken; some showed a mutant until a seed did."""
BY_SEEDS = 0.75
"""At least so many of the mutants fall by a seed that `test_world` plays, too, and not only by a scenario."""


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_mutant_is_caught(mutant: Mutant) -> None:
    outcome = _play(mutant, mutant.world)
    if not _caught(mutant, outcome):
        assert isinstance(mutant.world, int), f"{mutant.name} survives: {outcome.violation}"
        found = next((seed for seed in range(SEEDS) if _caught(mutant, _play(mutant, seed))), None)
        assert found is not None, f"{mutant.name} survives {SEEDS} seeds; with {mutant.world} came {outcome.violation}"


@pytest.mark.parametrize("world", sorted(HAND_MADE))
def test_the_same_worlds_are_good_when_nothing_is_broken(world: str) -> None:
    outcome = run_scenario(_scenario(HAND_MADE[world]))
    assert outcome.violation is None


def test_every_seed_is_played_unbroken() -> None:
    assert all(mutant.world < UNBROKEN for mutant in MUTANTS if isinstance(mutant.world, int))


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_mutant_is_caught_by_a_rule_and_not_by_a_crash(mutant: Mutant) -> None:
    assert mutant.by
    assert mutant.by <= RULES, f"{mutant.name} names {mutant.by - RULES}"


def test_there_are_mutants_enough() -> None:
    assert len({each.name for each in MUTANTS}) >= 14


def test_three_in_four_fall_by_a_seed() -> None:
    assert sum(isinstance(mutant.world, int) for mutant in MUTANTS) >= BY_SEEDS * len(MUTANTS)


def test_the_seeds_bring_about_every_rare_situation() -> None:
    assert EVERY * len(SITUATIONS) <= UNBROKEN


def _play(mutant: Mutant, world: World) -> Outcome:
    with pytest.MonkeyPatch.context() as patch:
        mutant.make(patch)
        return run_scenario(_scenario(world))


def _caught(mutant: Mutant, outcome: Outcome) -> bool:
    return outcome.violation is not None and outcome.violation.name in mutant.by


def _scenario(world: World) -> Scenario:
    return draw_scenario(world) if isinstance(world, int) else world()
