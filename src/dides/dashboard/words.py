"""Numbers and spans of time, in words."""


def plural(number: int, one: str, many: str | None = None) -> str:
    """Return "1 instance", "2 instances", "1,000 instances"."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def seconds(span: float) -> str:
    """Return a span of seconds as one says it: "90 s" is "1 min 30 s"."""
    if span < 60:
        return f"{span:g} s"
    minutes, rest = divmod(round(span), 60)
    hours, minutes = divmod(minutes, 60)
    parts = [f"{hours} h" if hours else "", f"{minutes} min" if minutes else "", f"{rest} s" if rest else ""]
    return " ".join(part for part in parts if part)
