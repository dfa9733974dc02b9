"""What is printed of a seed that failed."""

from collections.abc import Iterator

import msgspec

from dides.model.policy import Policy
from simulator.base.scenario import MachineSpec, PlannedOrder, Scenario
from simulator.runs.generator import draw_scenario
from simulator.runs.runs import run_scenario
from simulator.runs.shrink import shrink

TRACE_LINES = 60


def report_failure(seed: int) -> str:
    """Run a failing seed again, make it smaller, and return all there is to say about it."""
    scenario = draw_scenario(seed)
    outcome = run_scenario(scenario)
    if outcome.violation is None:
        return f"seed {seed} keeps every property: {_ends(outcome.endings)}, {outcome.seconds:.0f} virtual seconds"
    small = shrink(scenario, outcome)
    violation = small.outcome.violation
    assert violation is not None
    return "\n".join(
        (
            f"seed {seed} breaks {violation.name}",
            f"    promised: {' '.join(violation.sentence.split())}",
            f"    found:    {violation.detail}",
            f"    again:    python -m simulator --seed {seed}",
            "",
            "the smallest scenario that was found to break it:",
            *(f"    {line}" for line in describe(small.scenario)),
            "",
            "the end of its trace:",
            *small.outcome.trace[-TRACE_LINES:],
        )
    )


def describe(scenario: Scenario) -> Iterator[str]:
    """Yield what a scenario consists of, a line each."""
    yield (
        f"coordinators {', '.join(scenario.coordinators)}; heartbeats every {scenario.heartbeat_interval:g} s, "
        f"a step every {scenario.reconcile_interval:g} s, horizon {scenario.horizon:g} s"
    )
    yield f"network {_changed(scenario.weather)}"
    for machine in scenario.machines:
        yield f"machine {_changed(machine)}"
    for order in scenario.orders:
        yield f"order {_changed(order)}"
    for disruption in scenario.disruptions:
        yield f"{type(disruption).__name__} {_changed(disruption)}"


def _changed(value: msgspec.Struct) -> str:
    """Return the fields of a value that are not as they are by default."""
    fields = {field.name: field.default for field in msgspec.structs.fields(value)}
    given = {name: getattr(value, name) for name, default in fields.items() if getattr(value, name) != default}
    return " ".join(f"{name}={_text(each)}" for name, each in given.items()) or "as usual"


def _text(value: object) -> str:
    if isinstance(value, Policy | MachineSpec | PlannedOrder):
        return f"({_changed(value)})"
    return f"{value:.1f}" if isinstance(value, float) else str(value).replace(" ", "")


def _ends(endings: dict[str, int]) -> str:
    return ", ".join(f"{number} {how}" for how, number in sorted(endings.items())) or "no deployment"
