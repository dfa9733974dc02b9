"""Making a failing scenario smaller."""

from msgspec.structs import replace

from simulator.base.scenario import Act, CrashMachine, Scenario
from simulator.checker.checker import Violation
from simulator.runs.generator import draw_scenario
from simulator.runs.report import describe
from simulator.runs.shrink import MOST_RUNS, shrink
from simulator.world.world import Outcome

SCENARIO = replace(
    draw_scenario(1),
    disruptions=(
        *(CrashMachine(at=each, machine="web-0", seconds=1.0) for each in range(10)),
        Act(at=11, action="pause"),
        *(CrashMachine(at=each, machine="web-1", seconds=1.0) for each in range(12, 20)),
        Act(at=21, action="abort"),
    ),
)


def _outcome(name: str | None) -> Outcome:
    violation = None if name is None else Violation(name, "a promise", "a detail")
    return Outcome(violation, [], 0, 0.0, {})


def _breaks_with_pause_and_abort(scenario: Scenario) -> Outcome:
    actions = {each.action for each in scenario.disruptions if isinstance(each, Act)}
    return _outcome("one" if actions == {"pause", "abort"} and scenario.machines else "another")


def test_what_does_not_matter_is_left_out() -> None:
    small = shrink(SCENARIO, _outcome("one"), _breaks_with_pause_and_abort)
    assert [each.at for each in small.scenario.disruptions] == [11, 21]
    assert len(small.scenario.machines) == 1
    assert small.scenario.orders == ()
    assert small.outcome.violation is not None


def test_a_scenario_in_which_everything_matters_stays_as_it_is() -> None:
    assert shrink(SCENARIO, _outcome("one"), lambda _: _outcome(None)).scenario == SCENARIO


def test_it_gives_up_after_a_number_of_runs() -> None:
    runs: list[Scenario] = []

    def run(scenario: Scenario) -> Outcome:
        runs.append(scenario)
        return _outcome(None)

    many = tuple(CrashMachine(at=each, machine="web-0", seconds=1.0) for each in range(4 * MOST_RUNS))
    shrink(replace(SCENARIO, disruptions=many), _outcome("one"), run)
    assert len(runs) == MOST_RUNS


def test_a_scenario_can_be_read_by_people() -> None:
    lines = list(describe(SCENARIO))
    assert "Act at=11 action=pause" in lines
    assert any(line.startswith("machine name=web-0") for line in lines)
