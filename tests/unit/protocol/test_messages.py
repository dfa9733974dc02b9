"""What an agent makes of answers by coordinators of another age."""

import msgspec
import pytest

from dides.model.state import ApplyRule
from dides.protocol.messages import Directive

ANSWER = {
    "name": "web-1",
    "desired": None,
    "generation": 7,
    "deployment_id": None,
    "update_needed": False,
    "heartbeat_interval": 10,
}


@pytest.mark.parametrize("fields", [{}, {"apply": "on_sundays", "unheard_of": 1}])
def test_a_rule_that_is_absent_or_unknown_is_the_usual_one(fields: dict[str, object]) -> None:
    directive = msgspec.json.decode(msgspec.json.encode(ANSWER | fields), type=Directive)
    assert directive.apply is ApplyRule.UNLESS_HEALTHY


@pytest.mark.parametrize("rule", ApplyRule)
def test_every_rule_goes_over_the_wire(rule: ApplyRule) -> None:
    directive = msgspec.json.decode(msgspec.json.encode(ANSWER | {"apply": rule}), type=Directive)
    assert directive.apply is rule
