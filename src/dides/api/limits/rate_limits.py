"""How much of a coordinator one sender may have: each instance, and each address that sends wrong credentials.

Operators are not limited: one token stands for all of them, and a script of one must not keep another from an abort.
"""

from collections.abc import Callable, Mapping, Sequence
from math import ceil

from dides.api.limits.client_address import Connection, Network, client_address
from dides.api.limits.connections import Crowd
from dides.api.limits.limiter import Limiter
from dides.api.limits.token_bucket import Rate
from dides.coordinator.settings import Settings
from dides.model.errors import RateError

BURST_SECONDS, CHANGE_BURST_SECONDS = 10, 20
"""For how many seconds of its rate an instance may ask, or change something, at once."""
REPORTS_ASKED = 4
"""Requests, for each report that an instance is asked for, that are always allowed; half of them may be changes."""
WRONG = Rate(10, 100)
"""Wrong credentials from one address. A fleet that a coordinator has forgotten may stand behind one address, and learns
of it by being refused."""
LONGEST_WAIT = 5
"""Seconds that anybody is asked to wait at most."""


class RateLimits:
    """The limits of one coordinator. None stands for no limit."""

    def __init__(
        self,
        settings: Settings,
        now: Callable[[], float],
        operator: bytes,
        *,
        dev: bool = False,
        trusted: Sequence[Network] = (),
    ) -> None:
        """Begin with nobody known.

        `now` returns seconds and never goes back; `operator` is the hash of the operators' token; `trusted` are the
        networks of proxies.
        """
        active = not dev and settings.reconcile_interval > 0
        asked = REPORTS_ASKED / settings.heartbeat_interval
        self.requests = _limiter(active, settings.instance_requests, asked, BURST_SECONDS, now)
        """Requests, by instance."""
        self.changes = _limiter(active, settings.instance_changes, asked / 2, CHANGE_BURST_SECONDS, now)
        """Those of them that change something."""
        self.wrong = Limiter(WRONG, now) if active else None
        """Wrong credentials, by address."""
        self.crowd = Crowd(operator) if active else None
        """Connections, by credential."""
        self._trusted = trusted

    @property
    def refused(self) -> Mapping[str, int]:
        """How often each limit was exceeded."""
        limiters = {"requests": self.requests, "changes": self.changes, "wrong": self.wrong}
        refused = {name: 0 if limiter is None else limiter.refused for name, limiter in limiters.items()}
        return {**refused, "connections": 0 if self.crowd is None else self.crowd.sent_away}

    def check_request(self, instance: str) -> None:
        """Count a request of an instance. RateError."""
        if self.requests is not None and (seconds := self.requests.wait(instance)):
            raise too_many_requests(seconds)

    def check_change(self, instance: str) -> None:
        """Count a change that an instance makes. RateError."""
        if self.changes is not None and (seconds := self.changes.wait(instance)):
            raise too_many_changes(seconds)

    def rests_in(self, instance: str) -> float:
        """Return for how many seconds an instance still counts as sending too much; 0.0 when it does not."""
        limiters = [limiter for limiter in (self.requests, self.changes) if limiter is not None]
        return max((limiter.rests_in(instance) for limiter in limiters), default=0.0)

    def check_guess(self, connection: Connection) -> None:
        """Raise RateError for an address that has sent many wrong ones, before a credential is looked up."""
        if self.wrong is not None and (seconds := self.wrong.left(client_address(connection, self._trusted))):
            raise too_many_wrong(seconds)

    def count_wrong(self, connection: Connection) -> None:
        """Count a wrong credential. RateError."""
        if self.wrong is not None and (seconds := self.wrong.wait(client_address(connection, self._trusted))):
            raise too_many_wrong(seconds)


def limits_of(connection: Connection) -> RateLimits:
    """Return the limits of the application that a connection belongs to."""
    limits: RateLimits = connection.app.state.limits
    return limits


def too_many_requests(seconds: float) -> RateError:
    """Return the refusal of an instance that asks too often."""
    return _error("This instance asks too often.", seconds)


def too_many_changes(seconds: float) -> RateError:
    """Return the refusal of an instance that reports too many changes."""
    return _error("This instance reports changes too often; only its newest report matters.", seconds)


def too_many_wrong(seconds: float) -> RateError:
    """Return the refusal of an address that sends too many wrong credentials."""
    return _error("Too many wrong credentials have come from this address.", seconds)


def _error(detail: str, seconds: float) -> RateError:
    wait = min(LONGEST_WAIT, ceil(seconds))
    return RateError(f"{detail} Nothing was accepted. Send it again after Retry-After seconds.", wait)


def _limiter(
    active: bool, per_second: float, asked: float, burst_seconds: float, now: Callable[[], float]
) -> Limiter | None:
    rate = max(per_second, asked)
    return Limiter(Rate(rate, rate * burst_seconds), now) if active and per_second else None
