"""The commands that the form shows: whoever types them asks for what the form asks for."""

import shlex
import string

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from dides.dashboard.pages.deploy_form import read
from dides.protocol.decode import decode
from dides.protocol.messages import Configuration, DeployRequest
from dides.text.commands import USUAL_SERVER, curl_command, dides_command
from support.fake_coordinator import FakeCoordinator, make_deployment
from support.run_cli import run_cli

SERVER = "https://dides.example:8420"
VERSIONS = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=12)
WORDS = st.text(string.ascii_lowercase, min_size=1, max_size=5)
AMOUNTS = st.one_of(st.integers(1, 1_000_000).map(str), st.sampled_from(["25%", "0.01%", "100%"]))
SECONDS = st.one_of(st.integers(601, 31_536_000).map(str), st.floats(601, 31_536_000).map(repr))
WHAT = st.one_of(
    st.fixed_dictionaries({"code_version": VERSIONS}),
    st.fixed_dictionaries({"configuration_version": VERSIONS}),
    st.fixed_dictionaries({"code_version": VERSIONS, "configuration_version": VERSIONS}),
)
LABELS = st.dictionaries(WORDS, st.one_of(WORDS, st.just("")), min_size=1, max_size=3).map(
    lambda labels: ", ".join(f"{key}={value}" for key, value in labels.items())
)
SELECTORS = st.sampled_from(["!canary", "role in (web,api)", "a!=b,c", "x == y"])
WHERE = st.one_of(
    st.just({"everything": "true"}),
    st.fixed_dictionaries({"labels": LABELS}),
    st.fixed_dictionaries({"selector": SELECTORS}),
    st.fixed_dictionaries({"labels": LABELS, "selector": SELECTORS}),
)
SETTINGS: dict[str, st.SearchStrategy[str]] = {
    "batch_size": AMOUNTS,
    "failure_threshold": AMOUNTS,
    "waves": st.sampled_from(["1", "1, 10%", "2 5% 50%"]),
    "wave_pause": st.one_of(SECONDS, st.just("manual")),
    "min_healthy_time": st.sampled_from(["0", "2.5", "600"]),
    "update_timeout": SECONDS,
    "deadline": SECONDS,
    "max_unavailable": AMOUNTS,
    "spread_by": WORDS,
    "retries": st.integers(0, 100).map(str),
    "order": st.sampled_from(["name", "shuffle"]),
    "auto_rollback": st.sampled_from(["true", "false"]),
    "force": st.sampled_from(["true", "false"]),
}
HOW = st.fixed_dictionaries({}, optional=SETTINGS).filter(
    lambda how: how.get("min_healthy_time") != "600" or "update_timeout" in how
)


def sent_by(command: str) -> DeployRequest:
    """Return the request that a command line of dides sends."""
    program, name, *rest = shlex.split(command)
    assert (program, name) == ("dides", "deploy")
    coordinator = FakeCoordinator()
    coordinator.triggered = make_deployment()
    run_cli(coordinator.transport, "deploy", "--no-wait", "--yes", "--output", "json", "--token", "secret", *rest)
    (request,) = coordinator.sent("POST", "/deploy")
    return decode(request.content, DeployRequest)


def in_full(request: DeployRequest) -> DeployRequest:
    """Return a request with the configuration that it leaves out, as the command line sends it."""
    return msgspec.structs.replace(request, configuration=request.configuration or Configuration())


@given(what=WHAT, where=WHERE, how=HOW)
@settings(max_examples=60)
def test_the_command_asks_for_what_the_form_asks_for(
    what: dict[str, str], where: dict[str, str], how: dict[str, str]
) -> None:
    typed = read({**what, **where, **how})
    assert sent_by(dides_command(typed.request, SERVER)) == in_full(typed.request)
    assert decode(body_in(curl_command(typed.body, SERVER, with_token=True)), DeployRequest) == typed.request


def body_in(command: str) -> bytes:
    words = shlex.split(command)
    assert words[0] == "curl"
    assert words[-1] == f"{SERVER}/deploy"
    return words[words.index("--data") + 1].encode()


def test_a_version_that_looks_like_a_flag_is_not_taken_for_one() -> None:
    typed = read({"code_version": "--yes", "configuration_version": "-7", "everything": "true"})
    assert sent_by(dides_command(typed.request, SERVER)) == in_full(typed.request)


def test_commands_are_as_one_would_type_them() -> None:
    typed = read({"code_version": "1.1.0", "labels": "env=production", "waves": "1, 10%", "auto_rollback": "false"})
    command = dides_command(typed.request, USUAL_SERVER)
    assert command == "dides deploy 1.1.0 -l env=production --waves 1,10% --no-auto-rollback"
    assert dides_command(typed.request, SERVER) == f"{command} --server {SERVER}"


def test_curl_is_given_a_variable_for_the_token_and_none_where_none_is_needed() -> None:
    body = read({"code_version": "it's", "everything": "true"}).body
    command = curl_command(body, SERVER, with_token=True)
    assert '"Authorization: Bearer $DIDES_TOKEN"' in command
    assert body_in(command) == body
    assert "TOKEN" not in curl_command(body, SERVER, with_token=False)


def test_every_setting_is_tried() -> None:
    assert set(SETTINGS) == set(Configuration.__struct_fields__)
