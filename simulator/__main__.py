"""`python -m simulator --seed N` plays one seed; `python -m simulator soak` plays as many as there is time for."""

import argparse
import sys

from simulator.base.trace import digest_of
from simulator.runs.report import report_failure
from simulator.runs.runs import run_seed
from simulator.runs.soak import seeds_from, soak


def main(arguments: list[str]) -> int:
    """Do what the command line says; return the exit code."""
    options = _parser().parse_args(arguments)
    if options.command == "soak":
        return soak(seeds_from(options.seeds, options.start), options.minutes, options.workers)
    if options.seed is None:
        _parser().error("give --seed N, or the command soak")
    outcome = run_seed(options.seed)
    if options.trace:
        print("\n".join(outcome.trace))
    if options.digest:
        print(digest_of(outcome.trace))
    else:
        print(report_failure(options.seed))
    return 1 if outcome.violation else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m simulator", description="Play simulated worlds.")
    parser.add_argument("--seed", type=int, help="play this one, and say what became of it")
    parser.add_argument("--digest", action="store_true", help="print only a hash of all that happened")
    parser.add_argument("--trace", action="store_true", help="print all that happened")
    soaking = parser.add_subparsers(dest="command").add_parser("soak", help="play seeds until one fails")
    soaking.add_argument("--minutes", type=float, help="for how long; without it, until the seeds are used up")
    soaking.add_argument("--seeds", help="which, such as 0..500; without it, all from --start on")
    soaking.add_argument("--start", type=int, default=0, help="the first seed")
    soaking.add_argument("--workers", type=int, help="how many processes; one for each core without it")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
