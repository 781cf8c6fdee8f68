"""What was seen, in short words for a person: values, lengths of time, bytes."""

from typing import Any

EXCERPT = 160
MOST_SHOWN = 60
_ESCAPES = {"\r": "\\r", "\n": "\\n", "\t": "\\t", "\0": "\\x00"}  # before a digit `\0` would be another


def shown(value: Any) -> str:  # noqa: ANN401 - whatever the server sent
    """Return a value as short text for a summary."""
    text = repr(value)
    return text if len(text) <= MOST_SHOWN else text[: MOST_SHOWN - 1] + "…"


def lasted(ms: float) -> str:
    """Return a length of time as short text for a summary."""
    if round(ms) < 1000:
        return f"{ms:.0f} ms"
    return f"{ms / 1000:.3g} s" if ms < 99_950 else f"{ms / 1000:,.0f} s"


def events(many: int) -> str:
    """Return how many events there are, in words."""
    return "an event" if many == 1 else f"{many} events"


def excerpt(data: bytes) -> str:
    """Return bytes as one short line: escapes for what cannot be seen, an ellipsis for what is left out."""
    text = data[:EXCERPT].decode("utf-8", "backslashreplace")
    shown = "".join(_ESCAPES.get(char) or (char if char.isprintable() else f"\\u{ord(char):04x}") for char in text)
    return shown + ("…" if len(data) > EXCERPT else "")
