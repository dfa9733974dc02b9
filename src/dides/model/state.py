"""What an instance runs, and how it says it is."""

from enum import IntEnum, StrEnum
from typing import Annotated

import msgspec

Version = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^[!-~]+\Z",
        min_length=1,
        max_length=128,
        description="A version: 1 to 128 visible ASCII characters without spaces.",
        examples=["1.0.0"],
    ),
]


class Status(IntEnum):
    """How an instance reports itself; the numbers are fixed by the wire."""

    UNKNOWN = 0
    HEALTHY = 1
    DEGRADED = 2
    FAILED = 3


class ApplyRule(StrEnum):
    """When an agent applies a state that it has already applied with success. Another state is always applied."""

    UNLESS_HEALTHY = "unless_healthy"
    """Unless the check, run now, says HEALTHY; without a check the last success counts."""
    IF_CHANGED = "if_changed"
    """Never: a check that fails starts no apply."""
    ALWAYS = "always"

    @classmethod
    def _missing_(cls, value: object) -> "ApplyRule | None":
        """Take a rule of a newer coordinator for the usual one: an agent that is older goes on working."""
        return cls.UNLESS_HEALTHY if isinstance(value, str) else None


class State(msgspec.Struct, frozen=True, gc=False):
    """A pair of versions. As a current state, null means unknown; as a desired state, null means unmanaged."""

    code_version: Version | None = None
    configuration_version: Version | None = None

    def meets(self, desired: "State | None") -> bool:
        """Tell whether this current state is at the desired one: every version that is managed is equal."""
        if desired is None:
            return True
        return desired.code_version in (None, self.code_version) and desired.configuration_version in (
            None,
            self.configuration_version,
        )

    def contradicts(self, desired: "State") -> bool:
        """Tell whether this current state names another version than the desired one; unknown is no other version."""
        pairs = (
            (self.code_version, desired.code_version),
            (self.configuration_version, desired.configuration_version),
        )
        return any(None not in pair and pair[0] != pair[1] for pair in pairs)

    def over(self, earlier: "State | None") -> "State":
        """Return this state with the versions it leaves out taken from an earlier one."""
        if earlier is None:
            return self
        return State(
            self.code_version if self.code_version is not None else earlier.code_version,
            self.configuration_version if self.configuration_version is not None else earlier.configuration_version,
        )

    def only_managed_by(self, desired: "State") -> "State":
        """Return this state without the versions that the given desired state leaves unmanaged."""
        return State(
            self.code_version if desired.code_version is not None else None,
            self.configuration_version if desired.configuration_version is not None else None,
        )

    @property
    def empty(self) -> bool:
        """True when it names no version at all."""
        return self.code_version is None and self.configuration_version is None


NOTHING = State()


def known(state: State | None) -> State | None:
    """Return the state, or None when it names no version: an empty state and no state are the same thing."""
    return None if state is None or state.empty else state
