import pytest
import typer

from dides.cli.options.common import UsageError, join_selectors, read_labels, read_selector


def test_labels_are_pairs_and_a_value_may_be_empty_or_hold_an_equals_free_word() -> None:
    assert read_labels(["env=production", "canary="]) == {"env": "production", "canary": ""}
    assert read_labels(None) == {}
    assert read_labels(["env=a", "env=a"]) == {"env": "a"}


@pytest.mark.parametrize(
    ("texts", "says"),
    [
        (["env"], "not KEY=VALUE"),
        (["=x"], "not a label key"),
        (["env=a b"], "not a label value"),
        (["env=a,role=web"], "one -l for each label"),
        (["env=a", "env=b"], "cannot be a and b at once"),
    ],
)
def test_a_label_that_is_none_is_a_usage_error_that_says_why(texts: list[str], says: str) -> None:
    with pytest.raises(typer.BadParameter, match=says):
        read_labels(texts)


def test_a_selector_is_checked_before_it_is_sent() -> None:
    assert read_selector("role in (web,api),!canary") == "role in (web,api),!canary"
    assert read_selector(None) is None
    with pytest.raises(typer.BadParameter, match="not a label key"):
        read_selector("role in web")


def test_labels_and_a_selector_become_one_selector() -> None:
    assert join_selectors({"env": "a", "role": "web"}, "!canary") == "env=a,role=web,!canary"
    assert join_selectors({}, None) is None


def test_a_usage_error_is_its_own_text() -> None:
    assert UsageError("Say which instances.").format_message() == "Say which instances."
