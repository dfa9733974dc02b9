"""Every field of the policy is everywhere where it has to be. The names are those of the wire's message.

docs/contributing/add-a-policy-field.md leads through the places; each test here fails when one of them lacks a field.
"""

import json
import re
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest
from typer.core import TyperOption

from dides.cli.display.show import say_configuration
from dides.cli.main import load_command
from dides.dashboard.pages.deploy_form import read, texts_in_body
from dides.model.policy import Policy
from dides.protocol.messages import Configuration
from dides.rehearsal.durations import Normal
from dides.rehearsal.fleet import Condition, Group
from dides.rehearsal.rehearse import Rehearsal, rehearse_once, trigger
from dides.rehearsal.run import Chances, Outcome
from dides.text.policy import policy_facts, wave_facts
from simulation.test_model_check import CASES
from simulator.runs.policy_generator import draw_policy

ROOT = Path(__file__).parents[2]
FIELDS = Configuration.__struct_fields__

OTHERS: dict[str, Any] = {
    "batch_size": 2,
    "failure_threshold": 3,
    "waves": (1, 3),
    "wave_pause": 60.0,
    "min_healthy_time": 5.0,
    "update_timeout": 45.0,
    "deadline": 25.0,
    "max_unavailable": 1,
    "spread_by": "zone",
    "retries": 1,
    "order": "shuffle",
    "auto_rollback": False,
    "force": True,
}
"""For each field a value that is not its default, and that changes the rollouts that are rehearsed below."""

NOT_IN_THE_MODEL = {
    "spread_by": "the model's instances have no labels; worlds and tests/unit/engine/test_spread.py have them",
    "order": "the model's instances are alike, so that which goes first leads to the same states",
    "auto_rollback": "a rollback that does not begin adds no state; worlds draw it",
    "force": "none of the model's instances is at the target before; worlds and test_apply_rule.py have such",
}
"""Why no case of the model check sets a field. Whoever adds a field here says where it is proven instead."""


def configured(name: str) -> Policy:
    """Return a policy with one field that is not its default, and with what that needs to matter."""
    needed = {
        "waves": {"batch_size": 3},
        "wave_pause": {"waves": OTHERS["waves"]},
        "max_unavailable": {"batch_size": 3},
    }.get(name, {})
    return msgspec.convert({**needed, name: OTHERS[name]}, Policy)


def test_each_field_has_another_value_here() -> None:
    defaults = msgspec.structs.asdict(Configuration())
    assert set(OTHERS) == set(FIELDS)
    assert [name for name in FIELDS if OTHERS[name] == defaults[name]] == []


def test_the_model_has_the_fields_and_defaults_of_the_wire() -> None:
    assert msgspec.to_builtins(Policy()) == msgspec.to_builtins(Configuration())


@pytest.mark.parametrize("command", ["deploy", "plan", "rehearse"])
def test_each_field_is_an_option_of_the_command(command: str) -> None:
    flags = {flag for param in load_command(command).params if isinstance(param, TyperOption) for flag in param.opts}
    assert {f"--{name.replace('_', '-')}" for name in FIELDS} <= flags


@pytest.mark.parametrize("name", FIELDS)
def test_each_field_is_read_from_the_form(name: str) -> None:
    body = json.dumps({"code_version": "1", "labels": {}, "configuration": {name: OTHERS[name]}})
    typed = read(texts_in_body(body.encode())).request
    assert typed.configuration == msgspec.convert({name: OTHERS[name]}, Configuration)


@pytest.mark.parametrize("name", FIELDS)
def test_each_field_is_said_of_a_deployment(name: str) -> None:
    """On the page of a deployment, and in the terminal."""
    fleet = (Group(4, spread="a"), Group(4, spread="b"))
    ledger = trigger(fleet, configured(name), 0).ledger
    facts = dict(policy_facts(ledger.its_deployment))
    assert wave_facts(ledger.its_deployment) if name == "waves" else name in facts


def test_the_page_about_policies_has_each_field() -> None:
    page = (ROOT / "docs" / "policies.md").read_text(encoding="utf-8")
    fields = page.partition("## The fields")[2].partition("\n## ")[0]
    assert set(re.findall(r"^\| `(\w+)` \|", fields, re.MULTILINE)) == set(FIELDS)


@pytest.mark.parametrize("name", sorted(set(FIELDS) - {"batch_size", "failure_threshold"}))
def test_each_field_is_shown_by_dides_deployment(name: str) -> None:
    """The two that are left out stand in the headline."""
    configuration = msgspec.convert(msgspec.to_builtins(configured(name)), Configuration)
    without = msgspec.structs.replace(configuration, **default_of(name))
    assert say_configuration(configuration) != say_configuration(without)


def test_the_page_about_the_api_has_each_field() -> None:
    page = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    assert set(FIELDS) <= set(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE))


@pytest.mark.parametrize("name", FIELDS)
def test_each_field_changes_what_a_rehearsal_comes_to(name: str) -> None:
    assert rehearsed(name) != rehearsed(None, like=name)


def rehearsed(name: str | None, like: str = "") -> list[Outcome]:
    """Rehearse a rollout with a field, or the same without it; some attempts fail, and some instances are lost."""
    policy = configured(name) if name else msgspec.structs.replace(configured(like), **default_of(like))
    fleet = (
        Group(6, spread="a"),
        Group(4, Condition.THERE, "b"),
        Group(2, Condition.UNHEALTHY, "b"),
        Group(2, spread="b"),
    )
    chances = Chances(durations=Normal(mean_ms=10_000, spread_ms=4_000), failure_rate=0.1, lost_rate=0.05)
    rehearsal = Rehearsal(fleet=fleet, policy=policy, chances=chances, seed=1)
    return [rehearse_once(rehearsal, number) for number in range(20)]


def default_of(name: str) -> dict[str, Any]:
    return {name: getattr(Policy(), name)}


@pytest.mark.parametrize("name", FIELDS)
def test_each_field_is_in_a_case_of_the_model_check_or_it_is_said_why_not(name: str) -> None:
    default = getattr(Policy(), name)
    modelled = any(getattr(case.policy, name) != default for case in CASES.values())
    assert modelled is (name not in NOT_IN_THE_MODEL)


@pytest.mark.parametrize("name", FIELDS)
def test_simulated_worlds_draw_each_field(name: str) -> None:
    drawn = {getattr(draw_policy(Random(seed)), name) for seed in range(100)}
    assert len(drawn) > 1
