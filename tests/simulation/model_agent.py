"""An agent of the model: the real decisions and reports, and what a kill leaves of it."""

from typing import Self

import msgspec
from msgspec.structs import replace

from dides.agent.decision import Action, decide, ended
from dides.agent.persisted import Standing
from dides.agent.report import HEALTHY, Verdict, compose, without
from dides.model.state import Status
from dides.protocol.messages import Directive, Heartbeat

SICK = Verdict(Status.FAILED, "sick")


class Agent(msgspec.Struct, frozen=True, kw_only=True):
    """An agent: what it remembers on disk, and what it has in memory."""

    standing: Standing
    observing: bool
    checked: Verdict | None = HEALTHY
    applying: bool = False
    told: Directive | None = None
    """The newest answer, which waits until an apply has ended."""
    dead: bool = False

    def heartbeat(self) -> Heartbeat:
        """Return what it reports now."""
        composed = compose(self.standing, self.checked)
        return composed if self.observing else without(composed, frozenset({"observed"}))

    def hear(self, directive: Directive) -> Self:
        """Return the agent once it has read an answer."""
        return replace(self, told=directive)._decided()

    def end_apply(self, failure: str | None) -> Self:
        """Return the agent once its apply has ended."""
        after = replace(self, applying=False, standing=ended(self.standing, failure))
        return replace(after, checked=None if failure else HEALTHY)._decided()

    def restarted(self) -> Self:
        """Return the agent after a kill: what was only in memory is gone."""
        return replace(self, applying=False, told=None, checked=None)

    def _decided(self) -> Self:
        if self.applying or self.told is None:
            return self
        healthy = self.checked is not SICK
        decision = decide(self.standing, self.told, now=0.0, lower_since=None, healthy=healthy)
        begins = decision.action is Action.APPLY
        checked = None if begins else self.checked
        return replace(self, told=None, standing=decision.standing, applying=begins, checked=checked)
