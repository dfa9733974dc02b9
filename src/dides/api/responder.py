"""What the two requests that a fleet makes all day are answered: heartbeats and blocking queries. No I/O is done here.

What is answered here is the plain case: an instance with its own credential and a valid request. Everything else is for
the routes in dides.api.inventory, which would also answer the plain case byte for byte as it is answered here
(tests/integration/test_hotpath.py holds the two together).
"""

import asyncio
import itertools
import re
import secrets
from hmac import compare_digest

import msgspec
from msgspec import UNSET

from dides.api.overload import Overload
from dides.api.problems import MEDIA_TYPE, described
from dides.api.traffic import Traffic
from dides.api.views import directive_view
from dides.coordinator.coordinator import Coordinator
from dides.coordinator.queries import Query
from dides.model.errors import BusyError, RefusedError, UnavailableError
from dides.model.instance import Brief
from dides.protocol.messages import Heartbeat
from dides.protocol.queries import LONGEST_WAIT

PREFIX = "/inventory/instances/"
DESIRED = "/desired"
_QUERY = re.compile(rb"generation=(?P<generation>\d{1,15})&wait=(?P<wait>\d{1,2}(?:\.\d{1,17})?)")
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


class Taking(msgspec.Struct, gc=False):
    """A heartbeat that is answered once it is durable."""

    future: "asyncio.Future[Brief]"
    request_id: bytes


class Asked(msgspec.Struct, gc=False):
    """A blocking query that has shown the credential of its instance."""

    query: Query
    asker: Brief
    request_id: bytes


class Responder:
    """Answers heartbeats and blocking queries, on the event loop of a coordinator."""

    def __init__(self, coordinator: Coordinator, overload: Overload, traffic: Traffic) -> None:
        self.traffic = traffic
        self.queries = coordinator.queries
        self._coordinator = coordinator
        self._overload = overload
        self._known = coordinator.view.get
        self._hear = coordinator.heartbeats.hear
        self._now = coordinator.now
        self._interval_for = coordinator.watch.pacemaker.interval_for
        self._is_current = coordinator.is_current
        # Unique like a UUID, and much cheaper: 64 random bits of this process, and a number.
        self._process = secrets.token_hex(8).encode()
        self._numbers = itertools.count(secrets.randbits(32))

    def known(self, name: str, credential: bytes) -> Brief | None:
        """Return what is known of an instance, if `credential` is the SHA-256 of its own one."""
        brief = self._known(name)
        return brief if brief and compare_digest(credential, brief.credential_hash) else None

    def beat(self, name: str, credential: bytes, request_id: bytes, body: bytes) -> Answer | Taking | None:
        """Take a heartbeat; return its answer, or what it waits for, or None when it is one for the routes.

        What each one needs is written out here: a call would cost as much as what it calls.
        """
        brief = self._known(name)
        if brief is None or not compare_digest(credential, brief.credential_hash) or not self._is_current():
            return None
        if self._overload.shedding and self._overload.sheds(brief):
            self.traffic.heartbeats_shed += 1
            return self.refusal(BusyError(), request_id)
        heartbeat = _plain(body)
        if heartbeat is None:
            return None
        if self._hear(brief, heartbeat, self._now()):
            self.traffic.heartbeats += 1
            return self.directive(brief, request_id)
        try:
            return Taking(self._coordinator.take(brief, heartbeat), request_id)
        except BusyError as error:
            self.traffic.heartbeats_busy += 1
            return self.refusal(error, request_id)

    def outcome(self, taking: Taking) -> Answer | None:
        """Return the answer to a heartbeat whose future is done; None when it is one for the routes."""
        error = taking.future.exception()
        if error is None:
            self.traffic.heartbeats += 1
            return self.directive(taking.future.result(), taking.request_id)
        if isinstance(error, UnavailableError):
            self.traffic.heartbeats_unavailable += 1
            return self.refusal(error, taking.request_id)
        # It was decommissioned meanwhile, or we made a mistake; nothing was stored, and the route has the words for it.
        return None

    def asked(self, name: str, credential: bytes, request_id: bytes, text: bytes) -> Asked | None:
        """Return the blocking query with this query string, None when it is one for the routes."""
        brief, found = self.known(name, credential), _QUERY.fullmatch(text)
        if brief is None or found is None or float(found["wait"]) > LONGEST_WAIT:
            return None
        return Asked(self.queries.query(name, int(found["generation"]), float(found["wait"]), brief), brief, request_id)

    def sheds(self, asked: Asked) -> Answer | None:
        """Return the refusal of a blocking query that has just come, None when it is to be taken."""
        if not (self._overload.shedding and self._overload.sheds(asked.asker)):
            return None
        self.traffic.queries_shed += 1
        return self.refusal(BusyError(), asked.request_id)

    def reply(self, asked: Asked) -> Answer | None:
        """Return the answer to a blocking query, None while it is to be held. RefusedError: it is for the routes."""
        brief = self.queries.answer(asked.query)
        return None if brief is None else self.told(brief, asked)

    def told(self, brief: Brief, asked: Asked) -> Answer:
        """Return the answer to a blocking query: what is known of its instance."""
        self.traffic.queries += 1
        return self.directive(brief, asked.request_id)

    def directive(self, brief: Brief, request_id: bytes) -> Answer:
        """Return what an instance is told."""
        return Answer(200, _encode(directive_view(brief, self._interval_for(brief))), request_id or self._new_id())

    def refusal(self, error: RefusedError, request_id: bytes) -> Answer:
        """Return the answer to what was refused."""
        problem, headers = described(error)
        problem.request_id = (request_id := request_id or self._new_id()).decode()
        more = "".join(f"{name.lower()}: {value}\r\n" for name, value in headers.items())
        return Answer(problem.status, msgspec.json.encode(problem), request_id, MEDIA_TYPE.encode(), more.encode())

    def _new_id(self) -> bytes:
        return b"%s%016x" % (self._process, next(self._numbers))


def _plain(body: bytes) -> Heartbeat | None:
    """Return the heartbeat in a body as an instance sends it; None otherwise."""
    try:
        heartbeat = _decode(body or b"{}")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return heartbeat if heartbeat.labels is UNSET else None
