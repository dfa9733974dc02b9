"""Keeps the log readable, and small, while an instance flaps: what it reports again within a minute is counted.

The first report of each kind is an event at once. At the end of the minute each kind that was repeated is one event
more, with how often, in the order of the last ones: so the log ends with how the instance is. Counts are in memory
alone: a coordinator that is killed loses those of a minute, and no report.
"""

import asyncio
from collections.abc import Iterable, Sequence

import msgspec

from dides.runtime.clock import Clock
from dides.store.interface import Store, Transaction
from dides.store.records import Event

SECONDS = 60.0
MOST = 20_000
"""Instances that are remembered at once; the reports of others are events, however often they are repeated."""


class News(msgspec.Struct, frozen=True):
    """An instance reports something new."""

    event: Event
    generation: int
    """Of the instance: what it reports under another one is not the same."""

    @property
    def kind(self) -> int:
        """Tells apart what is reported."""
        data = self.event.data
        said = (data.get("returned"), data.get("status"), data.get("message"), data.get("current"))
        return hash((self.generation, self.event.deployment_id, said))


def all_events(news: Iterable[News]) -> list[Event]:
    """Return the events of news, repetitions too."""
    return [item.event for item in news]


class Minute(msgspec.Struct):
    """What one instance has reported since its first news."""

    ends: float
    last: dict[int, Event]
    """The last event of each kind, in the order in which they came."""
    repeated: dict[int, int]
    """How often, by kind."""


class Flapping:
    """What instances have reported lately. Everything happens on one event loop, but for `sift`, which only reads."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._now = clock.monotonic
        self._minutes: dict[str, Minute] = {}
        self._begun = asyncio.Event()

    def __bool__(self) -> bool:
        """Tell whether anything is remembered."""
        return bool(self._minutes)

    def sift(self, news: Iterable[News]) -> list[Event]:
        """Return the events of those that are no repetitions."""
        return [item.event for item in news if not self._is_known(item)]

    def note(self, news: Iterable[News]) -> None:
        """Remember what has been stored."""
        for item in news:
            if (name := item.event.instance) is not None:
                self._note(name, item)

    async def run(self) -> None:
        """Write at the end of each minute what was repeated in it, until cancelled."""
        while True:
            await self._begun.wait()
            while self._minutes:
                await asyncio.sleep(next(iter(self._minutes.values())).ends - self._now())
                await self._write(self._over())
            self._begun.clear()

    def _is_known(self, news: News) -> bool:
        minute = self._minutes.get(news.event.instance or "")
        return minute is not None and news.kind in minute.last

    def _note(self, name: str, news: News) -> None:
        minute, kind = self._minutes.get(name), news.kind
        if minute is None:
            if len(self._minutes) < MOST:
                self._minutes[name] = Minute(self._now() + SECONDS, {kind: news.event}, {})
                self._begun.set()
        elif kind not in minute.last:
            minute.last[kind] = news.event
        else:
            del minute.last[kind]
            minute.last[kind] = news.event
            minute.repeated[kind] = minute.repeated.get(kind, 0) + 1

    def _over(self) -> list[str]:
        """Return the instances whose minute is over."""
        now, over = self._now(), list[str]()
        for name, minute in self._minutes.items():
            if minute.ends > now:
                break
            over.append(name)
        return over

    async def _write(self, names: Sequence[str]) -> None:
        minutes = {name: self._minutes[name] for name in names}
        events = [event for minute in minutes.values() for event in _repetitions(minute)]
        if events:
            await self._store.write(lambda tx: _append(tx, events))
        for name in names:
            del self._minutes[name]


def _repetitions(minute: Minute) -> list[Event]:
    """Return what is written at the end of a minute: what was repeated, and what came last if that was not."""
    *earlier, newest = minute.last
    kinds = [*(kind for kind in earlier if kind in minute.repeated), newest] if minute.repeated else []
    return [_counted(minute.last[kind], minute.repeated.get(kind)) for kind in kinds]


def _counted(event: Event, repeated: int | None) -> Event:
    return msgspec.structs.replace(event, data={**event.data, "repeated": repeated}) if repeated else event


def _append(tx: Transaction, events: Sequence[Event]) -> None:
    there = tx.inventory.many({event.instance for event in events if event.instance})
    tx.events.append([msgspec.structs.replace(event, at=tx.now) for event in events if event.instance in there])
