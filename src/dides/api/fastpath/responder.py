"""What the two requests that a fleet makes all day are answered: heartbeats and blocking queries. No I/O is done here.

What is answered here is the plain case: an instance with its own credential and a valid request. Everything else is for
the routes in dides.api.routes.inventory, which would also answer the plain case byte for byte as it is answered here
(tests/integration/test_fast_path.py holds the two together).
"""

import asyncio
import itertools
import re
import secrets
from collections.abc import Callable
from hmac import compare_digest

import msgspec
from msgspec import UNSET

from dides.api.fastpath.load_shedding import Overload
from dides.api.fastpath.parser import PlainRequest
from dides.api.limits.rate_limits import RateLimits, too_many_changes, too_many_requests
from dides.api.problems import MEDIA_TYPE, described
from dides.api.serializers import directive_view
from dides.api.traffic import Traffic
from dides.coordinator.coordinator import Coordinator
from dides.coordinator.memory.blocking_queries import Query
from dides.coordinator.memory.waiters import Waiter
from dides.model.errors import BusyError, RateError, RefusedError, StoodStillError, UnavailableError
from dides.model.instance import InstanceSummary
from dides.protocol.messages import Heartbeat
from dides.protocol.queries import LONGEST_WAIT

PREFIX = "/inventory/instances/"
DESIRED = "/desired"
_PREFIX = PREFIX.encode()
_QUERY = re.compile(r"generation=(?P<generation>\d{1,15})&wait=(?P<wait>\d{1,2}(?:\.\d{1,17})?)", re.ASCII)
_JSON = b"application/json"
_decode = msgspec.json.Decoder(Heartbeat).decode
_encode = msgspec.json.Encoder().encode


class Answer(msgspec.Struct, gc=False):
    """An answer with a body of JSON that no cache may keep."""

    status: int
    body: bytes
    request_id: bytes
    media_type: bytes = _JSON
    more: bytes = b""
    """Further header lines, each with its end."""

    @property
    def lines(self) -> bytes:
        """The header lines, each with its end."""
        return b"%scontent-type: %s\r\ncontent-length: %d\r\nx-request-id: %s\r\ncache-control: no-store\r\n" % (
            self.more,
            self.media_type,
            len(self.body),
            self.request_id,
        )


class PendingHeartbeat(msgspec.Struct, gc=False):
    """A heartbeat that is answered once it is durable."""

    future: "asyncio.Future[InstanceSummary]"
    request_id: bytes


class HeldQuery(msgspec.Struct, gc=False):
    """A blocking query that is held: there is something to look at once its future is done."""

    future: Waiter
    query: Query
    request_id: bytes


Pending = PlainRequest | PendingHeartbeat | HeldQuery
"""A request that waits: for its turn, for being durable, or for news."""


