"""Exit codes, which scripts rely on."""

from enum import IntEnum


class ExitCode(IntEnum):
    """How a command ended."""

    DONE = 0
    FAILED = 1
    """A deployment has failed. Nothing else ends with this code."""
    USAGE = 2
    """The command line, or the environment, cannot be meant."""
    ABORTED = 3
    REFUSED = 4
    """The coordinator refused, or could not be reached."""
    DECOMMISSIONED = 5
    UNABLE = 6
    """This machine does not let it: a file or a stream cannot be written, or memory does not suffice."""
    UNFORESEEN = 70
    """A fault of dides."""
    INTERRUPTED = 130
    """Ctrl-C, or a question that was not answered with yes."""
    READER_GONE = 141
    """Whoever read standard output has left, as `head` does; it is what shells say of SIGPIPE."""


class UnforeseenError(Exception):
    """Wraps an error that the library for command lines would make an exit code of itself: always 1."""
