"""A command line as a process: what it is given, and what its exit code means, whatever happens inside."""

import importlib
import os
import signal
import sys
import traceback
from types import FrameType, TracebackType
from typing import Never, Self

from dides.cli.display.exits import ExitCode, UnforeseenError
from dides.cli.options.streams import ReaderGoneError, StandardStream, open_streams

SIGNALLED = 128
"""What shells add to the number of a signal."""
PROGRAM = "dides.cli.main"
SHOW_TRACEBACK = "DIDES_TRACEBACK"


def run() -> Never:
    """Run the program with the arguments of this process, and leave the process with an exit code.

    1 means that a deployment has failed, and nothing else: where Python would say so of itself, it is another code.
    """
    output = open_streams()
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _leave)
    ending = Ending()
    with ending:
        # Imported only now, so that what fails in an import is an error like any other.
        importlib.import_module(PROGRAM).main()
    sys.exit(_after_the_last_word(output, ending.code))


class Ending:
    """Takes whatever ends a block, and makes an exit code of it."""

    def __init__(self) -> None:
        self.code = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if error is not None:
            self.code = _code_of(error)
        return True


def _code_of(error: BaseException) -> int:
    """Return the exit code for what ended the program, and say what nobody has foreseen."""
    match error:
        case SystemExit(code=int(code)):
            return code
        case SystemExit(code=None):
            return 0
        case KeyboardInterrupt():
            return ExitCode.INTERRUPTED
        case ReaderGoneError():
            return ExitCode.READER_GONE
        case _:
            _report(error)
            return ExitCode.UNFORESEEN


def _report(error: BaseException) -> None:
    """Say in one line what has happened, and where."""
    if isinstance(error, UnforeseenError) and error.__cause__ is not None:
        error = error.__cause__
    if os.environ.get(SHOW_TRACEBACK):
        traceback.print_exception(error)
    steps = traceback.extract_tb(error.__traceback__)
    place = f", at line {steps[-1].lineno} of {steps[-1].filename}" if steps else ""
    text = " ".join(f"{type(error).__name__}: {error}".split())
    print(f"error: {text}{place}\nNobody has foreseen this. {SHOW_TRACEBACK}=1 shows more.", file=sys.stderr)


def _after_the_last_word(output: StandardStream, code: int) -> int:
    """Write what is left; return the exit code, which says whether something could not be, if all else was well."""
    try:
        sys.stdout.flush()
    except ReaderGoneError:
        return code or ExitCode.READER_GONE
    if output.failure is not None and not isinstance(output.failure, BrokenPipeError):
        print(f"error: standard output could not be written: {output.failure.strerror}", file=sys.stderr)
        code = code or ExitCode.UNABLE
    sys.stderr.flush()
    return code


def _leave(number: int, _: FrameType | None) -> Never:
    """End as Python does of itself, cleaning up, where a signal would end the process on the spot."""
    sys.exit(SIGNALLED + number)
