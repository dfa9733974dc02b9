"""From the body of POST /deploy to what the coordinator understands."""

import hashlib

import msgspec
from msgspec import UNSET

from dides.coordinator.transactions.commands import DeployCommand, Key
from dides.model.errors import FieldError, InvalidError
from dides.model.policy import Policy
from dides.model.selector import parse_selector
from dides.model.state import State
from dides.protocol.messages import DeployRequest

LONGEST_KEY = 255


def command_of(request: DeployRequest, actor: str) -> DeployCommand:
    """Return the command in a request that dides.protocol.decode has checked; InvalidError for a malformed selector."""
    labels = next((spelling for spelling in (request.labels, request.lables) if spelling is not UNSET), {})
    given = next(
        (spelling for spelling in (request.configuration, request.condiguration) if spelling is not UNSET),
        None,
    )
    text = None if request.selector is UNSET else request.selector
    return DeployCommand(
        to=State(
            None if request.code_version is UNSET else request.code_version,
            None if request.configuration_version is UNSET else request.configuration_version,
        ),
        labels=labels,
        selector_text=text,
        selector=parse_selector(text or "").and_labels(labels),
        policy=Policy(**msgspec.structs.asdict(given)) if given else Policy(),
        actor=actor,
    )


def key_of(text: str | None, command: DeployCommand) -> Key | None:
    """Return the idempotency key of a request, None when it came without one; InvalidError when it is unusable."""
    if text is None:
        return None
    if not text or len(text) > LONGEST_KEY:
        raise InvalidError(FieldError("Idempotency-Key", f"must have 1 to {LONGEST_KEY} characters"))
    return Key(text, hashlib.sha256(msgspec.json.encode(command, order="deterministic")).digest())
