"""Where settings and data are found besides flags: one TOML file, and a data directory."""

import os
import tomllib
from pathlib import Path


class SettingsError(Exception):
    """A settings file that cannot be used; the text says which, where and why."""


def load_settings(path: Path, known: frozenset[str]) -> dict[str, object]:
    """Return the settings in a TOML file, keyed by flag name without dashes in front (`time-to-live = 30`).

    Raises SettingsError when the file cannot be read, is no TOML, or names a setting that is not in `known`.
    """
    try:
        settings = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"cannot read {path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} is not valid TOML: {error}") from error
    unknown = sorted(set(settings) - known)
    if unknown:
        raise SettingsError(
            f"{path} sets {', '.join(unknown)}, which is no setting here; known: {', '.join(sorted(known))}"
        )
    return settings


def home_directory() -> Path | None:
    """Return this user's home directory; None for one that has none, as in a container that runs under any number."""
    if os.environ.get("HOME") == "":
        return None
    try:
        home = Path.home()
    except RuntimeError:  # Neither HOME nor an entry in the list of users.
        return None
    return home if home.is_absolute() else None


def default_data_dir() -> Path | None:
    """Return where a coordinator of this user keeps its data: DIDES_DATA_DIR, else the system's or the user's place.

    None when there is no such place.
    """
    if named := os.environ.get("DIDES_DATA_DIR"):
        return Path(named)
    if os.geteuid() == 0:
        return Path("/var/lib/dides")
    home = home_directory()
    return home / ".local/share/dides" if home else None
