"""What a rule says of one observation, and where to look for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Level = Literal["must", "should", "advice"]


@dataclass(frozen=True, slots=True)
class Evidence:
    """Where to look: a transcript, and in it a chunk, a byte of the body, a time; with the bytes that show it."""

    transcript: str
    chunk: int | None = None
    byte: int | None = None
    at_ms: float | None = None
    excerpt: str = ""


@dataclass(frozen=True, slots=True)
class Mark:
    """One observation of a rule: ``good`` or not; None where the rule turns out not to apply.

    ``level`` is for a breach that weighs more, or less, than the rule usually does. ``because`` is the code of the rule
    whose breach leaves nothing to judge.
    """

    good: bool | None
    summary: str = ""
    evidence: Evidence | None = None
    level: Level | None = None
    because: str = ""


def not_applicable(reason: str) -> Mark:
    """Return the mark that says the rule has no business with this server."""
    return Mark(None, reason)


def not_judged(because: str) -> Mark:
    """Return the mark that says that the breach of another rule, by its code, leaves nothing to judge."""
    return Mark(None, f"cannot be judged where {because} is broken", because=because)
