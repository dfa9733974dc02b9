"""Every field that a request can get wrong has words that say what is wanted."""

import msgspec
import pytest

from dides.protocol import messages, queries
from dides.protocol.field_errors import NOT_YET, WANTED, field_error

REQUESTS = [
    each
    for module in (messages, queries)
    for each in vars(module).values()
    if isinstance(each, type) and issubclass(each, messages.Request)
]


@pytest.mark.parametrize("message", REQUESTS, ids=lambda each: each.__name__)
def test_every_field_of_every_request_has_words(message: type[msgspec.Struct]) -> None:
    for field in message.__struct_fields__:
        assert field in WANTED


def test_there_are_no_words_for_what_is_no_field() -> None:
    fields = {field for message in REQUESTS for field in message.__struct_fields__}
    named = {name.rpartition(".")[2].removesuffix("[]") for name in WANTED}
    assert named == fields


def test_what_is_not_supported_yet_is_no_field_now() -> None:
    fields = {*messages.Configuration.__struct_fields__, *messages.Registration.__struct_fields__}
    assert {name.rpartition(".")[2] for name in NOT_YET} & fields == set()


@pytest.mark.parametrize(
    ("text", "field", "words"),
    [
        ("Expected `int` >= 1 - at `$.configuration.batch_size`", "configuration.batch_size", "must be at least 1"),
        ("Expected `int` <= 1000000 - at `$.batch_size`", "batch_size", "must be at most 1,000,000"),
        ("Expected `float` > 0.0 - at `$.update_timeout`", "update_timeout", "must be above 0"),
        ("Expected `object` of length <= 64 - at `$.labels`", "labels", "must have at most 64 entries"),
        ("Expected `str`, got `null` - at `$.labels[...]`", "labels", WANTED["labels"]),
        ("Invalid enum value 9 - at `$.status`", "status", WANTED["status"]),
        ("Object missing required field `name` - at `$.instance`", "instance.name", "is needed"),
        ("Object missing required field `token`", "token", "is needed"),
        ("Object contains unknown field `identity`", "identity", "is not supported yet"),
        ("Object contains unknown field `wave` - at `$.configuration`", "configuration.wave", "is not a known field"),
        ("Expected `int` >= 1 - at `$.configuration.waves[1]`", "configuration.waves[1]", "must be at least 1"),
        ("Expected `str` matching regex '%' - at `$.waves[0]`", "waves[0]", WANTED["batch_size"]),
        ("Expected `array` of length <= 100 - at `$.waves`", "waves", "must have at most 100 entries"),
        ("Object contains unknown field `waves`", "waves", "is not a known field"),
        (
            "Object contains unknown field `a` - at `b` - at `$.configuration`",
            "configuration.a` - at `b",
            "is not a known field",
        ),
        ("Expected `object`, got `array`", "", "must be a JSON object"),
        ("Something new - at `$.elsewhere`", "elsewhere", "something new"),
    ],
)
def test_what_the_decoder_says_becomes_a_field_and_words(text: str, field: str, words: str) -> None:
    found = field_error(text, queries.NoQuery)
    assert (found.field, found.message) == (field, words)


def test_the_known_fields_are_listed_for_a_slip() -> None:
    found = field_error("Object contains unknown field `forse`", queries.DecommissionQuery)
    assert found.message == "is not a known field; known: force"


def test_two_fields_of_one_name_have_their_own_words() -> None:
    text = "Invalid enum value 'x' - at `$.status`"
    assert "running" in field_error(text, queries.DeploymentQuery).message
    assert "HEALTHY" in field_error(text, queries.InstanceQuery).message
