"""How close a rollout over 1,000 agents comes to what no coordinator could beat.

The agents are simulated in one process over real HTTP: a blocking query each, a heartbeat at every change, an apply
that is a wait of random length. The yardsticks are made of the same waits, as long as they really were: the greedy
list schedule in the same order (the next begins the moment a place is free), and the bound that no schedule beats.
"""

import argparse
import math
import tempfile
from pathlib import Path
from random import Random

from load.agents import Agents, list_schedule, shortest
from load.fleet import Fleet
from load.tally import LoadError
from rig.arguments import log, parser_of, run
from rig.coordinator import calm, coordinator
from rig.report import Report
from rig.rollouts import makespan, roll_out

SPREAD = 0.5
"""Of the logarithm of a duration: one in twenty takes more than twice the median."""
GOAL = 1.05


class Durations:
    """How long the applies last: log-normal, another one for each instance in each round."""

    def __init__(self, mean: float) -> None:
        self._middle = math.log(mean) - SPREAD**2 / 2
        self.round = 0

    def draw(self, number: int) -> float:
        """Return the seconds for an instance."""
        return Random(f"{self.round}/{number}").lognormvariate(self._middle, SPREAD)


async def measure(arguments: argparse.Namespace) -> Report:
    """Roll out in every round."""
    if arguments.quick:
        arguments.instances, arguments.window, arguments.apply = 60, 10, 0.3
    size, window = arguments.instances, arguments.window
    fleet, durations = Fleet(size), Durations(arguments.apply)
    took, greedy, least = [], [], []
    with tempfile.TemporaryDirectory() as directory:
        async with coordinator(Path(directory), fleet, *calm(), rolling=size) as running:
            agents = Agents(running.url, fleet, size, durations.draw)
            async with agents.running():
                for durations.round in range(arguments.rounds):
                    took.append(makespan(await roll_out(running, f"3.{durations.round:09}", window)))
                    applied = [turn.applied_for for turn in sorted(agents.turns(), key=lambda turn: turn.number)]
                    if len(applied) != size:
                        raise LoadError(f"{len(applied)} of {size} instances applied")
                    greedy.append(list_schedule(applied, window))
                    least.append(shortest(applied, window))
                    log(
                        f"round {durations.round}: {took[-1]:.2f} s, greedy {greedy[-1]:.2f} s, bound {least[-1]:.2f} s"
                    )
    report = Report(
        benchmark="makespan",
        parameters={
            "agents": size,
            "window": window,
            "mean_apply_seconds": arguments.apply,
            "rounds": arguments.rounds,
        },
    )
    report.add("the bound that no schedule beats", least, "s")
    report.add("the greedy list schedule", greedy, "s", to=least)
    report.add("dides, to the greedy list schedule", took, "s", to=greedy, most=GOAL)
    report.add("dides, to the bound", took, "s", to=least, most=GOAL)
    return report


def main() -> None:
    """Read the arguments and measure."""
    parser = parser_of(__doc__)
    parser.set_defaults(rounds=3)
    parser.add_argument("--instances", type=int, default=1000)
    parser.add_argument("--window", type=int, default=50)
    parser.add_argument("--apply", type=float, default=1.0, help="the mean seconds of an apply")
    run(measure, parser.parse_args())


if __name__ == "__main__":
    main()
