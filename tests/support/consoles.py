"""Consoles that write into memory, for tests of what is shown."""

import io

from rich.console import Console


def make_text_console(width: int = 80, encoding: str = "utf-8") -> Console:
    """Return a console of this width whose text can be read back with `text_of`."""
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors="strict", write_through=True)
    return Console(file=stream, width=width, markup=False, highlight=False, emoji=False, color_system=None)


def text_of(console: Console) -> str:
    """Return everything that a console of make_text_console has written."""
    stream = console.file
    assert isinstance(stream, io.TextIOWrapper)
    buffer = stream.buffer
    assert isinstance(buffer, io.BytesIO)
    return buffer.getvalue().decode(stream.encoding)
