"""Which settings cannot be used, and which flag is blamed."""

from pathlib import Path

import msgspec
import pytest

from dides.agent.errors import SettingError
from dides.agent.settings import AgentSettings, check_settings, parse_labels

GOOD = AgentSettings(server="http://127.0.0.1:8420", token="t", name="web-1", ip="10.0.0.1", state_dir=Path("state"))


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"server": "https://dides.example/prefix/"},
        {"server": "http://[::1]:8420"},
        {"token": None},
        {"name": "a.b-c.example"},
        {"ip": "2001:db8::1"},
        {"ip": None},
        {"labels": {"example.com/role": "web", "empty": ""}},
        {"check_grace": 0.0},
        {"interval": 0.1},
    ],
)
def test_usable(changes: dict[str, object]) -> None:
    check_settings(msgspec.structs.replace(GOOD, **changes))


@pytest.mark.parametrize(
    ("flag", "changes"),
    [
        ("--server", {"server": "127.0.0.1:8420"}),
        ("--server", {"server": "ftp://host"}),
        ("--server", {"server": "http://"}),
        ("--server", {"server": "http://host:99999"}),
        ("--server", {"server": "http://[::1"}),
        ("--server", {"server": ""}),
        ("--token", {"token": ""}),
        ("--token", {"token": "x" * 1025}),
        ("--name", {"name": "Web-1"}),
        ("--name", {"name": "web_1"}),
        ("--name", {"name": "web-1\n"}),
        ("--name", {"name": ""}),
        ("--name", {"name": "a." * 126 + "ab"}),
        ("--ip", {"ip": "localhost"}),
        ("--ip", {"ip": "10.0.0.256"}),
        ("--ip", {"ip": ""}),
        ("--label", {"labels": {"a b": "c"}}),
        ("--label", {"labels": {"a": "b c"}}),
        ("--label", {"labels": {"dides/token": "x"}}),
        ("--label", {"labels": {f"k{number}": "v" for number in range(65)}}),
        ("--apply", {"apply": " "}),
        ("--check", {"check": "a\0b"}),
        ("--interval", {"interval": 0.0}),
        ("--interval", {"interval": float("nan")}),
        ("--interval", {"interval": float("inf")}),
        ("--apply-timeout", {"apply_timeout": -1.0}),
        ("--check-timeout", {"check_timeout": 0.0}),
        ("--check-grace", {"check_grace": -0.1}),
        ("--check-grace", {"check_grace": float("nan")}),
    ],
)
def test_unusable(flag: str, changes: dict[str, object]) -> None:
    with pytest.raises(SettingError) as caught:
        check_settings(msgspec.structs.replace(GOOD, **changes))
    assert caught.value.flag == flag


def test_labels_are_read_up_to_the_first_equals() -> None:
    assert parse_labels(["env=production", "empty=", "env=production"]) == {"env": "production", "empty": ""}


@pytest.mark.parametrize("texts", [["env"], ["env=a", "env=b"]])
def test_labels_that_cannot_be_meant(texts: list[str]) -> None:
    with pytest.raises(SettingError, match="--label"):
        parse_labels(texts)
