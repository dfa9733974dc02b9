"""What a first process does for its container, tried on one that gets the orphans below it as a first process does."""

import ctypes
import os
import signal
import subprocess
import sys

import pytest

SUBREAPER = 36
"""PR_SET_CHILD_SUBREAPER of prctl(2): orphans become children of this process and not of the first one."""
PLAYED = f"""
import ctypes, os, signal, subprocess, sys, time
from dides.runtime.first_process import become_init, leave_first_process
assert not leave_first_process()
ctypes.CDLL(None).prctl({SUBREAPER}, 1, 0, 0, 0)
become_init()
"""
needs_linux = pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "prctl"), reason="only Linux has subreapers")


def play(work: str) -> subprocess.Popen[bytes]:
    """Start a first process whose child does some work (in Python)."""
    return subprocess.Popen([sys.executable, "-c", PLAYED + work], stdout=subprocess.PIPE)


@needs_linux
def test_it_collects_orphans() -> None:
    work = """
orphan = int(subprocess.check_output(["/bin/sh", "-c", "sleep 0.05 >/dev/null & echo $!"]))
deadline = time.monotonic() + 8
while os.path.exists(f"/proc/{orphan}") and time.monotonic() < deadline:
    time.sleep(0.01)
sys.exit(7 if os.path.exists(f"/proc/{orphan}") else 0)
"""
    with play(work) as process:
        assert process.wait() == 0


@needs_linux
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_it_passes_signals_on(number: signal.Signals) -> None:
    work = """
def said(number, _):
    os.write(1, str(number).encode())  # print() cannot be entered again while it writes "ready"
    sys.exit(3)
for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
    signal.signal(number, said)
print("ready", flush=True)
signal.pause()
"""
    with play(work) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        process.send_signal(number)
        assert process.stdout.read() == str(number.value).encode()
        assert process.wait() == 3


@needs_linux
@pytest.mark.parametrize(("work", "code"), [("sys.exit(5)", 5), ("os.kill(os.getpid(), signal.SIGKILL)", 137)])
def test_it_ends_as_its_child_does(work: str, code: int) -> None:
    with play(work) as process:
        assert process.wait() == code


def test_another_process_is_left_alone() -> None:
    assert os.getpid() != 1
    code = "import os\nfrom dides.runtime.first_process import leave_first_process as leave\nparent = os.getppid()\n"
    code += f"assert leave() is False and os.getppid() == parent == {os.getpid()}"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
