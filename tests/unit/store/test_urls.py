"""Database URLs: what they name, and that what is wrong with one is said without repeating it."""

import sys
from pathlib import Path

import pytest

from dides.store.open import open_store
from dides.store.postgres.connections import conninfo_of
from dides.store.urls import UnknownDatabaseError, is_postgresql, sqlite_file
from support.clocks import FakeClock


def test_sqlite_urls_name_a_file() -> None:
    assert sqlite_file("sqlite:////var/lib/dides/dides.db") == Path("/var/lib/dides/dides.db")
    assert sqlite_file("sqlite:///dides.db") == Path("dides.db")


@pytest.mark.parametrize("url", ["", "dides.db", "sqlite:///", "sqlite://", "mysql://localhost/dides"])
def test_other_urls_are_refused_with_what_to_use(url: str) -> None:
    with pytest.raises(UnknownDatabaseError, match="use sqlite:///FILE or postgresql://"):
        open_store(url, FakeClock())


@pytest.mark.parametrize("url", ["postgresql://localhost/dides", "postgres://u:p@[::1]:5433/d?sslmode=require"])
def test_both_spellings_of_postgresql_are_known(url: str) -> None:
    assert is_postgresql(url)
    assert "application_name=dides" in conninfo_of(url)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:sec@ret@host/d",
        "postgresql://u:sec/ret@host/d",
        "postgresql://u:12/secret@host/d",
        "postgresql://u:sec?ret@host/d",
        "postgresql://u:sec%zzret@host/d",
        "postgresql://u:p@host/d?secret=ret",
    ],
)
def test_no_part_of_a_password_is_repeated(url: str) -> None:
    with pytest.raises(UnknownDatabaseError) as raised:
        conninfo_of(url)
    said = f"{raised.value!r} {raised.value.__cause__!r}"
    assert "sec" not in said
    assert "ret" not in said


def test_what_the_url_says_wins_and_options_are_added() -> None:
    options = "options=-c%20lock_timeout%3D3"
    made = conninfo_of(f"postgresql://u@h/d?connect_timeout=9&application_name=mine&{options}", "me")
    assert "connect_timeout=9" in made
    assert "application_name=mine" in made
    assert made.index("lock_timeout=10000") < made.index("dides.origin=me") < made.index("lock_timeout=3")


def test_a_driver_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "dides.store.postgres.store", None)  # Python's way to say that there is none.
    with pytest.raises(UnknownDatabaseError, match=r"pip install 'dides\[server,postgresql\]'"):
        open_store("postgresql://localhost/dides", FakeClock())
