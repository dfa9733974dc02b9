"""The pages say what is there: settings, commands, files, links, dependencies."""

import hashlib
import json
import re
import tomllib
from pathlib import Path

import msgspec
import pytest
from typer.core import TyperOption

from dides.cli.main import COMMANDS, load_command
from dides.dashboard.routes import create_dashboard
from dides.engine import window
from dides.model.policy import Policy
from dides.store.urls import UnknownDatabaseError, is_postgresql, sqlite_file

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "dides"
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
DECISIONS = sorted((ROOT / "docs" / "decisions").glob("*.md"))
LONGEST_DECISION = 40


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


def rows_of(text: str) -> list[list[str]]:
    """Return the cells of the rows of all tables in a text that begin with code."""
    return [re.split(r"\s*\|\s*", line) for line in re.findall(r"^\| (`.*) \|$", text, re.MULTILINE)]


def code_of(text: str) -> str:
    """Return the code of a page: spans in backquotes and indented lines, continued lines joined."""
    blocks = re.findall(r"^    .*$", text.replace("\\\n", " "), re.MULTILINE)
    return "\n".join([*re.findall(r"`([^`\n]+)`", text), *blocks])


def settings_of_the_server() -> dict[str, tuple[str, str]]:
    """Return the variable and the default of each flag of `dides server`; "" for none, or too long a story."""
    settings = {}
    for param in load_command("server").params:
        if isinstance(param, TyperOption) and param.name != "help":
            settings[param.opts[0]] = (str(param.envvar or ""), say_default(param))
    return settings


def say_default(option: TyperOption) -> str:
    default = option.default
    if isinstance(default, bool):
        return "on" if default else "off"
    if isinstance(default, int | float):
        return f"{default:g}"
    return str(default or "")


def test_the_operations_page_has_every_setting_of_the_server_with_its_variable_and_default() -> None:
    text = read("docs/operations.md").partition("## Settings of the coordinator")[2].partition("\n## ")[0]
    documented = {row[0].strip("`"): (row[1].strip("`"), row[2].strip("`")) for row in rows_of(text)}
    real = settings_of_the_server()
    assert set(documented) == set(real)
    for flag, (variable, default) in real.items():
        assert documented[flag][0] == variable
        assert documented[flag][1] == default or not default, f"the default of {flag} is {default}"


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    links = {link.partition("#")[0] for link in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in link}
    assert [link for link in sorted(links) if link and not (page.parent / link).exists()] == []


@pytest.mark.parametrize("name", ["README.md", "docs/operations.md", "docs/agent.md"])
def test_a_page_names_only_commands_and_flags_that_exist(name: str) -> None:
    wrong = []
    for command, rest in re.findall(r"\bdides ([a-z]+)\b([^\n|#]*)", code_of(read(name))):
        flags = set(re.findall(r"(?<!\S)--[a-z][a-z-]*", rest))
        if command not in COMMANDS or not flags <= flags_of(command):
            wrong.append(f"dides {command}{rest}")
    assert wrong == []


def flags_of(command: str) -> set[str]:
    options = [param for param in load_command(command).params if isinstance(param, TyperOption)]
    return {"--help", *(name for option in options for name in (*option.opts, *option.secondary_opts))}


def test_the_readme_names_only_make_targets_that_exist() -> None:
    targets = set(re.findall(r"^([a-z]+):", read("Makefile"), re.MULTILINE))
    assert set(re.findall(r"\bmake ([a-z]+)", code_of(read("README.md")))) <= targets


def test_the_dependencies_page_lists_exactly_the_direct_dependencies() -> None:
    project = tomllib.loads(read("pyproject.toml"))
    wanted = [
        *project["project"]["dependencies"],
        *(each for extra in project["project"]["optional-dependencies"].values() for each in extra),
        *project["dependency-groups"]["dev"],
    ]
    rows = re.findall(r"^\| ([a-z0-9-]+) \| [0-9.]+ \|", read("docs/dependencies.md"), re.MULTILINE)
    assert sorted(rows) == sorted(re.split(r"[\[<>=]", each)[0] for each in wanted)


def ours(row: str) -> str:
    """Return what docs/comparison.md says of dides in a row."""
    cells = re.findall(rf"^\| {row} \| ([^|]*) \|", read("docs/comparison.md"), re.MULTILINE)
    assert len(cells) == 1, row
    return str(cells[0])


