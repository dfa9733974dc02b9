"""Gathers heartbeats while the earlier ones are being written, and writes them together."""

import asyncio

import structlog

from dides.coordinator.intake import Incoming, TakenIn, take_in
from dides.coordinator.liveness import Liveness
from dides.coordinator.signals import Signals
from dides.model.errors import NotFoundError, RefusedError
from dides.model.instance import Instance
from dides.store.base import Store

log = structlog.get_logger()
LARGEST_BATCH = 500


class Heartbeats:
    """The way in for heartbeats. One that has been answered is durable."""

    def __init__(self, store: Store, signals: Signals, liveness: Liveness) -> None:
        self._store = store
        self._signals = signals
        self._liveness = liveness
        self._waiting: list[tuple[Incoming, asyncio.Future[Instance]]] = []
        self._writing: asyncio.Task[None] | None = None

    async def take(self, incoming: Incoming) -> Instance:
        """Store a heartbeat and return its sender as it is afterwards.

        Raises NotFoundError when there is no such instance any more, UnavailableError when nothing was stored.
        """
        answered: asyncio.Future[Instance] = asyncio.get_running_loop().create_future()
        self._waiting.append((incoming, answered))
        if self._writing is None:
            self._writing = asyncio.create_task(self._write_all())
        return await answered

    async def _write_all(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[:LARGEST_BATCH], self._waiting[LARGEST_BATCH:]
                await self._write(batch)
        finally:
            self._writing = None

    async def _write(self, batch: list[tuple[Incoming, asyncio.Future[Instance]]]) -> None:
        incoming = [each for each, _ in batch]
        try:
            taken = await self._store.write(lambda tx: take_in(tx, incoming))
        except RefusedError as error:
            _fail_all(batch, error)
            return
        except Exception as error:
            # A mistake of ours; nobody may be left waiting for an answer that will not come.
            log.exception("heartbeats could not be taken in", number=len(batch))
            _fail_all(batch, error)
            return
        self._liveness.seen(taken.instances)
        for each, answered in batch:
            _answer(answered, each.name, taken)
        self._signals.told(taken.told)
        if taken.step_due:
            self._signals.step_due()


def _answer(answered: "asyncio.Future[Instance]", name: str, taken: TakenIn) -> None:
    instance = taken.instances.get(name)
    if instance is None:
        _fail(answered, NotFoundError(f"There is no instance {name}."))
    elif not answered.done():
        answered.set_result(instance)


def _fail_all(batch: list[tuple[Incoming, "asyncio.Future[Instance]"]], error: Exception) -> None:
    for _, answered in batch:
        _fail(answered, error)


def _fail(answered: "asyncio.Future[Instance]", error: Exception) -> None:
    if not answered.done():
        answered.set_exception(error)
