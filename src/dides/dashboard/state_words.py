"""Versions, in words."""

from dides.model.state import State
from dides.protocol.messages import Deployment


def state(versions: State | None, nothing: str = "nothing") -> str:
    """Return a pair of versions in short: "1.0.0", "1.0.0 config 7", "config 7", or what stands for none."""
    if versions is None or versions.empty:
        return nothing
    configuration = "" if versions.configuration_version is None else f"config {versions.configuration_version}"
    return " ".join(part for part in (versions.code_version, configuration) if part)


def target_version(deployment: Deployment) -> str:
    """Return what a deployment rolls out, as `state` does."""
    return state(State(deployment.code_version, deployment.configuration_version))
