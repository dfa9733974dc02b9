"""The words of the field are used everywhere, and those that they replace nowhere."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
REPLACED = re.compile(
    r"\btellings?\b|told_at|retell|sighting|\bsigns? of life|pacemaker"
    r"|happenings|founding|attendance|say_again|take_in",
    re.IGNORECASE,
)
PLACES = ("src", "simulator", "docs", "README.md")
HISTORY = ("src/dides/store/migrations/", "docs/decisions/")
"""What was said then stays as it was: old revisions of the schema, and decisions."""
TEXTS = {".py", ".md", ".html", ".js", ".css", ".json", ".txt"}


def texts() -> list[Path]:
    """Return the files that people read."""
    found = (path for place in PLACES for path in [ROOT / place, *(ROOT / place).rglob("*")])
    return [path for path in found if path.suffix in TEXTS and not _is_history(path)]


def _is_history(path: Path) -> bool:
    return path.relative_to(ROOT).as_posix().startswith(HISTORY)


def test_no_replaced_word_is_left() -> None:
    left = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in texts()
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if REPLACED.search(line)
    ]
    assert left == []


@pytest.mark.parametrize(
    "text", ["a telling", "`told_at`", "Signs of life", "self.pacemaker", "retelling", "take_in()"]
)
def test_a_replaced_word_is_found(text: str) -> None:
    assert REPLACED.search(text)


def test_other_words_are_none_of_them() -> None:
    assert not REPLACED.search("he told him of the storytellings")
