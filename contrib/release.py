"""Builds the wheel and the sdist of a release into dist/, after every check that a machine can make.

`make release` runs it. It publishes nothing, and changes nothing outside dist/. See docs/contributing/release.md.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import zipfile
from collections.abc import Iterable
from datetime import UTC, date, datetime
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGE = "src/dides/"
VERSION = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)\Z")
ENTRY = re.compile(r"^## \[(?P<version>[^\]]+)\](?: - (?P<day>\S+))?[ \t]*$", re.MULTILINE)
FOREIGN = re.compile(r"(^|/)(simulator|sim|tests?|bench|conftest\.py|test_[^/]*\.py)(/|$)")
"""What must not be in a wheel: the simulator, tests and benchmarks."""


class NotReadyError(Exception):
    """Says why this tree is not a release."""


def check_version(version: str, changelog: str) -> None:
    """Check that a version is three numbers, and higher than every other version in the changelog."""
    if not VERSION.match(version):
        raise NotReadyError(f'the version in pyproject.toml is "{version}"; it must be three numbers, such as 1.2.3')
    others = {entry["version"] for entry in ENTRY.finditer(changelog)} - {"Unreleased", version}
    higher = [other for other in others if _numbers(other) > _numbers(version)]
    if higher:
        raise NotReadyError(f"CHANGELOG.md has {max(higher, key=_numbers)}, which is higher than {version}")


def check_changelog(version: str, changelog: str, today: date) -> None:
    """Check that the first entry behind "Unreleased" is this version's, has a day that has come, and says something."""
    entries = list(ENTRY.finditer(changelog))
    released = [entry for entry in entries if entry["version"] != "Unreleased"]
    if not released or released[0]["version"] != version:
        raise NotReadyError(f'the newest entry of CHANGELOG.md must be "## [{version}] - {today}"')
    entry = released[0]
    try:
        day = date.fromisoformat(entry["day"] or "")
    except ValueError:
        raise NotReadyError(f'the entry of {version} in CHANGELOG.md has no day: "## [{version}] - {today}"') from None
    if day > today:
        raise NotReadyError(f"the entry of {version} in CHANGELOG.md is dated {day}, and today is {today} (UTC)")
    if not re.search(r"^- ", _text_of(entry, changelog), re.MULTILINE):
        raise NotReadyError(f"the entry of {version} in CHANGELOG.md lists no change")
    unreleased = [entry for entry in entries if entry["version"] == "Unreleased"]
    if any(_text_of(entry, changelog).strip() for entry in unreleased):
        raise NotReadyError('CHANGELOG.md has changes under "Unreleased": move them into the entry of the version')


def check_wheel(names: Iterable[str], tracked: Iterable[str], version: str) -> None:
    """Check that a wheel has every file of src/dides that git knows, its own metadata, and nothing else."""
    found = {name for name in names if not name.startswith(f"dides-{version}.dist-info/")}
    wanted = {name.removeprefix("src/") for name in tracked if name.startswith(PACKAGE)}
    if foreign := sorted(name for name in found if FOREIGN.search(name)):
        raise NotReadyError(f"the wheel has the simulator or tests: {_some(foreign)}")
    if more := sorted(found - wanted):
        raise NotReadyError(f"the wheel has files that git does not know: {_some(more)}")
    if missing := sorted(wanted - found):
        raise NotReadyError(f"the wheel lacks {_some(missing)}")


def check_sdist(names: Iterable[str], tracked: Iterable[str], version: str) -> None:
    """Check that an sdist has every file that git knows, so that its tests can be run, and nothing else."""
    found = {name.removeprefix(f"dides-{version}/") for name in names} - {"PKG-INFO"}
    if found != set(tracked):
        raise NotReadyError(f"the sdist differs from what git knows: {_some(sorted(found ^ set(tracked)))}")


def check_tree(version: str) -> None:
    """Check that everything is committed, and that the tag of the version is not taken by another commit."""
    if changed := _git("status", "--porcelain").splitlines():
        raise NotReadyError(f"commit first: {_some(changed)}")
    tag = f"v{version}"
    if _git("tag", "--list", tag) and _git("rev-list", "-n1", tag) != _git("rev-parse", "HEAD"):
        raise NotReadyError(f"the tag {tag} is on another commit: raise the version in pyproject.toml")


def build(source: Path, kind: str, into: Path) -> Path:
    """Build an sdist or a wheel of a directory with the pinned hatchling, without the network; return the file."""
    into.mkdir(parents=True, exist_ok=True)
    before = set(into.iterdir())
    # The time of the commit stands in the archives, so that a second build gives the same bytes.
    environment = os.environ | {"SOURCE_DATE_EPOCH": _git("log", "-1", "--format=%ct")}
    command = [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", str(into)]
    subprocess.run(command, cwd=source, env=environment, check=True, capture_output=True)  # noqa: S603 - our own words
    (made,) = set(into.iterdir()) - before
    return made


def build_both(version: str, into: Path) -> list[Path]:
    """Build the sdist, and from what is in it the wheel; check both, and return the two files."""
    tracked = _git("ls-files").splitlines()
    with tempfile.TemporaryDirectory() as scratch:
        sdist = build(ROOT, "sdist", Path(scratch) / "built")
        with tarfile.open(sdist) as archive:
            check_sdist((member.name for member in archive if member.isfile()), tracked, version)
            archive.extractall(Path(scratch) / "unpacked", filter="data")
        wheel = build(Path(scratch) / "unpacked" / f"dides-{version}", "wheel", Path(scratch) / "built")
        with zipfile.ZipFile(wheel) as archive_of_wheel:
            check_wheel(archive_of_wheel.namelist(), tracked, version)
        shutil.rmtree(into, ignore_errors=True)
        into.mkdir()
        return [Path(shutil.copy2(file, into)) for file in (wheel, sdist)]


def main() -> None:
    """Check, build, and say what was done. Exits with 1 and a reason when this tree is not a release."""
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    print(f"==> dides {version}: looking at the version, CHANGELOG.md and what is committed")
    try:
        check_version(version, changelog)
        check_changelog(version, changelog, datetime.now(UTC).date())
        check_tree(version)
        print("==> building the sdist, and the wheel from the sdist; looking at what is in them")
        files = build_both(version, ROOT / "dist")
    except NotReadyError as why:
        sys.exit(f"not released: {why}")
    except subprocess.CalledProcessError as failed:
        sys.exit(f"not released: {' '.join(failed.cmd)} failed:\n{failed.stderr.decode()}")
    for file in files:
        print(f"    dist/{file.name}  sha256 {hashlib.sha256(file.read_bytes()).hexdigest()}")
    print(f"==> built, and published nowhere. Next: docs/contributing/release.md, from `git tag v{version}` on")


def _text_of(entry: "re.Match[str]", changelog: str) -> str:
    return changelog[entry.end() :].partition("\n## ")[0]


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version))


def _some(names: list[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def _git(*arguments: str) -> str:
    command = ["git", *arguments]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)  # noqa: S603 - our own words
    return done.stdout.strip()


if __name__ == "__main__":
    main()
