"""Refusals: each has its own kind and status, and says what to do next."""

import pytest

from dides.model import errors
from dides.model.errors import FieldError, InFlightError, InvalidError, RefusedError

EVERY = [each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, RefusedError)]


def test_no_two_refusals_are_of_one_kind() -> None:
    assert len({each.kind for each in EVERY}) == len({each.title for each in EVERY}) == len(EVERY)


@pytest.mark.parametrize("refusal", EVERY)
def test_a_refusal_has_a_status_of_the_wire_contract(refusal: type[RefusedError]) -> None:
    assert refusal.status in {400, 401, 403, 404, 409, 410, 422, 429, 503}


def test_an_invalid_request_names_each_field_and_why() -> None:
    refused = InvalidError(FieldError("labels.env", "is too long"), FieldError("", "is no object"))
    assert refused.detail == str(refused) == "labels.env: is too long; is no object"
    assert [each.field for each in refused.errors] == ["labels.env", ""]


def test_a_deployment_in_the_way_is_named_with_what_to_do_about_it() -> None:
    refused = InFlightError(42)
    assert (refused.deployment_id, refused.status) == (42, 409)
    for words in ("42", "abort", "roll it back"):
        assert words in refused.detail
