"""The kinds of fields that messages are made of, with the limits that are enforced and published."""

from typing import Annotated

from msgspec import Meta

from dides.model.policy import LONGEST_PERCENTAGE, MAX_COUNT, PERCENT_PATTERN
from dides.model.selector import KEY_PATTERN, LONGEST_KEY, MAX_LABELS, VALUE_PATTERN

HOSTNAME_PATTERN = r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?(\.[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)*$"
LONGEST_HOSTNAME = 253
LARGEST = 2**53
"""The largest whole number that every JSON reader keeps exact."""
YEAR_SECONDS = 31_536_000


def whole(pattern: str) -> str:
    r"""Return a pattern that ends in `$` as Python must read it: its `$` would let a line end pass, `\Z` does not."""
    return pattern[:-1] + r"\Z"


Name = Annotated[
    str,
    Meta(
        pattern=whole(HOSTNAME_PATTERN),
        min_length=1,
        max_length=LONGEST_HOSTNAME,
        description="A lower-case hostname (RFC 1123).",
        examples=["web-server-01"],
    ),
]
Labels = Annotated[
    # The patterns are published here and checked in dides.protocol.decode, which can say which label is wrong.
    dict[str, Annotated[str, Meta(extra_json_schema={"pattern": VALUE_PATTERN})]],
    Meta(
        max_length=MAX_LABELS,
        extra_json_schema={"propertyNames": {"pattern": KEY_PATTERN}},
        description="Labels in Kubernetes' syntax, at most 64.",
        examples=[{"environment": "production", "role": "web"}],
    ),
]
SelectorText = Annotated[
    str,
    Meta(
        max_length=10_000,
        description="A label selector in Kubernetes' syntax.",
        examples=["env=production,role in (web,api)"],
    ),
]
Address = Annotated[
    str,
    Meta(
        max_length=45,
        description="An IPv4 or IPv6 address.",
        examples=["192.168.1.100"],
        extra_json_schema={"anyOf": [{"format": "ipv4"}, {"format": "ipv6"}]},
    ),
]
Message = Annotated[
    str,
    Meta(
        # Not every database can store NUL.
        pattern=whole(r"^[^\x00]*$"),
        max_length=2000,
        description="Why it is DEGRADED or FAILED.",
        examples=["exit code 1: no space left on device"],
    ),
]
Count = Annotated[int, Meta(ge=1, le=MAX_COUNT)]
Percentage = Annotated[
    str, Meta(max_length=LONGEST_PERCENTAGE, pattern=whole(r"^(?!0{1,2}(\.0{1,2})?%)" + PERCENT_PATTERN[1:]))
]
Seconds = Annotated[float, Meta(gt=0, le=YEAR_SECONDS)]
Pause = Annotated[float, Meta(ge=0, le=YEAR_SECONDS)]
LabelKey = Annotated[str, Meta(max_length=LONGEST_KEY, pattern=whole(KEY_PATTERN))]
Generation = Annotated[int, Meta(ge=0, le=LARGEST)]
Credential = Annotated[str, Meta(pattern=whole("^[!-~]+$"), min_length=1, max_length=1024)]
DeploymentNumber = Annotated[int, Meta(ge=1, le=LARGEST)]
Session = Annotated[
    str,
    Meta(
        pattern=whole("^[!-~]+$"),
        min_length=1,
        max_length=64,
        description="Random, of the agent's process: 1 to 64 visible ASCII characters without spaces.",
        examples=["9f86d081884c7d65"],
    ),
]
Sequence = Annotated[int, Meta(ge=1, le=LARGEST, description="Which report of its session this is, from 1.")]
