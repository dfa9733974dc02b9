"""How a deployment proceeds: the amounts and times that its operator chose."""

import re
from enum import StrEnum
from typing import Literal, TypeAlias

import msgspec

MAX_COUNT = 1_000_000
MAX_RETRIES = 100
MAX_WAVES = 100
PERCENT_PATTERN = r"^(100(\.0{1,2})?|[0-9]{1,2}(\.[0-9]{1,2})?)%$"
LONGEST_PERCENTAGE = len("100.00%")
_PERCENT = re.compile(PERCENT_PATTERN[:-1] + r"\Z")

Amount: TypeAlias = int | str
"""A count of instances (1 to 1,000,000), or a percentage of the matched ones such as "12.5%"."""


class Ordering(StrEnum):
    """In which order targets are told: by name, or shuffled by a seed that is the deployment's own."""

    NAME = "name"
    SHUFFLE = "shuffle"


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """The `configuration` of a deployment; times are seconds."""

    batch_size: Amount = 1
    failure_threshold: Amount = 1
    waves: tuple[Amount, ...] = ()
    wave_pause: float | Literal["manual"] = 0.0
    min_healthy_time: float = 0.0
    update_timeout: float = 600.0
    deadline: float | None = None
    max_unavailable: Amount | None = None
    spread_by: str | None = None
    retries: int = 0
    order: Ordering = Ordering.NAME
    auto_rollback: bool = True
    force: bool = False

    @property
    def update_timeout_ms(self) -> int:
        """`update_timeout` in whole milliseconds, at least 1."""
        return max(1, _milliseconds(self.update_timeout))

    @property
    def min_healthy_ms(self) -> int:
        """`min_healthy_time` in whole milliseconds."""
        return _milliseconds(self.min_healthy_time)

    @property
    def wave_pause_ms(self) -> int | None:
        """`wave_pause` in whole milliseconds; None when an operator promotes each wave."""
        return None if self.wave_pause == "manual" else _milliseconds(self.wave_pause)

    @property
    def deadline_ms(self) -> int | None:
        """`deadline` in whole milliseconds, at least 1; None without one."""
        return None if self.deadline is None else max(1, _milliseconds(self.deadline))


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1000)


def hundredths(percentage: str) -> int:
    """Return a percentage such as "12.5%" in hundredths of a percent (1,250).

    Raises ValueError when it is not a percentage above 0 and at most 100 with at most two decimals.
    """
    if len(percentage) > LONGEST_PERCENTAGE or not _PERCENT.match(percentage):
        raise ValueError('must be a percentage from "0.01%" to "100%" with at most two decimals, such as "25%"')
    whole, _, decimals = percentage[:-1].partition(".")
    value = int(whole) * 100 + int(decimals.ljust(2, "0"))
    if value == 0:
        raise ValueError("must be above 0%")
    return value


def count_of(amount: Amount, matched: int) -> int:
    """Return how many instances an amount means: a count as it is, a percentage of the matched, rounded up, at least 1.

    Integer arithmetic throughout, as worked here: "25%" of 10 is 3 (2.5 rounded up); "1%" of 1 is 1; "100%" of 7 is 7;
    "0.01%" of 10,001 is 2. Raises ValueError when a percentage is malformed.
    """
    if isinstance(amount, int):
        return amount
    return max(1, -(-hundredths(amount) * matched // 10_000))
