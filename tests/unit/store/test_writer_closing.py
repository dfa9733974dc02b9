"""A writer that is closed finishes what it has accepted, and accepts no more."""

import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread

import pytest
from sqlalchemy import Engine

from dides.model.errors import UnavailableError
from dides.store.sqlite.store import SqliteStore, open_engine
from dides.store.writer import LARGEST_GROUP, Writer
from support.clocks import FakeClock
from support.writers import PATIENCE, Gate, a_writer, note


def test_closing_finishes_what_was_accepted(engine: Engine, tmp_path: Path) -> None:
    writer = a_writer(engine)
    gate = Gate(writer)
    waiting = [writer.submit(note(value)) for value in range(2 * LARGEST_GROUP)]
    closing = Thread(target=writer.close)
    closing.start()
    gate.open()
    assert [each.result(PATIENCE) for each in waiting] == list(range(2 * LARGEST_GROUP))
    closing.join(PATIENCE)
    assert not closing.is_alive()
    with pytest.raises(UnavailableError, match="shutting down"):
        writer.submit(note(0))


@pytest.fixture
def hasty_threads() -> Iterator[None]:
    """Make threads take turns often, so that races show."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(usual)


@pytest.mark.usefixtures("hasty_threads")
def test_a_submission_in_the_moment_of_closing_is_refused_or_finished(tmp_path: Path) -> None:
    """Accepted after the end of the queue, it would wait for ever."""

    def submit_until_refused(writer: Writer, many: Event) -> list[Future[int]]:
        accepted: list[Future[int]] = []
        with suppress(UnavailableError):
            while len(accepted) < 300:
                accepted.append(writer.submit(lambda _: 1))
                if len(accepted) > 20:
                    many.set()
        return accepted

    with ThreadPoolExecutor(2) as threads:
        for attempt in range(60):
            writer, many = (
                a_writer(open_engine(tmp_path / f"{attempt}.db", "OFF", "BEGIN IMMEDIATE")),
                Event(),
            )
            submitting = [threads.submit(submit_until_refused, writer, many) for _ in range(2)]
            assert many.wait(PATIENCE)
            writer.close()
            accepted = [future for each in submitting for future in each.result(PATIENCE)]
            assert all(future.done() for future in accepted)


async def test_closing_twice_is_fine(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "dides.db", FakeClock())
    await store.close()
    await store.close()
