"""Takes the steps by itself: when a heartbeat matters, at the next deadline, and at the reconcile interval."""

import structlog

from dides.coordinator.loops.outage import OutageDetection
from dides.coordinator.memory.metrics import Rollouts
from dides.coordinator.memory.signals import Signals
from dides.coordinator.transactions.preconditions import in_flight
from dides.coordinator.transactions.step import Stepped, step, step_of
from dides.model.errors import RefusedError, UnavailableError
from dides.runtime.clock import Clock
from dides.store.interface import Store, Transaction

log = structlog.get_logger()


class Reconciler:
    """The loop around the step."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        signals: Signals,
        outage_detection: OutageDetection,
        rollouts: Rollouts,
        interval: float,
    ) -> None:
        """`interval` is in seconds."""
        self._store = store
        self._clock = clock
        self._signals = signals
        self._interval = interval
        self._outage_detection = outage_detection
        self._rollouts = rollouts

    async def run(self) -> None:
        """Take steps until cancelled. A store that is away costs one interval, not the loop."""
        pause = 0.0
        while True:
            await self._signals.wait_for_step(pause)
            pause = await self._steps()

    async def step(self, expected_id: int | None = None) -> Stepped | None:
        """Take one step now; None when nothing is in flight. UnavailableError when the store is away.

        With `expected_id`, which an operator names, a step of no other deployment: the errors of `in_flight`.
        """
        begun = self._clock.monotonic()
        try:
            stepped = await self._store.write(lambda tx: self._take(tx, expected_id))
        except UnavailableError:
            self._rollouts.failed += 1
            raise
        self._rollouts.step_taken(stepped, self._clock.monotonic() - begun)
        return stepped

    def _take(self, tx: Transaction, expected_id: int | None) -> Stepped | None:
        quiet_until = self._outage_detection.quiet_until(tx)
        return step(tx, quiet_until) if expected_id is None else step_of(tx, in_flight(tx, expected_id), quiet_until)

    async def _steps(self) -> float:
        """Take steps as long as there is more to do at once; return how many seconds until the next is due."""
        self._signals.step_begins()
        try:
            stepped = await self.step()
            while stepped and stepped.run_again:
                stepped = await self.step()
        except RefusedError as error:
            log.warning("step failed, trying again", reason=error.detail, seconds=self._interval)
            return self._interval
        return self._until(stepped.next_deadline if stepped else None)

    def _until(self, deadline: int | None) -> float:
        if deadline is None:
            return self._interval
        return min(self._interval, max(0.0, (deadline - self._clock.now()) / 1000))
