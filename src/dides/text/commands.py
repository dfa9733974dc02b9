"""A request as what one types elsewhere to send it: a command of dides, or one of curl."""

import shlex

import msgspec
from msgspec import UNSET

from dides.protocol.messages import Configuration, DeployRequest
from dides.protocol.text_values import number_text

USUAL_SERVER = "http://127.0.0.1:8420"
"""The server that `dides` asks when none is named."""


def dides_command(request: DeployRequest, server: str) -> str:
    """Return the `dides deploy` command that sends a request to a coordinator, on one line."""
    code = [] if request.code_version is UNSET else [request.code_version]
    begins_like_a_flag = [version for version in code if version.startswith("-")]
    words = ["dides", "deploy", *(version for version in code if version not in begins_like_a_flag)]
    if request.configuration_version is not UNSET:
        words += _flag("config", request.configuration_version)
    words += _scope(request)
    if request.configuration is not UNSET:
        words += _policy(request.configuration)
    words += [] if server == USUAL_SERVER else ["--server", server]
    return shlex.join([*words, *(["--", *begins_like_a_flag] if begins_like_a_flag else [])])


def curl_command(body: bytes, server: str, *, with_token: bool) -> str:
    """Return the `curl` command that sends a body, on one line; the token is left to a variable of the shell."""
    words = ["curl", "-sS", "-H", "Content-Type: application/json", "--data", body.decode(), f"{server}/deploy"]
    token = ' -H "Authorization: Bearer $DIDES_TOKEN"' if with_token else ""
    return f"{shlex.join(words[:2])}{token} {shlex.join(words[2:])}"


def _scope(request: DeployRequest) -> list[str]:
    labels = {} if request.labels is UNSET else request.labels
    words = [word for key, value in labels.items() for word in ("-l", f"{key}={value}")]
    if request.selector is not UNSET:
        words += _flag("selector", request.selector)
    return words or ["--all"]


def _policy(configuration: Configuration) -> list[str]:
    """Return the flags of what is not as it would be anyway."""
    usual = Configuration()
    words: list[str] = []
    for name in Configuration.__struct_fields__:
        value = getattr(configuration, name)
        if value != getattr(usual, name):
            words += _setting(name.replace("_", "-"), value)
    return words


def _setting(name: str, value: object) -> list[str]:
    if isinstance(value, bool):
        return [f"--{name}" if value else f"--no-{name}"]
    if isinstance(value, tuple):
        return _flag(name, ",".join(map(str, value)))
    if isinstance(value, float):
        return _flag(name, number_text(value))
    return _flag(name, str(msgspec.to_builtins(value)))


def _flag(name: str, value: str) -> list[str]:
    """Return a flag and its value: as one word where the value might be taken for a flag."""
    return [f"--{name}={value}"] if value.startswith("-") else [f"--{name}", value]
