"""Logs that cannot be written are lost, and nothing more."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import logging, sys, structlog
from dides.logs import configure_logging
configure_logging()
for number in range(3):
    structlog.get_logger().info("hello", number=number)
logging.warning("and this")
print("alive", file=sys.stderr)
"""


def run(stdout: int) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", PROGRAM], stdout=stdout, stderr=subprocess.PIPE, text=True, check=False
    )


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a device that is always full")
def test_a_full_disk_does_not_fail_whoever_logs() -> None:
    full = os.open("/dev/full", os.O_WRONLY)
    done = run(full)
    os.close(full)
    assert "alive" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_reader_that_is_gone_does_not_fail_whoever_logs() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = run(writer)
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, "alive\n")
