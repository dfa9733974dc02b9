"""What a store has acknowledged outlives the process, however that ends; what it has refused leaves no trace."""

import random
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from dides.model.selector import Selector
from dides.store.sqlite.store import SqliteStore
from support.clocks import FakeClock

KILLS = 12
SEED = 20260105
PATIENCE = 30.0
TESTS = Path(__file__).parents[1]


@contextmanager
def program(module: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Run a module of tests/support as a program; it is dead afterwards."""
    command = [sys.executable, "-m", module, *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=TESTS) as process:
        try:
            yield process
        finally:
            process.kill()


def killed_writer(file: Path, prefix: str, enough: int, seconds: float) -> list[str]:
    """Let a writer write until so many pairs are acknowledged, kill it some time later, and return all it said."""
    with program("support.durable_writer", str(file), prefix) as process:
        assert process.stdout is not None
        acknowledged = [process.stdout.readline().strip() for _ in range(enough)]
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
        # The last line may have been cut off: then it was never said.
        rest = process.stdout.read()
        return acknowledged + rest[: rest.rfind("\n") + 1].split()


async def stored(file: Path) -> set[str]:
    """Return the names of the pairs in a database, both halves of which must be there."""
    store = SqliteStore(file, FakeClock())
    try:
        page = await store.read(lambda tx: tx.inventory.page(Selector(), None, "", 1_000_000))
    finally:
        await store.close()
    halves = [each.name.rpartition(".") for each in page]
    left = {name for name, _, side in halves if side == "left"}
    assert left == {name for name, _, side in halves if side == "right"}
    return left


def integrity(file: Path) -> list[str]:
    with closing(sqlite3.connect(file)) as database:
        return [row[0] for row in database.execute("PRAGMA integrity_check")]


async def test_every_acknowledged_write_survives_sigkill(tmp_path: Path) -> None:
    file, chance = tmp_path / "dides.db", random.Random(SEED)
    acknowledged: set[str] = set()
    for number in range(KILLS):
        # Now and then before the first one: while it opens the database, or migrates it.
        enough = 0 if number % 4 == 0 else chance.randrange(1, 200)
        said = killed_writer(file, f"round-{number}", enough, chance.uniform(0, 0.6 if enough == 0 else 0.05))
        acknowledged.update(said)
        assert enough == 0 or len(said) >= enough
        assert integrity(file) == ["ok"]
        assert acknowledged <= await stored(file), f"lost in round {number}"
    assert len(acknowledged) > 100


async def test_a_disk_that_is_full_for_a_while_refuses_and_forgets(tmp_path: Path) -> None:
    file = tmp_path / "dides.db"
    with program("support.full_disk_writer", str(file)) as process:
        said, _ = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0
    outcomes = dict(line.split() for line in said.splitlines())
    assert outcomes == {
        f"{name}-{number}": "unavailable" if name == "full" else "stored"
        for name in ("before", "full", "after")
        for number in range(5)
    }
    assert await stored(file) == {name for name, outcome in outcomes.items() if outcome == "stored"}
    assert integrity(file) == ["ok"]
