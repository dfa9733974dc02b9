"""How people type what the wire has as numbers: on a command line, and in a form."""

from dides.model.policy import Amount


def amount_in(text: str) -> Amount:
    """Return a count where the text is a whole number, else the text: a percentage, or something to be refused."""
    text = text.strip()
    try:
        return int(text)
    except ValueError:
        return text


def number_in(text: str) -> float | str:
    """Return a number where the text is one, else the text: "manual", or something to be refused."""
    try:
        return float(text)
    except ValueError:
        return text


def number_text(number: float) -> str:
    """Return a number as one types it, which `number_in` reads as the same number."""
    return str(int(number)) if number == int(number) else repr(number)
