"""Runs a command line of dides in this process, against a fake coordinator."""

import httpx2

from dides.cli.connection import TRANSPORT
from dides.cli.main import main


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
