"""What an agent remembers over a restart: who it is, and how far it has come. Frozen values without I/O."""

import msgspec

from dides.model.state import NOTHING, State


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """An apply that began and is not known to have succeeded: as long as there is one, the instance is dirty."""

    target: State
    failure: str | None = None
    """Why it failed. None while it runs, and for one that was cut off."""
    begun: int = 1
    """How often it was begun in its generation."""
    run: str | None = None
    """What its supervisor knows it by; None before it began."""


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How far an instance has come. The decisions of the agent are made from this alone."""

    generation: int | None = None
    """The generation acted on; None before the first one."""
    deployment: int | None = None
    """The deployment that assigned it."""
    applied: State = NOTHING
    """What was applied last with success."""
    previous: State = NOTHING
    """What had been applied before that."""
    attempt: Attempt | None = None

    @property
    def dirty(self) -> bool:
        """True when an apply began after the last success: what runs may then be half of two versions."""
        return self.attempt is not None

    @property
    def failed(self) -> bool:
        """True when the last apply failed."""
        return self.attempt is not None and self.attempt.failure is not None


class Memory(msgspec.Struct, frozen=True, kw_only=True):
    """The whole of what is kept on disk."""

    name: str
    named_after_host: bool = False
    """Whether that was the name of the host, when the instance registered first."""
    credential: str | None = None
    standing: Standing = Standing()
