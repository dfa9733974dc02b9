"""Logs that cannot be written are lost, and nothing more: nobody waits for them."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from dides.runtime.logs import LogWriter

PROGRAM = """
import logging, sys, structlog
from dides.runtime.logs import configure_logging
configure_logging()
for number in range(3):
    structlog.get_logger().info("hello", number=number)
logging.warning("and this")
print("alive", file=sys.stderr)
"""
FAILING = """
import gc, sys, threading, warnings
from dides.runtime.logs import configure_logging
configure_logging()
class Broken:
    def __del__(self):
        raise ValueError("of a finalizer")
Broken()
thread = threading.Thread(target=lambda: 1 / 0)
thread.start()
thread.join()
warnings.warn("a warning")
"""
PATIENCE = 60.0


def run(stdout: int, program: str = PROGRAM) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program], stdout=stdout, stderr=subprocess.PIPE, text=True, check=False, timeout=PATIENCE
    )


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """A pipe: where it is read, and where it is written."""
    reading, writing = os.pipe()
    yield reading, writing
    os.close(reading)
    os.close(writing)


def fill(writing: int) -> int:
    """Fill a pipe, and return how many bytes that took."""
    os.set_blocking(writing, False)
    size = 0
    try:
        while True:
            size += os.write(writing, b"x" * 512)
    except BlockingIOError:
        os.set_blocking(writing, True)
        return size


def read(reading: int, size: int) -> bytes:
    data = b""
    while len(data) < size:
        data += os.read(reading, size - len(data))
    return data


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a device that is always full")
def test_a_full_disk_does_not_fail_whoever_logs() -> None:
    full = os.open("/dev/full", os.O_WRONLY)
    done = run(full)
    os.close(full)
    assert (done.returncode, done.stderr) == (0, "alive\n")


def test_a_reader_that_is_gone_does_not_fail_whoever_logs() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = run(writer)
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, "alive\n")


def test_nobody_waits_for_a_reader_that_does_not_read(pipe: tuple[int, int]) -> None:
    fill(pipe[1])
    done = run(pipe[1])
    assert (done.returncode, done.stderr) == (0, "alive\n")


def test_what_has_waited_is_written_once_it_is_read(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    size, log = fill(writing), LogWriter(writing)
    lines = [f"line {number}\n" for number in range(1000)]
    for line in lines:
        log.put(line)
    assert read(reading, size) == b"x" * size
    assert read(reading, len("".join(lines))).decode() == "".join(lines)
    assert log.lost == 0


def test_lines_for_which_there_is_no_room_are_lost_and_counted(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    size, log = fill(writing), LogWriter(writing, room=20)
    for _ in range(5):
        log.put("9 bytes.\n")
    assert log.lost == 3
    read(reading, size)
    assert read(reading, 18) == b"9 bytes.\n" * 2
    log.flush(PATIENCE)
    log.put("9 bytes.\n")
    assert read(reading, 9) == b"9 bytes.\n"
    assert log.lost == 3


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a device that is always full")
def test_lines_that_cannot_be_written_are_counted() -> None:
    full = os.open("/dev/full", os.O_WRONLY)
    log = LogWriter(full)
    log.put("one\n")
    log.put("two\n")
    log.flush(PATIENCE)
    os.close(full)
    assert log.lost == 2


LOSING = """
import sys, structlog
from dides.runtime import logs
logs.configure_logging(room=500)
for number in range(100):
    structlog.get_logger().info("hello", number=number)
print("done", file=sys.stderr, flush=True)
sys.stdin.read()
"""


def test_how_many_were_lost_is_said_in_the_log(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    size = fill(writing)
    command = [sys.executable, "-c", LOSING]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=writing, stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        assert process.stderr.readline() == b"done\n"
        read(reading, size)
        process.communicate(timeout=PATIENCE)
    said = [json.loads(line) for line in os.read(reading, 65536).splitlines()]
    lost = [line["lines"] for line in said if line["event"] == "log lines were lost"]
    assert 0 < sum(lost) == 100 - len([line for line in said if line["event"] == "hello"])


def test_a_pipe_that_does_not_block_loses_nothing(pipe: tuple[int, int]) -> None:
    """Whoever shares it may have made it so."""
    reading, writing = pipe
    size, log = fill(writing), LogWriter(writing)
    os.set_blocking(writing, False)
    log.put("a line\n")
    read(reading, size)
    assert read(reading, 7) == b"a line\n"
    assert log.lost == 0


def test_what_nobody_catches_is_a_line_of_the_log() -> None:
    done = run(subprocess.PIPE, FAILING)
    said = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["event"] for line in said[:2]] == ["an exception was ignored", "a thread has failed"]
    assert "a warning" in said[2]["event"]
    assert "of a finalizer" in said[0]["exception"]
    assert "ZeroDivisionError" in said[1]["exception"]
    assert done.stderr == ""
