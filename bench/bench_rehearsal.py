"""How many rehearsed runs a second: 10,000 instances, 5 % at a time, 2 % failing, rolled back at 1 % failures.

Run by one process, then by one for each processor. An event here is the end of one update: a heartbeat and a step.
"""

import os
import time

from dides.model.policy import Policy
from dides.sim.durations import Normal
from dides.sim.rehearsal import Rehearsal
from dides.sim.rehearsal_fleet import Group
from dides.sim.rehearsal_pool import rehearse
from dides.sim.rehearsal_run import Chances, Outcome

RUNS = 20
REHEARSAL = Rehearsal(
    fleet=(Group(10_000),),
    policy=Policy(batch_size="5%", failure_threshold="1%"),
    chances=Chances(durations=Normal(mean_ms=20_000, spread_ms=5_000), failure_rate=0.02),
    seed=1,
)


def main() -> None:
    for processes in sorted({1, os.cpu_count() or 1}):
        begun, cpu = time.perf_counter(), time.process_time()
        outcomes = rehearse(REHEARSAL, RUNS, processes)
        took, own = time.perf_counter() - begun, time.process_time() - cpu
        line = f"{processes} process(es): {RUNS / took:.2f} runs a second, 100 runs in {100 * took / RUNS:.0f} s"
        if processes == 1:
            line += f"; {own / sum(events(each) for each in outcomes) * 1e6:.0f} microseconds of CPU an event"
        print(line, flush=True)


def events(outcome: Outcome) -> int:
    """Return how many updates and returns a run consisted of; the rollback returns whom the rollout reached."""
    return outcome.reached * (1 if outcome.rollback_ms is None else 2)


if __name__ == "__main__":
    main()
