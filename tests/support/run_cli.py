"""Runs a command line of dides in this process, against a fake coordinator."""

import httpx2

from dides.cli.main import main
from dides.cli.options.connection import TRANSPORT
from support.fake_coordinator import FakeCoordinator


def run_cli(transport: httpx2.AsyncBaseTransport, *arguments: str) -> int:
    """Run `dides ARGUMENTS` and return its exit code; what it prints goes to this process's standard streams."""
    reset = TRANSPORT.set(transport)
    try:
        main(arguments)
    except SystemExit as end:
        return int(end.code or 0)
    finally:
        TRANSPORT.reset(reset)
    return 0


def run(coordinator: FakeCoordinator, *arguments: str) -> int:
    """Run `dides ARGUMENTS` as its operator, and return its exit code."""
    return run_cli(coordinator.transport, *arguments, "--server", "http://coordinator.test", "--token", "secret")
