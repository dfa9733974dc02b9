"""An event loop with virtual time: it never waits, and the same callbacks always run in the same order.

Everything that a simulated process does runs under its `Owner`, which can be stopped (SIGSTOP) and ended (SIGKILL).
"""

import asyncio
from collections.abc import Callable, Coroutine
from contextvars import Context, ContextVar, copy_context
from typing import Any, TypeVar

T = TypeVar("T")
RESOLUTION = 1e-6


class DeadlockError(Exception):
    """Everybody waits, and nothing is scheduled that could wake anybody."""


class Owner:
    """A simulated process: its tasks, and what it would do if it were not stopped."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.stopped = False
        self.tasks: dict[asyncio.Task[Any], None] = {}
        self.held: list[asyncio.Handle] = []

    def spawn(self, loop: "VirtualLoop", work: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
        """Start a task of this process."""
        context = copy_context()
        context.run(OWNER.set, self)
        return loop.create_task(work, context=context)

    def stop(self) -> None:
        """Let it do nothing from now on, as SIGSTOP does."""
        self.stopped = True

    def go_on(self, loop: "VirtualLoop") -> None:
        """Let it do what has piled up, and go on, as SIGCONT does."""
        self.stopped = False
        held, self.held = self.held, []
        for handle in held:
            loop.make_ready(handle)

    def kill(self, loop: "VirtualLoop") -> None:
        """Cancel all that it does. It must have no way to the outside any more: its tasks still see the end."""
        for task in list(self.tasks):
            task.cancel()
        self.go_on(loop)


OWNER: ContextVar[Owner | None] = ContextVar("owner", default=None)


class VirtualLoop(asyncio.BaseEventLoop):
    """Jumps to the moment of the next timer when nothing is left to do now. Times are seconds from 0."""

    def __init__(self) -> None:
        super().__init__()
        self._selector = _Jump(self)
        self._clock_resolution = RESOLUTION
        self._moment = 0.0

    def time(self) -> float:
        """Return the virtual time."""
        return self._moment

    def jump(self, seconds: float) -> None:
        """Move the virtual time."""
        self._moment += seconds

    def call_soon(  # type: ignore[override] # the stubs tie the arguments to the callback; nothing here depends on that
        self, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.Handle:
        """Run a callback next, or hold it back while its process is stopped."""
        owner = OWNER.get() if context is None else context.get(OWNER)
        if owner is None or not owner.stopped:
            return super().call_soon(callback, *args, context=context)
        handle = asyncio.Handle(callback, args, self, context)
        owner.held.append(handle)
        return handle

    def create_task(self, coro: Any, *, name: object = None, context: Context | None = None) -> asyncio.Task[Any]:
        """Start a task, and let its process know of it."""
        task = super().create_task(coro, name=None if name is None else str(name), context=context)
        owner = OWNER.get() if context is None else context.get(OWNER)
        if owner is not None:
            owner.tasks[task] = None
            task.add_done_callback(lambda done: owner.tasks.pop(done, None), context=_NOBODYS)
        return task

    def make_ready(self, handle: asyncio.Handle) -> None:
        """Run a callback that was held back."""
        if not handle.cancelled():
            super().call_soon(handle._run)  # noqa: SLF001 - it runs in the context that it was made with

    def _process_events(self, events: list[Any]) -> None:
        """Nothing from outside ever happens."""

    def _write_to_self(self) -> None:
        """Nobody calls from another thread."""


_NOBODYS = Context()


class _Jump:
    """Stands where a loop asks the operating system to wait."""

    def __init__(self, loop: VirtualLoop) -> None:
        self._loop = loop

    def select(self, timeout: float | None) -> list[Any]:
        """Let the time go by at once. DeadlockError when there is no end to the wait."""
        if timeout is None:
            raise DeadlockError("everybody waits for somebody else")
        self._loop.jump(timeout)
        return []


def run_virtually(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine on a loop of its own, from moment 0; what it leaves running is cancelled."""
    loop = VirtualLoop()
    try:
        return loop.run_until_complete(main)
    finally:
        _cancel_rest(loop)
        loop.close()


def _cancel_rest(loop: VirtualLoop) -> None:
    rest = asyncio.all_tasks(loop)
    for task in rest:
        task.cancel()
    if rest:
        loop.run_until_complete(asyncio.gather(*rest, return_exceptions=True))
