import json
import subprocess
from pathlib import Path

import pytest

from dides.cli.demo.fleet import agent_arguments, apply_command, check_command, child_environment, find_url


def test_the_url_is_in_the_line_that_says_where_the_coordinator_listens() -> None:
    lines = [
        b"a line that is no JSON",
        b'{"event": "starting", "url": "http://wrong"}',
        b'["event", "listening"]',
        json.dumps({"event": "listening", "url": "http://127.0.0.1:4711", "level": "info"}).encode(),
    ]
    assert find_url(b"\n".join(lines)) == "http://127.0.0.1:4711"


def test_there_is_no_url_while_the_line_is_missing_or_half_written() -> None:
    assert find_url(b"") == ""
    assert find_url(b'{"event": "listening", "url": "http://127.0') == ""


def test_an_agent_is_started_as_one_would_by_hand(tmp_path: Path) -> None:
    arguments = agent_arguments("web-1", "http://127.0.0.1:1", "secret", tmp_path)
    assert (arguments[0], arguments[-1]) == ("agent", "--wait-for-apply"), "no apply goes on when the demo has ended"
    options = dict(zip(arguments[1:-1:2], arguments[2:-1:2], strict=True))
    assert {"--server", "--token", "--name", "--ip", "--label", "--apply", "--check", "--state-dir"} < set(options)
    assert options["--interval"] == "1"


@pytest.mark.parametrize(("version", "code"), [(None, 0), ("1.0.0", 0), ("2.0.0-bad", 2)])
def test_the_check_fails_for_a_bad_version_only(tmp_path: Path, version: str | None, code: int) -> None:
    place = tmp_path / "a place with spaces"
    place.mkdir()
    if version is not None:
        apply = apply_command(place).partition("; ")[2]
        subprocess.run(["sh", "-c", apply], env={"DIDES_CODE_VERSION": version}, check=True)
    done = subprocess.run(["sh", "-c", check_command(place)], capture_output=True, text=True, check=False)
    assert done.returncode == code
    assert done.stdout == ("" if code == 0 else "2.0.0-bad answers every request with 500\n")


def test_settings_for_a_real_fleet_do_not_reach_the_demo() -> None:
    assert child_environment({"PATH": "/bin", "DIDES_SERVER": "http://production"}) == {"PATH": "/bin"}
