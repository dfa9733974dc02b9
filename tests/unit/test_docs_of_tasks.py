"""The pages that answer a question: they have every hold and every cause that the program knows."""

import re
from pathlib import Path

import pytest

from dides.engine.window import NAMES
from dides.model.explanation import Cause
from dides.text.holds_in_short import IN_SHORT

DOCS = Path(__file__).parents[2] / "docs"


def page(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def test_the_decision_tree_has_a_branch_for_every_hold() -> None:
    text = page("stuck-rollout.md").partition("## Every hold")[2].partition("\n## ")[0]
    assert sorted(re.findall(r"^### `(\w+)`$", text, re.MULTILINE)) == sorted(NAMES)


@pytest.mark.parametrize("hold", NAMES)
def test_a_branch_begins_with_what_dides_status_says(hold: str) -> None:
    branch = page("stuck-rollout.md").partition(f"### `{hold}`\n")[2].partition("\n##")[0]
    assert branch.strip().replace("\n", " ").startswith(f'"{IN_SHORT[hold]}"')


def test_the_page_about_one_instance_has_every_cause_in_the_order_of_the_rules() -> None:
    causes = re.findall(r"^\| `(\w+)` \|", page("why-not-updated.md"), re.MULTILINE)
    assert causes == [cause.value for cause in Cause]


def test_the_first_page_begins_with_tasks_and_each_task_page_names_its_reader() -> None:
    tasks = page("README.md").partition("## I want to …")[2].partition("\n## ")[0]
    pages = re.findall(r"\]\((\w[\w-]*\.md)\)", tasks)
    assert {"deploy-flask.md", "ci.md", "stuck-rollout.md", "several-coordinators.md", "backup.md", "upgrade.md"} <= {
        *pages
    }
    readers = {name: page(name).split("\n\n")[1].split()[:2] for name in pages}
    assert {name for name, words in readers.items() if words[0] != "For"} == set()
