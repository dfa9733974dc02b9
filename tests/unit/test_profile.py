"""Every machine runs the same tests: none depends on how fast it is, or on whether it calls itself CI."""

import re
from pathlib import Path

from hypothesis import HealthCheck, settings

TESTS = Path(__file__).parents[1]
ASKS_WHERE_IT_RUNS = re.compile(r"""environ(?:\.get\(|\[|\.pop\()\s*["']CI["']|getenv\(["']CI["']""")

SUPPRESSES = re.compile(r"suppress_health_check=.*")


def sources() -> list[Path]:
    return [path for path in TESTS.rglob("*.py") if path != Path(__file__)]


def test_no_example_has_a_deadline_and_all_machines_draw_the_same() -> None:
    profile = settings()
    assert profile.deadline is None
    assert HealthCheck.too_slow in profile.suppress_health_check
    assert (profile.derandomize, profile.database) == (True, None)


def test_what_a_test_suppresses_itself_has_the_check_of_speed_among_it() -> None:
    found = [match for path in sources() for match in SUPPRESSES.findall(path.read_text(encoding="utf-8"))]
    assert found
    assert [match for match in found if "too_slow" not in match] == []


def test_no_test_asks_whether_it_runs_in_ci() -> None:
    assert [path.name for path in sources() if ASKS_WHERE_IT_RUNS.search(path.read_text(encoding="utf-8"))] == []
