"""Hooks, CI and the pages for contributors run and name what there is."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

ROOT = Path(__file__).parents[2]
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
TARGETS = set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))
PAGES = [ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md", *sorted((ROOT / "docs" / "contributing").glob("*.md"))]
HABITS = [*PAGES, ROOT / ".pre-commit-config.yaml", *(path for path in (ROOT / ".github").rglob("*") if path.is_file())]
REGISTRIES = re.compile(r"pypi|pythonhosted|npmjs|index-url|proxy\.golang", re.IGNORECASE)


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def read_yaml(name: str) -> Any:
    return yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))


def test_the_hooks_are_the_checks_of_make_check() -> None:
    config = read_yaml(".pre-commit-config.yaml")
    assert [source["repo"] for source in config["repos"]] == ["local"]
    line = re.search(r"^check: (.*?) *##", MAKEFILE, re.MULTILINE)
    assert line
    checks = line[1].split()
    assert [hook["entry"] for hook in config["repos"][0]["hooks"]] == [f"make {check}" for check in checks]
    assert set(checks) == {target for target in TARGETS if target.startswith("check-")}


def test_ci_runs_check_and_test_on_every_python_that_is_promised() -> None:
    job = read_yaml(".github/workflows/ci.yml")["jobs"]["test"]
    versions = job["strategy"]["matrix"]["python"]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["requires-python"] == f">={versions[0]}"
    assert versions == [f"3.{minor}" for minor in range(11, 15)]
    assert job["env"]["PYTHON"] == "python${{ matrix.python }}"
    runs = [step["run"] for step in job["steps"] if "run" in step]
    assert [run for run in runs if run.startswith("make")] == ["make check", "make test"]


@pytest.mark.parametrize("path", HABITS, ids=name_of)
def test_no_host_of_a_package_registry_is_named(path: Path) -> None:
    assert REGISTRIES.findall(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_a_page_for_contributors_names_only_make_targets_that_exist(page: Path) -> None:
    named = set(re.findall(r"\bmake (?:PYTHON=\S+ )?([a-z][a-z-]*)\b(?=[`\s])", code_of(page)))
    benchmarks = {f"bench-{file.stem.removeprefix('bench_')}" for file in (ROOT / "bench").glob("bench_*.py")}
    assert named <= TARGETS | benchmarks


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_a_page_for_contributors_names_only_files_that_exist(page: Path) -> None:
    named = re.findall(r"(?<![\w/.$-])((?:[\w.-]+/)+[\w-]+\.(?:py|md|html|yml|toml))\b", code_of(page))
    places = (ROOT, ROOT / "src" / "dides")
    assert [name for name in named if not any((place / name).exists() for place in places)] == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_a_page_for_contributors_names_its_reader_at_once(page: Path) -> None:
    assert page.name == "SECURITY.md" or page.read_text(encoding="utf-8").splitlines()[2].startswith("For ")


def code_of(page: Path) -> str:
    """Return the code of a page: spans in backquotes, and indented lines."""
    text = page.read_text(encoding="utf-8")
    spans = [span + " " for span in re.findall(r"`([^`\n]+)`", text)]
    return "\n".join([*spans, *re.findall(r"^    .*$", text, re.MULTILINE)]) + "\n"
