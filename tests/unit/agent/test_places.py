"""Where an agent finds its instance again when nobody names it, perhaps on a host that was renamed."""

from pathlib import Path

import pytest

from dides.agent.persisted import Memory
from dides.agent.places import find_among, recall_name
from dides.agent.statedir import FILE
from support.running_agent import remember


@pytest.fixture
def places(tmp_path: Path) -> Path:
    return tmp_path / "agent"


def lived_in(place: Path, *, named_after_host: bool = True) -> Path:
    """Leave a directory behind in which an instance with its name has lived."""
    remember(place, Memory(name=place.name, named_after_host=named_after_host))
    return place


def test_a_first_start_takes_the_name_of_the_host(places: Path) -> None:
    assert find_among(places, "new") == places / "new"
    assert recall_name(places / "new") is None


def test_a_renamed_host_keeps_its_instance(places: Path) -> None:
    old = lived_in(places / "old")
    lived_in(places / "given", named_after_host=False)
    assert find_among(places, "new") == old
    assert recall_name(old) == "old"


def test_an_instance_with_the_name_of_the_host_goes_before(places: Path) -> None:
    lived_in(places / "old")
    assert find_among(places, "new") != places / "new"
    lived_in(places / "new")
    assert find_among(places, "new") == places / "new"


@pytest.mark.parametrize("others", [["a"], ["a", "b"]])
def test_one_that_was_given_its_name_or_one_of_several_is_not_taken(places: Path, others: list[str]) -> None:
    for name in others:
        lived_in(places / name, named_after_host=len(others) > 1)
    assert find_among(places, "new") == places / "new"


def test_what_cannot_be_read_names_nobody(places: Path) -> None:
    lived_in(places / "old")
    (places / "old" / FILE).write_bytes(b"{")
    (places / "file").touch()
    assert find_among(places, "new") == places / "new"
    assert recall_name(places / "old") is None
