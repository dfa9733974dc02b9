"""What came back during a run: every answer by its status, and everything that was not answered."""

from array import array

import msgspec

from load.latency import Latency, summarize
from load.wire import says_when_to_retry, status_of

SHED = (429, 503)


class LoadError(Exception):
    """A run in which something else came back than was asked for; it measured nothing that may be shown."""


class Outcome(msgspec.Struct, kw_only=True):
    """One run. Latencies count from the moment at which a request was meant to be sent."""

    begun: float
    """The monotonic clock at the first request; on Linux every process of the machine has the same."""
    seconds: float
    """From the first request to the last answer."""
    offered: int
    statuses: dict[int, int]
    lost: int
    """Connections that ended while an answer was due."""
    given_up: int
    """Requests that found no free connection for so long that they were never sent."""
    unanswered: int
    """Requests without an answer at the end."""
    without_retry_after: int
    """Answers 429 and 503 that do not say when to come again."""
    served: Latency
    refused: Latency
    lag: Latency
    """How late the generator itself began with a request (open loop); if this is high, it is the generator's limit."""
    cpu_share: float
    """How busy the generator's own core was with it, from 0 to 1."""

    @property
    def rate(self) -> float:
        """Answers 200 a second."""
        return self.statuses.get(200, 0) / self.seconds

    @property
    def shed(self) -> int:
        """Answers 429 and 503."""
        return sum(self.statuses.get(status, 0) for status in SHED)

    @property
    def errors(self) -> int:
        """Everything but answers 200 and orderly refusals."""
        wrong = sum(count for status, count in self.statuses.items() if status not in (200, *SHED))
        return wrong + self.lost + self.unanswered

    def checked(self) -> "Outcome":
        """Return this run if everything was served; LoadError with what happened otherwise."""
        if self.statuses.get(200, 0) and not (self.errors or self.shed or self.given_up):
            return self
        raise LoadError(
            f"{self.offered} requests, answers by status {self.statuses}; {self.lost} connections lost, "
            f"{self.given_up} given up, {self.unanswered} without an answer"
        )


class Tally:
    """Counts while a run lasts."""

    def __init__(self) -> None:
        self.served = array("d")
        self.refused = array("d")
        self.lag = array("d")
        self.statuses: dict[int, int] = {}
        self.offered = self.lost = self.given_up = self.unanswered = self.without_retry_after = 0

    def note(self, answer: bytes, seconds: float) -> None:
        """Count an answer."""
        if answer.startswith(b"HTTP/1.1 200"):
            self.served.append(seconds)
            return
        status = status_of(answer)
        self.refused.append(seconds)
        self.statuses[status] = self.statuses.get(status, 0) + 1
        if status in SHED and not says_when_to_retry(answer):
            self.without_retry_after += 1

    def outcome(self, begun: float, seconds: float, cpu_seconds: float) -> Outcome:
        """Return the run as it was."""
        served = {200: len(self.served)} if self.served else {}
        return Outcome(
            begun=begun,
            seconds=seconds,
            offered=self.offered,
            statuses={**served, **self.statuses},
            lost=self.lost,
            given_up=self.given_up,
            unanswered=self.unanswered,
            without_retry_after=self.without_retry_after,
            served=summarize(self.served),
            refused=summarize(self.refused),
            lag=summarize(self.lag),
            cpu_share=round(cpu_seconds / seconds, 3),
        )
