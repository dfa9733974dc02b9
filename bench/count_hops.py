"""Count the files and functions of dides that one changed heartbeat, and one POST /deploy, pass through.

A whole coordinator runs in this process, on SQLite, with one registered instance. Every request is sent several times,
and only the functions that ran each time are counted: what a background loop does in between is not, unless it never
pauses for long. Comprehensions and lambdas count as parts of their functions.
"""

import argparse
import http.client
import json
import logging
import os
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import FrameType

import structlog

import dides
from dides.coordinator.settings import Settings
from dides.runtime.datadir import OPERATOR_FILE, REGISTRATION_FILE, DataDirectory
from dides.server import Listen, serve

ROOT = str(Path(dides.__file__).parent)
REPETITIONS = 5
QUIET_SECONDS = 0.3
"""Once no further function was called for so long, what a request has started is over."""
Function = tuple[str, int, str]
"""A file below src/dides, the line at which a function begins, and its name."""


class Recorder:
    """Notes which functions of dides are called, in every thread, while it is on."""

    def __init__(self) -> None:
        self.on = False
        self._called: set[Function] = set()
        self._newest = 0.0

    def install(self) -> None:
        """Begin to look at this thread and at those that start from now on."""
        threading.setprofile(self._profile)
        sys.setprofile(self._profile)

    def during(self, request: Callable[[], object]) -> set[Function]:
        """Return the functions that ran from the start of a request until what it has started is over."""
        self._called, self._newest, self.on = set(), time.monotonic(), True
        request()
        while time.monotonic() < self._newest + QUIET_SECONDS:
            time.sleep(QUIET_SECONDS / 10)
        self.on = False
        return self._called

    def _profile(self, frame: FrameType, event: str, _argument: object) -> None:
        if self.on and event == "call":
            code = frame.f_code
            if code.co_filename.startswith(ROOT) and not code.co_name.startswith("<"):
                function = code.co_filename.removeprefix(ROOT + os.sep), code.co_firstlineno, code.co_qualname
                if function not in self._called:
                    self._called.add(function)
                    self._newest = time.monotonic()


class Client:
    """Sends requests on one connection."""

    def __init__(self, url: str) -> None:
        self._connection = http.client.HTTPConnection(url.removeprefix("http://"))

    def send(self, method: str, path: str, credential: str | None, body: object) -> dict[str, object]:
        """Send a request, and return the answer. RuntimeError when it is refused."""
        headers = {"Content-Type": "application/json"}
        if credential:
            headers["Authorization"] = f"Bearer {credential}"
        self._connection.request(method, path, json.dumps(body), headers)
        response = self._connection.getresponse()
        text = response.read()
        if response.status >= 300:
            raise RuntimeError(f"{method} {path} was answered with {response.status}: {text.decode()}")
        answered: dict[str, object] = json.loads(text) if text else {}
        return answered


def measure(directory: DataDirectory, url: str, recorder: Recorder) -> dict[str, set[Function]]:
    """Send both requests several times; return the functions that ran each time, by the name of the request."""
    client, operator = Client(url), directory.token(OPERATOR_FILE)
    token = directory.token(REGISTRATION_FILE)
    instance = {"name": "a", "ip": "10.0.0.1", "labels": {}}
    registered = client.send("POST", "/inventory/register", None, {"instance": instance, "token": token})
    credential = str(registered["credential"])
    heartbeats, deployments = [], []
    for number in range(REPETITIONS + 1):
        report = {"status": 1, "code_version": f"0.{number}"}
        heartbeats.append(recorder.during(partial(client.send, "PATCH", "/inventory/instances/a", credential, report)))
    for number in range(REPETITIONS + 1):
        order = {"labels": {}, "code_version": f"1.{number}"}
        deployments.append(recorder.during(partial(client.send, "POST", "/deploy", operator, order)))
        client.send("POST", "/deploy/abort", operator, {})
    # The first of each also fills caches.
    return {
        "a changed heartbeat": set.intersection(*heartbeats[1:]),
        "POST /deploy": set.intersection(*deployments[1:]),
    }


def show(counted: dict[str, set[Function]], *, in_full: bool) -> None:
    """Print how many files and functions there are; `in_full` also which."""
    for request, functions in counted.items():
        files = {file for file, _, _ in functions}
        print(f"{request}: {len(files)} files, {len(functions)} functions")
        if in_full:
            for file, line, name in sorted(functions):
                print(f"  {file}:{line} {name}")


def main() -> None:
    """Run a coordinator, send it requests, and print what they passed through."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--list", action="store_true", help="also name every function")
    arguments = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    recorder, counted, failed = Recorder(), {}, []
    settings = Settings(reconcile_interval=3600, instance_requests=0, instance_changes=0)

    with tempfile.TemporaryDirectory() as temporary:
        directory = DataDirectory(Path(temporary) / "data")

        def work(url: str) -> None:
            try:
                counted.update(measure(directory, url, recorder))
            except (RuntimeError, OSError) as error:
                failed.append(error)
            finally:
                os.kill(os.getpid(), signal.SIGTERM)

        recorder.install()
        serve(
            directory,
            Listen("127.0.0.1", 0),
            settings,
            None,
            lambda url: threading.Thread(target=work, args=(url,)).start(),
        )
        sys.setprofile(None)
    if failed:
        raise failed[0]
    show(counted, in_full=arguments.list)


if __name__ == "__main__":
    main()
