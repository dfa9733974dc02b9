"""The time of a server, of which only answers are known: at the least, and as much as they allow."""

from dides.store.postgres.database_clock import DRIFT, DatabaseClock
from support.clocks import MONDAY


class Monotonic:
    """Seconds since this process began, moved by hand."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


class Server:
    """A server with a clock of its own; asking it takes as long as told, there and back."""

    def __init__(self) -> None:
        self.here = Monotonic()
        self.clock = DatabaseClock(self.here)
        self.ahead = MONDAY
        self.speed = 1.0

    @property
    def now(self) -> float:
        return self.ahead + 1000 * self.speed * (self.here.seconds - 100)

    def ask(self, there: float = 0.0, back: float = 0.0) -> None:
        asked_at = self.here.seconds
        self.here.seconds += there
        its_time = int(self.now)
        self.here.seconds += back
        self.clock.sample(asked_at, its_time)


def test_it_is_behind_by_the_way_back_of_the_answer() -> None:
    server = Server()
    server.ask(there=0.3, back=0.2)
    assert server.now - server.clock.now() == 200


def test_it_goes_on_with_the_time_of_this_process() -> None:
    server = Server()
    server.ask()
    server.here.seconds += 10
    assert 0 <= server.now - server.clock.now() <= 10_000 * DRIFT + 1


def test_the_best_answer_counts_not_the_last() -> None:
    server = Server()
    server.ask(back=0.001)
    server.ask(back=2.0)
    assert server.now - server.clock.now() <= 1 + 2_000 * DRIFT + 1


def test_a_better_answer_is_taken_up() -> None:
    server = Server()
    server.ask(back=2.0)
    server.ask(back=0.001)
    assert server.now - server.clock.now() <= 2


def test_it_is_never_ahead_of_a_server_that_goes_slower_or_faster() -> None:
    for speed in (1 - DRIFT, 1 + DRIFT):
        server = Server()
        server.speed = speed
        for number in range(1000):
            server.ask(there=0.001 * (number % 7), back=0.001 * (number % 5))
            server.here.seconds += 1
            assert server.clock.now() <= server.now
            assert server.now - server.clock.now() < 10


def test_it_goes_back_with_the_server() -> None:
    server = Server()
    server.ask()
    server.ahead -= 60_000
    server.ask(back=0.5)
    assert server.now - server.clock.now() == 500


def test_it_jumps_with_the_server() -> None:
    server = Server()
    server.ask()
    server.ahead += 60_000
    server.ask()
    assert server.now - server.clock.now() <= 1


def test_an_answer_that_was_long_under_way_contradicts_nothing() -> None:
    """As when this process, or its machine, stood still in between."""
    server = Server()
    asked_at = server.here.seconds
    its_time = int(server.now)
    server.here.seconds += 3600
    server.ask()
    server.clock.sample(asked_at, its_time)
    assert server.now - server.clock.now() <= 1


def test_after_a_sleep_that_its_own_time_did_not_count_it_is_behind_until_it_asks() -> None:
    server = Server()
    server.ask()
    server.ahead += 3_600_000
    assert server.now - server.clock.now() == 3_600_000
    server.ask()
    assert server.now - server.clock.now() <= 1