def test_the_comparison_says_of_dides_what_is_true_of_it() -> None:
    project = tomllib.loads(read("pyproject.toml"))["project"]
    assert set(re.findall(r"dides (\d\S*)", read("docs/comparison.md"))) == {project["version"]}
    assert ours("web interface").startswith("yes") is bool(create_dashboard().routes)
    databases = {"SQLite": "sqlite:///dides.db", "PostgreSQL": "postgresql://host/dides"}
    assert {name for name in databases if name in ours("state")} == {
        name for name, url in databases.items() if is_known(url)
    }
    assert ours("licence") == project["license"]
    systems = {line.rpartition(" :: ")[2] for line in project["classifiers"] if "Operating System" in line}
    assert set(ours("instances").lower().split(", ")) == {system.lower() for system in systems}


def test_the_comparison_names_only_fields_of_policies_that_exist() -> None:
    fields = set(msgspec.structs.asdict(Policy()))
    rows = re.findall(r"^\| [^|]+ \| ([^|]*) \|", read("docs/comparison.md"), re.MULTILINE)
    assert {name for cell in rows for name in re.findall(r"`(\w+)`", cell)} <= fields


def is_known(url: str) -> bool:
    try:
        return is_postgresql(url) or bool(sqlite_file(url))
    except UnknownDatabaseError:
        return False


def test_the_vendored_file_is_the_one_that_is_written_down() -> None:
    folder = SOURCE / "dashboard" / "assets" / "vendor"
    written = json.loads((folder / "htmx.json").read_text(encoding="utf-8"))
    assert hashlib.sha256((folder / "htmx.min.js").read_bytes()).hexdigest() == written["sha256"]
    assert f"| htmx (`dashboard/assets/vendor/htmx.min.js`) | {written['version']} |" in read("docs/dependencies.md")
    assert f'version:"{written["version"]}"' in (folder / "htmx.min.js").read_text(encoding="utf-8")


def test_every_file_that_the_architecture_page_names_exists() -> None:
    named = re.findall(r"`([a-z_]+(?:/[a-z_]+)*(?:\.py|/))`", read("docs/architecture.md"))
    assert named
    assert [each for each in named if not ((SOURCE / each).exists() or (ROOT / each).exists())] == []


def test_every_function_that_the_architecture_page_names_is_in_its_file() -> None:
    page = read("docs/architecture.md")
    found = re.findall(r"`([a-z_/]+\.py)`, `([\w.]+)`(?: and `(\w+)`)?", page)
    named = [(file, name) for file, *names in found for name in names if name]
    assert named
    assert [f"{file} has no {name}" for file, name in named if not defines(file, name)] == []


def defines(file: str, name: str) -> bool:
    text = (SOURCE / file).read_text(encoding="utf-8")
    return re.search(rf"def {name.rpartition('.')[2]}\b", text) is not None


def test_the_place_where_failed_without_observed_is_decided_is_found_at_once() -> None:
    row = next(row for row in read("docs/architecture.md").splitlines() if "FAILED without `observed`" in row)
    assert "`engine/verdict.py`, `reported_failed`" in row


def test_the_picture_shows_nothing_of_the_machine_that_made_it() -> None:
    picture = read("docs/demo.svg")
    assert re.findall(r"/(?:tmp|root|home|work|var|usr|Users)/", picture) == []
    assert set(re.findall(r"https?://[^\s\"']+", picture)) == {"http://www.w3.org/2000/svg"}


@pytest.mark.parametrize("page", DECISIONS, ids=name_of)
def test_decisions_are_numbered_and_short(page: Path) -> None:
    number = DECISIONS.index(page) + 1
    lines = page.read_text(encoding="utf-8").splitlines()
    assert page.name.startswith(f"{number:04}-")
    assert lines[0].startswith(f"# {number}. ")
    assert [f"## {title}" for title in ("Context", "Decision", "Consequences")] == [
        line for line in lines if line.startswith("## ")
    ]
    assert len(lines) <= LONGEST_DECISION


def test_the_changelog_has_the_version_of_the_project() -> None:
    version = tomllib.loads(read("pyproject.toml"))["project"]["version"]
    assert version in read("CHANGELOG.md")


def test_the_page_about_policies_has_every_field_with_its_default() -> None:
    text = read("docs/policies.md").partition("## The fields")[2].partition("\n## ")[0]
    documented = {row[0].strip("`"): row[1].strip("`") for row in rows_of(text)}
    defaults = msgspec.to_builtins(Policy())
    real = {name: msgspec.json.encode(value).decode().removesuffix(".0") for name, value in defaults.items()}
    assert documented == real


def test_the_page_about_policies_has_everything_that_may_hold_a_deployment() -> None:
    text = read("docs/policies.md").partition("## When several limits bind")[2].partition("\n## ")[0]
    documented = {row[0].strip("`") for row in rows_of(text.partition("Where rules")[0])}
    assert documented == {*window.NAMES, "null"}
