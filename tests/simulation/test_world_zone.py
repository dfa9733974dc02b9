"""A zone of two hundred instances that misses a deployment and comes back at once."""

from simulation.scenarios import zone_returns
from simulator.runs.runs import run_scenario

ZONE, WINDOW = 200, 20


def test_a_zone_that_comes_back_at_once_converges_a_window_at_a_time() -> None:
    outcome = run_scenario(zone_returns(ZONE, WINDOW))
    assert outcome.violation is None
    told = [float(line.split()[0]) for line in outcome.trace if "is told ('1', None)" in line]
    assert len(told) == 1 + ZONE, "everyone is told once"
    first = told[1]
    assert sum(moment < first + 1.5 for moment in told[1:]) <= WINDOW, "an apply takes more than that"
