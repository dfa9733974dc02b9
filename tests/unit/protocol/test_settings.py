"""The settings that the command line and the form are derived from are the fields of the message."""

import msgspec
import pytest

from dides.model.policy import Ordering
from dides.protocol.messages import Configuration
from dides.protocol.settings import Kind, settings

KINDS = {
    "batch_size": Kind.AMOUNT,
    "waves": Kind.AMOUNTS,
    "wave_pause": Kind.SECONDS_OR_WORD,
    "deadline": Kind.SECONDS,
    "max_unavailable": Kind.AMOUNT,
    "spread_by": Kind.TEXT,
    "retries": Kind.NUMBER,
    "order": Kind.CHOICE,
    "force": Kind.SWITCH,
}


def test_each_field_is_a_setting_with_its_default() -> None:
    assert {name: setting.default for name, setting in settings().items()} == msgspec.structs.asdict(Configuration())


@pytest.mark.parametrize(("name", "kind"), KINDS.items())
def test_the_kind_of_a_setting_follows_from_its_type(name: str, kind: Kind) -> None:
    assert settings()[name].kind is kind


def test_every_kind_has_an_example_here() -> None:
    assert set(KINDS.values()) == set(Kind)


def test_what_a_setting_means_is_said_without_null() -> None:
    assert [setting.name for setting in settings().values() if "null" in setting.help or not setting.help] == []


def test_a_choice_has_its_values_and_a_list_its_example() -> None:
    assert settings()["order"].choices is Ordering
    assert settings()["waves"].example == [1, "10%"]
    assert settings()["min_healthy_time"].label == "Min healthy time"
