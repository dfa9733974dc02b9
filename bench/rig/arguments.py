"""The arguments that every benchmark has, and how it ends."""

import argparse
import resource
import sys
from collections.abc import Awaitable, Callable

import uvloop

from load.tally import LoadError
from rig.cores import CLIENT_CORE, stay_on
from rig.peers import NoPeersError
from rig.report import Report


class NotInThisBuildError(Exception):
    """This build of dides lacks what the benchmark measures; the text says what."""


def parser_of(description: str | None) -> argparse.ArgumentParser:
    """Return a parser with the arguments that every benchmark has."""
    parser = argparse.ArgumentParser(description=(description or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="a small run that shows that it works; measures nothing")
    parser.add_argument("--rounds", type=int, default=5, help="how often each side is measured (default: 5)")
    parser.add_argument("--output", choices=("table", "json"), default="table")
    return parser


def run(measure: Callable[[argparse.Namespace], Awaitable[Report]], arguments: argparse.Namespace) -> None:
    """Measure and print. Ends with 1, and says why, when what was measured is not what should be."""
    stay_on(CLIENT_CORE)
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # a simulated agent holds two connections
    if arguments.quick:
        arguments.rounds = min(arguments.rounds, 2)
    try:
        report = uvloop.run(_await(measure(arguments)))
    except (LoadError, NoPeersError, NotInThisBuildError) as error:
        sys.exit(f"{type(error).__name__}: {error}")
    if arguments.quick:
        report.notes.append("a quick run: these figures only show that the benchmark works")
    report.show(as_json=arguments.output == "json")


async def _await(measured: Awaitable[Report]) -> Report:
    return await measured


def log(text: str) -> None:
    """Say how far it is, apart from what is found."""
    print(text, file=sys.stderr, flush=True)
