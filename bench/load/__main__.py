"""The generator as a process of its own: heartbeats to a server for some seconds; prints the outcome as JSON.

    PYTHONPATH=bench python -m load --url http://127.0.0.1:8420 --instances 10000 --rate 5000 --seconds 10

Without --rate it is a closed loop. The instances must be those of `load.fleet`, with the same seed.
"""

import argparse
import asyncio
import os
import sys
from time import perf_counter

import msgspec
import uvloop

from load.arrivals import ARRIVALS
from load.closed import closed_loop
from load.fleet import Fleet, mixed
from load.open import PATIENCE, open_loop
from load.tally import Outcome


def main() -> None:
    """Run once."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", action="append", required=True, help="a server; several are taken in turn")
    parser.add_argument("--instances", type=int, required=True)
    parser.add_argument("--first", type=int, default=0, help="the number of the first instance that sends")
    parser.add_argument("--seed", default=Fleet(0).seed)
    parser.add_argument("--changed", type=float, default=0.0, help="the share that changes a version")
    parser.add_argument("--rate", type=float, default=0.0, help="requests a second; 0: closed loop")
    parser.add_argument("--arrivals", choices=ARRIVALS, default="poisson")
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--at", type=float, default=0.0, help="when to begin, by the monotonic clock; 0: when ready")
    parser.add_argument("--patience", type=float, default=PATIENCE, help="how long one waits for a free connection")
    parser.add_argument("--nice", type=int, default=0)
    arguments = parser.parse_args()
    os.nice(arguments.nice)
    sys.stdout.buffer.write(msgspec.json.encode(uvloop.run(_run(arguments))) + b"\n")


async def _run(arguments: argparse.Namespace) -> Outcome:
    fleet = Fleet(arguments.instances, arguments.seed)
    requests = mixed(fleet, range(arguments.first, arguments.instances), arguments.changed)
    await asyncio.sleep(arguments.at - perf_counter())
    size = {"connections": arguments.connections, "seconds": arguments.seconds}
    if not arguments.rate:
        return await closed_loop(arguments.url, requests, **size)
    arrivals = ARRIVALS[arguments.arrivals](arguments.rate)
    return await open_loop(arguments.url, requests, arrivals, patience=arguments.patience, **size)


if __name__ == "__main__":
    main()
