"""The options that say how a deployment proceeds: read as the wire has them, refused by their own names."""

import inspect

import msgspec
import pytest
import typer

from dides.cli.main import load_command
from dides.cli.options.policy import options, read_configuration, takes_configuration
from dides.model.policy import Ordering
from dides.protocol.messages import Configuration


def test_without_options_every_field_has_the_default_of_the_wire() -> None:
    assert read_configuration() == Configuration()


def test_every_field_has_its_option() -> None:
    assert tuple(options()) == Configuration.__struct_fields__


def test_all_of_them_at_once() -> None:
    read = read_configuration(
        batch_size="25%",
        failure_threshold="3",
        waves="1, 5,10%",
        wave_pause="300",
        min_healthy_time=10,
        update_timeout=60,
        deadline=3600,
        max_unavailable="10%",
        spread_by="zone",
        retries=2,
        order=Ordering.SHUFFLE,
        auto_rollback=False,
        force=True,
    )
    assert read == Configuration(
        batch_size="25%",
        failure_threshold=3,
        waves=(1, 5, "10%"),
        wave_pause=300.0,
        min_healthy_time=10.0,
        update_timeout=60.0,
        deadline=3600.0,
        max_unavailable="10%",
        spread_by="zone",
        retries=2,
        order=Ordering.SHUFFLE,
        auto_rollback=False,
        force=True,
    )
    assert read_configuration(wave_pause="manual").wave_pause == "manual"


@pytest.mark.parametrize("text", ["1", "1000000", "25%", "0.01%", "100%"])
def test_an_amount_is_a_count_or_a_percentage(text: str) -> None:
    amount = text if text.endswith("%") else int(text)
    assert read_configuration(batch_size=text, max_unavailable=text).batch_size == amount


@pytest.mark.parametrize("text", ["0", "-1", "1000001", "x", "", "0%", "101%", "1.001%", "%", "1.5"])
@pytest.mark.parametrize("option", ["batch_size", "failure_threshold", "max_unavailable", "waves"])
def test_an_amount_that_is_neither_is_refused_by_the_name_of_its_option(option: str, text: str) -> None:
    if option == "waves" and not text:
        return  # no waves
    with pytest.raises(typer.BadParameter) as caught:
        read_configuration(**{option: text})
    message = caught.value.format_message()
    assert f"--{option.replace('_', '-')}" in message
    assert "must be" in message
    assert "null" not in message


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"waves": "5,3"}, "--waves: must grow from wave to wave"),
        ({"waves": "1,,3"}, "--waves: must be a count"),
        ({"waves": ",".join(map(str, range(1, 102)))}, "--waves: must have at most 100 entries"),
        ({"wave_pause": "later"}, '--wave-pause: must be seconds, from 0 to 31,536,000, or "manual"'),
        ({"wave_pause": "nan"}, "--wave-pause: must be at least 0"),
        ({"wave_pause": "-1"}, "--wave-pause: must be at least 0"),
        ({"min_healthy_time": 600.0}, "--min-healthy-time: must be under update_timeout"),
        ({"update_timeout": 0.0}, "--update-timeout: must be above 0"),
        ({"update_timeout": float("nan")}, "--update-timeout: must be above 0"),
        ({"update_timeout": float("inf")}, "--update-timeout: must be at most 31,536,000"),
        ({"deadline": 0.0}, "--deadline: must be above 0"),
        ({"spread_by": "a b"}, "--spread-by: must be the key of a label, such as zone."),
        ({"spread_by": ""}, "--spread-by: must be the key of a label"),
        ({"retries": 101}, "--retries: must be at most 100"),
        ({"retries": -1}, "--retries: must be at least 0"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_what_is_wanted(given: dict[str, object], says: str) -> None:
    with pytest.raises(typer.BadParameter) as caught:
        read_configuration(**given)
    assert says in caught.value.format_message()


def test_a_command_gets_the_options_in_the_place_of_its_configuration() -> None:
    seen: list[object] = []

    @takes_configuration
    def command(name: str = "x", *, configuration: Configuration, last: bool = False) -> None:
        """Do it."""
        seen.append((name, configuration, last))

    names = list(inspect.signature(command).parameters)
    assert names == ["name", *Configuration.__struct_fields__, "last"]
    assert command.__doc__ == "Do it."
    given = {name: option.default for name, option in inspect.signature(command).parameters.items()}
    command(**{**given, "retries": 7})
    assert seen == [("x", msgspec.structs.replace(Configuration(), retries=7), False)]


@pytest.mark.parametrize("command", ["deploy", "plan", "rehearse"])
def test_deploy_plan_and_rehearse_have_the_same_options(command: str) -> None:
    names = {param.name for param in load_command(command).params}
    assert names >= set(Configuration.__struct_fields__)
