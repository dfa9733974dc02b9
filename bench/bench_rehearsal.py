"""How many rehearsed runs a second: 10,000 instances, 5 % at a time, 2 % failing, rolled back at 1 % failures.

Run by one process, then by one for each processor. An event here is the end of one update: a heartbeat and a step.
"""

import argparse
import asyncio
import os
import time

from dides.model.policy import Policy
from dides.rehearsal.durations import Normal
from dides.rehearsal.fleet import Group
from dides.rehearsal.pool import rehearse
from dides.rehearsal.rehearse import Rehearsal
from dides.rehearsal.run import Chances, Outcome
from rig.arguments import parser_of, run
from rig.cores import children_on
from rig.report import Report

RUNS, QUICK_RUNS = 20, 2
REHEARSAL = Rehearsal(
    fleet=(Group(10_000),),
    policy=Policy(batch_size="5%", failure_threshold="1%"),
    chances=Chances(durations=Normal(mean_ms=20_000, spread_ms=5_000), failure_rate=0.02),
    seed=1,
)


async def measure(arguments: argparse.Namespace) -> Report:
    """Rehearse with one process and with all in turn."""
    runs, several = QUICK_RUNS if arguments.quick else RUNS, os.cpu_count() or 1
    alone, together, event = [], [], []
    with children_on(None):
        for _ in range(arguments.rounds):
            cpu = time.process_time()
            rate, outcomes = await asyncio.to_thread(timed, runs, 1)
            event.append((time.process_time() - cpu) / sum(events(each) for each in outcomes) * 1e6)
            alone.append(rate)
            together.append((await asyncio.to_thread(timed, runs, several))[0])
    report = Report(benchmark="rehearsal", parameters={"runs": runs, "processes": several, "rounds": arguments.rounds})
    report.add("one process", alone, "runs/s")
    report.add(f"{several} processes, to one", together, "runs/s", to=alone)
    report.add("an event, CPU", event, "µs")
    return report


def timed(runs: int, processes: int) -> tuple[float, list[Outcome]]:
    """Rehearse, and return how many runs a second that were, and how they ended."""
    begun = time.perf_counter()
    outcomes = list(rehearse(REHEARSAL, runs, processes))
    return runs / (time.perf_counter() - begun), outcomes


def events(outcome: Outcome) -> int:
    """Return how many updates and returns a run consisted of; the rollback returns whom the rollout reached."""
    return outcome.reached * (1 if outcome.rollback_ms is None else 2)


def main() -> None:
    """Read the arguments and measure."""
    parser = parser_of(__doc__)
    parser.set_defaults(rounds=3)
    run(measure, parser.parse_args())


if __name__ == "__main__":
    main()
