"""What `make release` refuses: a tree that is not the release that it says it is."""

import importlib.util
import tomllib
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
TODAY = date(2026, 12, 1)
READY = (
    "# Changelog\n\n## [Unreleased]\n\n## [1.2.0] - 2026-12-01\n\n### Added\n\n- A thing.\n\n## [1.1.9] - 2026-01-31\n"
)


def load() -> Any:
    spec = importlib.util.spec_from_file_location("release", ROOT / "contrib" / "release.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


release = load()


def refused(check: Callable[..., None], *arguments: Any) -> str:
    with pytest.raises(release.NotReadyError) as caught:
        check(*arguments)
    return str(caught.value)


def test_a_dated_entry_for_the_version_is_accepted() -> None:
    release.check_version("1.2.0", READY)
    release.check_changelog("1.2.0", READY, TODAY)


@pytest.mark.parametrize("version", ["1.2", "1.2.0rc1", "v1.2.0", "01.2.0", "1.2.0 ", ""])
def test_a_version_that_is_not_three_numbers_is_refused(version: str) -> None:
    assert "three numbers" in refused(release.check_version, version, READY)


def test_a_version_below_one_in_the_changelog_is_refused() -> None:
    assert "1.2.0, which is higher than 1.1.10" in refused(release.check_version, "1.1.10", READY)


@pytest.mark.parametrize(
    ("changelog", "says"),
    [
        (READY.replace("## [1.2.0] - 2026-12-01", ""), 'must be "## [1.2.0] - 2026-12-01"'),
        (READY.replace(" - 2026-12-01", ""), "has no day"),
        (READY.replace("2026-12-01", "soon"), "has no day"),
        (READY.replace("2026-12-01", "2026-12-02"), "dated 2026-12-02"),
        (READY.replace("- A thing.", ""), "lists no change"),
        (READY.replace("[Unreleased]\n", "[Unreleased]\n\n- Another thing.\n"), 'under "Unreleased"'),
    ],
    ids=["only others", "no day", "no date", "tomorrow", "empty", "more unreleased"],
)
def test_a_changelog_that_is_not_done_is_refused(changelog: str, says: str) -> None:
    assert says in refused(release.check_changelog, "1.2.0", changelog, TODAY)


TRACKED = ("README.md", "src/dides/server.py", "src/dides/py.typed", "tests/unit/test_docs.py")
WHEEL = ("dides/server.py", "dides/py.typed", "dides-1.2.0.dist-info/METADATA")


def test_a_wheel_with_what_git_knows_of_the_package_is_accepted() -> None:
    release.check_wheel(WHEEL, TRACKED, "1.2.0")


@pytest.mark.parametrize(
    "name",
    ["simulator/world/world.py", "dides/sim/world.py", "tests/unit/test_docs.py", "dides/test_x.py", "conftest.py"],
)
def test_a_wheel_with_the_simulator_or_tests_is_refused(name: str) -> None:
    """Also where git knows the file: it stands in the wrong place then."""
    assert name in refused(release.check_wheel, [*WHEEL, name], [*TRACKED, f"src/{name}"], "1.2.0")


def test_a_wheel_with_more_or_less_than_git_knows_is_refused() -> None:
    assert "dides/notes.txt" in refused(release.check_wheel, [*WHEEL, "dides/notes.txt"], TRACKED, "1.2.0")
    assert "lacks dides/py.typed" in refused(release.check_wheel, WHEEL[::2], TRACKED, "1.2.0")
    assert "dist-info" in refused(release.check_wheel, WHEEL, TRACKED, "1.3.0")


def test_an_sdist_is_what_git_knows() -> None:
    names = ["dides-1.2.0/PKG-INFO", *(f"dides-1.2.0/{name}" for name in TRACKED)]
    release.check_sdist(names, TRACKED, "1.2.0")
    assert "README.md" in refused(release.check_sdist, names[:1] + names[2:], TRACKED, "1.2.0")
    assert ".env" in refused(release.check_sdist, [*names, "dides-1.2.0/.env"], TRACKED, "1.2.0")


def test_the_version_of_this_tree_can_be_released() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    release.check_version(version, (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"))