class Responder:
    """Answers heartbeats and blocking queries, on the event loop of a coordinator."""

    def __init__(
        self,
        coordinator: Coordinator,
        overload: Overload,
        traffic: Traffic,
        limits: RateLimits,
        base_path: str = "",
    ) -> None:
        self.base_path = base_path
        self._base = base_path.encode()
        self.traffic = traffic
        self._ingest = coordinator.ingest
        self._queries = coordinator.queries
        self._overload = overload
        self._fair_queue = overload.fair_queue
        self.crowd = limits.crowd
        self._requests = limits.requests
        self._changes = limits.changes
        self._known = coordinator.instance_cache.get
        self._accept_unchanged = coordinator.heartbeats.accept_unchanged
        self._now = coordinator.now
        self._interval_for = coordinator.watch.pacing.interval_for
        self._is_current = coordinator.is_current
        # Unique like a UUID, and much cheaper: 64 random bits of this process, and a number.
        self._process = secrets.token_hex(8).encode()
        self._numbers = itertools.count(secrets.randbits(32))

    def known(self, name: str, credential: bytes) -> InstanceSummary | None:
        """Return what is known of an instance, if `credential` is the SHA-256 of its own one."""
        summary = self._known(name)
        return summary if summary and compare_digest(credential, summary.credential_hash) else None

    def knows(self, plain: PlainRequest) -> bool:
        """Tell whether a request shows the credential of the instance that it is about."""
        return self.known(self._name_in(plain), plain.credential) is not None

    def take(self, plain: PlainRequest, later: Callable[[], None]) -> Answer | Pending | None:
        """Return the answer to a request, or what it waits for, or None when it is one for the routes.

        It is returned itself when it has to wait for its turn: then `later` is called, and it may be answered.
        """
        if self._fair_queue.is_now():
            return self.answer(plain)
        summary = self.known(self._name_in(plain), plain.credential)
        if summary is None or summary.awaited:
            return self.answer(plain)
        if self._fair_queue.is_full:
            self._overload.shed += 1
            return self._shed(plain.method == b"PATCH", plain.request_id)
        self._fair_queue.wait(summary.name, later)
        return plain

    def answer(self, plain: PlainRequest) -> Answer | PendingHeartbeat | HeldQuery | None:
        """Return the answer to a request whose turn it is, or what it waits for, or None when it is one for routes."""
        target = plain.target.removeprefix(self._base)
        if not target.startswith(_PREFIX):
            return None
        name, found, asked = target[len(_PREFIX) :].decode("ascii", "replace").partition(f"{DESIRED}?")
        if plain.method == b"PATCH" and not found:
            return self.beat(name, plain.credential, plain.request_id, plain.body)
        if plain.method != b"GET" or not found or plain.length:
            return None
        return self.query(name, plain.credential, plain.request_id, asked)

    def beat(self, name: str, credential: bytes, request_id: bytes, body: bytes) -> Answer | PendingHeartbeat | None:
        """Take a heartbeat; return its answer, or what it waits for, or None when it is one for the routes."""
        summary = self.known(name, credential)
        if summary is None or not self._is_current():
            return None
        if self._overload.shedding and self._overload.sheds(summary):
            return self._shed(True, request_id)
        heartbeat = _plain(body)
        if heartbeat is None:
            return None
        if self._requests is not None and (seconds := self._requests.wait(name)):
            return self._limit(too_many_requests(seconds), True, request_id)
        if self._accept_unchanged(summary, heartbeat, self._now()):
            self.traffic.heartbeats += 1
            return self.directive(summary, request_id)
        if self._changes is not None and (seconds := self._changes.wait(name)):
            return self._limit(too_many_changes(seconds), True, request_id)
        try:
            return PendingHeartbeat(self._ingest(summary, heartbeat), request_id)
        except BusyError as error:
            self.traffic.heartbeats_busy += 1
            return self.refusal(error, request_id)

    def query(self, name: str, credential: bytes, request_id: bytes, asked: str) -> Answer | HeldQuery | None:
        """Take a blocking query with that query string; return as `answer` does."""
        summary, parameters = self.known(name, credential), _QUERY.fullmatch(asked)
        if summary is None or parameters is None:
            return None
        generation, wait = int(parameters["generation"]), float(parameters["wait"])
        if wait > LONGEST_WAIT:
            return None
        if self._overload.shedding and self._overload.sheds(summary):
            return self._shed(False, request_id)
        if self._requests is not None and (seconds := self._requests.wait(name)):
            return self._limit(too_many_requests(seconds), False, request_id)
        return self._look(self._queries.query(name, generation, wait, summary), request_id)

    def outcome(self, pending: PendingHeartbeat | HeldQuery) -> Answer | HeldQuery | None:
        """Return the answer to a request whose future is done, as `answer` does."""
        if isinstance(pending, HeldQuery):
            query = self._queries.after(pending.query, makes_room=pending.future.result())
            return self._look(query, pending.request_id)
        error = pending.future.exception()
        if error is None:
            self.traffic.heartbeats += 1
            return self.directive(pending.future.result(), pending.request_id)
        if isinstance(error, UnavailableError):
            self.traffic.heartbeats_unavailable += 1
            return self.refusal(error, pending.request_id)
        # It was decommissioned meanwhile, or we made a mistake; nothing was stored, and the route has the words for it.
        return None

    def late(self, plain: PlainRequest) -> Answer | None:
        """Return the answer to a request that came before this process stood still, or None when it is for the routes.

        They refuse it, too, but there may be very many.
        """
        if not plain.target.startswith(self._base + _PREFIX):
            return None
        self.traffic.heartbeats_unavailable += plain.method == b"PATCH"
        return self.refusal(StoodStillError(), plain.request_id)

    def leave(self, pending: Pending) -> None:
        """Hold nothing any more for one that has gone away; a heartbeat is written all the same."""
        if isinstance(pending, HeldQuery):
            self._queries.leave(pending.future)

    def let_go(self, pending: Pending | None) -> None:
        """Answer a query that is held now."""
        if isinstance(pending, HeldQuery):
            self._queries.let_go(pending.future)

    def _look(self, query: Query, request_id: bytes) -> Answer | HeldQuery | None:
        """Answer a query, or hold it."""
        try:
            summary = self._queries.answer(query)
        except RefusedError:
            return None  # The routes have the words for it.
        if summary is None:
            return HeldQuery(self._queries.hold(query), query, request_id)
        self.traffic.queries += 1
        return self.directive(summary, request_id)

    def directive(self, summary: InstanceSummary, request_id: bytes) -> Answer:
        """Return the answer that says what an instance is to run."""
        return Answer(200, _encode(directive_view(summary, self._interval_for(summary))), request_id or self._new_id())

    def refusal(self, error: RefusedError, request_id: bytes) -> Answer:
        """Return the answer to what was refused."""
        problem, headers = described(error)
        problem.request_id = (request_id := request_id or self._new_id()).decode()
        more = "".join(f"{name.lower()}: {value}\r\n" for name, value in headers.items())
        return Answer(problem.status, msgspec.json.encode(problem), request_id, MEDIA_TYPE.encode(), more.encode())

    def _shed(self, is_heartbeat: bool, request_id: bytes) -> Answer:
        if is_heartbeat:
            self.traffic.heartbeats_shed += 1
        else:
            self.traffic.queries_shed += 1
        return self.refusal(BusyError(), request_id)

    def _limit(self, error: RateError, is_heartbeat: bool, request_id: bytes) -> Answer:
        if is_heartbeat:
            self.traffic.heartbeats_limited += 1
        else:
            self.traffic.queries_limited += 1
        return self.refusal(error, request_id)

    def _name_in(self, plain: PlainRequest) -> str:
        """Return the name of the instance that a request is about."""
        target = plain.target.removeprefix(self._base)
        return target[len(_PREFIX) :].decode("ascii", "replace").partition("/")[0]

    def _new_id(self) -> bytes:
        return b"%s%016x" % (self._process, next(self._numbers))


def _plain(body: bytes) -> Heartbeat | None:
    """Return the heartbeat in a body as an instance sends it; None otherwise."""
    try:
        heartbeat = _decode(body or b"{}")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    is_whole = (heartbeat.session is UNSET) is (heartbeat.sequence is UNSET)
    return heartbeat if heartbeat.labels is UNSET and is_whole else None
