"""Nobody reads what a coordinator logs: it goes on answering, and loses nothing of it for the time being."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, NamedTuple

import httpx2
import pytest

from dides.cli.demo.fleet import child_environment

PATIENCE = 60.0
REQUESTS = 500
"""Each leaves a line of more than 250 bytes; a pipe holds 64 KiB."""


class Coordinator(NamedTuple):
    """A coordinator whose log is read only when the test does so."""

    http: httpx2.Client
    log: IO[bytes]
    process: subprocess.Popen[bytes]


@pytest.fixture
def coordinator(tmp_path: Path) -> Iterator[Coordinator]:
    command = [sys.executable, "-m", "dides", "server", "--dev", "--listen", "127.0.0.1:0", "--data-dir", str(tmp_path)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, env=child_environment(os.environ), bufsize=0)
    assert process.stdout is not None
    with process, process.stdout as log:
        try:
            with httpx2.Client(base_url=url_in(log), timeout=PATIENCE) as http:
                yield Coordinator(http, log, process)
        finally:
            process.kill()


def url_in(log: IO[bytes]) -> str:
    while said := json.loads(log.readline()):
        if said["event"] == "listening":
            return str(said["url"])
    raise AssertionError


def ask_often(http: httpx2.Client) -> None:
    for number in range(REQUESTS):
        headers = {"X-Request-ID": f"{number:0128}"}
        assert http.get("/inventory/instances", headers=headers).status_code == 200


def test_a_log_that_nobody_reads_stops_nothing_and_is_whole_once_it_is_read(coordinator: Coordinator) -> None:
    ask_often(coordinator.http)
    assert coordinator.http.get("/healthz").status_code == 200
    assert "\ndides_log_lines_lost_total 0.0\n" in coordinator.http.get("/metrics").text
    numbers = [int(json.loads(coordinator.log.readline())["request_id"]) for _ in range(REQUESTS)]
    assert numbers == list(range(REQUESTS))


def test_a_log_that_nobody_reads_does_not_keep_it_from_ending(coordinator: Coordinator) -> None:
    ask_often(coordinator.http)
    coordinator.http.close()
    coordinator.process.terminate()
    assert coordinator.process.wait(PATIENCE) == 0
