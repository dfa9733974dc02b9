"""What the thread that writes to a database has done, for metrics."""

from collections.abc import Callable

from dides.runtime.histogram import SIZES, Histogram


class WriterStatistics:
    """Counts since the start. The writer's own thread counts; any thread may read, and nothing ever goes down."""

    def __init__(self, name: str, waiting: Callable[[], int]) -> None:
        """Count from nothing; `waiting` tells how many units of work wait for the writer now."""
        self.name = name
        self.waiting = waiting
        self.transactions = Histogram()
        """Seconds from the begin of a transaction until its units of work were durable, or lost."""
        self.commits = Histogram()
        """Seconds that it took to make a transaction durable once its work was done."""
        self.sizes = Histogram(SIZES)
        """Units of work in a transaction."""
        self.done = 0
        """Units of work that are durable."""
        self.refused = 0
        """Units of work that raised an error of their own, which undid them."""
        self.lost = 0
        """Units of work that were not kept because the database failed."""

    def note(self, seconds: float, errors: int, size: int, *, durable: bool) -> None:
        """Count a transaction of `size` units of work, `errors` of which have raised an error of their own."""
        self.transactions.observe(seconds)
        self.sizes.observe(size)
        if durable:
            self.refused += errors
            self.done += size - errors
        else:
            self.lost += size
