"""The form for a deployment: the wire's fields, and what is typed as the wire has it."""

import msgspec
import pytest
from msgspec import UNSET

from dides.dashboard.pages.deploy_form import IN_FORM, NAMES, fields, in_form, is_missing, read, texts_of
from dides.model.errors import FieldError, InvalidError
from dides.protocol.decode import decode
from dides.protocol.messages import Configuration, DeployRequest
from support.fake_coordinator import make_deployment

EVERYWHERE = {"code_version": "1", "everything": "true"}


def problems(**texts: str) -> dict[str, str]:
    with pytest.raises(InvalidError) as caught:
        read({**EVERYWHERE, **texts})
    return in_form(caught.value.errors)


def test_every_field_of_the_wire_is_in_the_form_with_its_description() -> None:
    assert set(Configuration.__struct_fields__) < set(NAMES)
    aliases = {"configuration", "condiguration", "lables"}
    assert set(DeployRequest.__struct_fields__) - aliases < set(NAMES)
    assert all(fields()[name].help for name in NAMES if name != "everything")
    assert fields()["order"].choices == ("name", "shuffle")
    assert fields()["auto_rollback"].switch


def test_the_defaults_that_are_shown_are_those_of_the_wire() -> None:
    texts = {name: field.default for name, field in fields().items()}
    assert (texts["batch_size"], texts["update_timeout"], texts["deadline"]) == ("1", "600", "")
    typed = read({**texts, **EVERYWHERE})
    assert typed.request == DeployRequest(code_version="1", labels={})
    assert typed.body == b'{"code_version": "1", "labels": {}}'


def test_everything_that_can_be_typed() -> None:
    typed = read(
        {
            "code_version": "1.1.0",
            "configuration_version": "7",
            "labels": "env = production, role=web  zone=",
            "selector": "!canary",
            "batch_size": "25%",
            "failure_threshold": "3",
            "waves": "1, 5,10%",
            "wave_pause": "manual",
            "min_healthy_time": "2.5",
            "update_timeout": "60",
            "deadline": "3600",
            "max_unavailable": "10%",
            "spread_by": "zone",
            "retries": "2",
            "order": "shuffle",
            "auto_rollback": "false",
        }
    )
    assert typed.request == DeployRequest(
        code_version="1.1.0",
        configuration_version="7",
        labels={"env": "production", "role": "web", "zone": ""},
        selector="!canary",
        configuration=msgspec.convert(
            {
                "batch_size": "25%",
                "failure_threshold": 3,
                "waves": [1, 5, "10%"],
                "wave_pause": "manual",
                "min_healthy_time": 2.5,
                "update_timeout": 60,
                "deadline": 3600,
                "max_unavailable": "10%",
                "spread_by": "zone",
                "retries": 2,
                "order": "shuffle",
                "auto_rollback": False,
            },
            Configuration,
        ),
    )
    assert decode(typed.body, DeployRequest) == typed.request


def test_what_is_left_empty_is_left_out() -> None:
    typed = read({"code_version": "1", "configuration_version": "", "labels": "env=a", "selector": "", "waves": " , "})
    assert typed.request == DeployRequest(code_version="1", labels={"env": "a"})


@pytest.mark.parametrize(
    ("field", "text", "says"),
    [
        ("code_version", "a b", "must be 1 to 128 visible ASCII"),
        ("batch_size", "0", "must be at least 1"),
        ("batch_size", "some", "must be a count"),
        ("batch_size", "9" * 5000, "must be a count"),
        ("max_unavailable", "101%", "must be a count"),
        ("waves", "5, 3", "must grow from wave to wave"),
        ("waves", "1, x", "must be a count"),
        ("wave_pause", "later", "must be seconds"),
        ("deadline", "nan", "must be seconds"),
        ("deadline", "inf", "must be seconds"),
        ("update_timeout", "1e999", "must be seconds"),
        ("min_healthy_time", "600", "must be under update_timeout"),
        ("spread_by", "a b", "must be the key of a label"),
        ("retries", "2.5", "must be a whole number"),
        ("order", "backwards", 'must be "name" or "shuffle"'),
        ("auto_rollback", "perhaps", "must be true or false"),
    ],
)
def test_what_is_wrong_is_said_at_its_field_in_words_for_those_who_type(field: str, text: str, says: str) -> None:
    found = problems(**{field: text})
    assert list(found) == [field]
    assert says in found[field]
    assert "null" not in found[field]


def test_labels_are_texts_that_must_be_pairs() -> None:
    for text, says in (
        ("env", "'env' is not KEY=VALUE"),
        ("env=a,env=b", "env cannot be a and b at once"),
        ("a b=c", "'a' is not KEY=VALUE"),
        ("-=c", "is not a label key"),
    ):
        assert says in problems(labels=text, everything="false")["labels"]


def test_the_whole_fleet_excludes_a_narrower_choice() -> None:
    assert "leave labels and selector empty" in problems(labels="env=a")["everything"]
    assert "leave labels and selector empty" in problems(selector="env")["everything"]


def test_what_is_not_typed_yet_is_missing_and_not_wrong() -> None:
    with pytest.raises(InvalidError) as caught:
        read({"code_version": "", "labels": ""})
    assert all(map(is_missing, caught.value.errors))
    assert set(in_form(caught.value.errors)) == {"code_version", "labels"}
    assert not is_missing(FieldError("batch_size", "must be a count"))


def test_the_sentences_that_forms_put_differently_are_still_those_of_the_api() -> None:
    with pytest.raises(InvalidError) as caught:
        decode(b"{}", DeployRequest)
    assert {each.message for each in caught.value.errors} < set(IN_FORM)


@pytest.mark.parametrize(
    "texts",
    [
        EVERYWHERE,
        {"code_version": "1", "labels": "env=a, role=web", "batch_size": "25%", "waves": "1, 10%"},
        {"configuration_version": "7", "selector": "role in (web,api)", "wave_pause": "manual", "deadline": "0.5"},
        {"code_version": "1", "labels": "env=a", "auto_rollback": "false", "order": "shuffle", "spread_by": "zone"},
    ],
)
def test_a_deployment_fills_the_form_that_makes_another_one_like_it(texts: dict[str, str]) -> None:
    asked = read(texts).request
    deployment = msgspec.structs.replace(
        make_deployment(),
        code_version=None if asked.code_version is UNSET else asked.code_version,
        configuration_version=None if asked.configuration_version is UNSET else asked.configuration_version,
        labels=asked.labels or {},
        selector=None if asked.selector is UNSET else asked.selector,
        configuration=asked.configuration or Configuration(),
    )
    assert texts_of(deployment) == texts
    assert read(texts_of(deployment)).request == asked


def test_what_is_too_long_is_not_looked_at() -> None:
    for name in ("labels", "selector", "waves", "batch_size", "code_version"):
        with pytest.raises(InvalidError) as refused:
            read({"code_version": "1", "labels": "a=b", name: " " * 10**6})
        assert [(error.field, error.message) for error in refused.value.errors] == [
            (name, "must have at most 32,000 characters")
        ]


def test_as_many_blanks_as_fit_are_left_out() -> None:
    blanks = " " * 10_000
    assert read({"code_version": "1", "labels": f"a{blanks}={blanks}b"}).request.labels == {"a": "b"}
