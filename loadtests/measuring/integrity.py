"""Does every update arrive at every stream that should see it, once and in order?

An update's message is its ``Token``: which run, which task, its number in that task, when it was due and how
late we sent it. So an event shows by itself which update it is of, and how old it is, in any process.

A ``Ledger`` follows one stream. Updates sent before the stream was open (up to ``floor``) are the current
state it may be told, and count for nothing. ``note`` takes the numbers that arrive; ``close`` settles the
account: of the numbers after the floor up to the last one sent while it was open, those that the server
accepted and that did not arrive are lost.
"""

from __future__ import annotations

import re
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

_NUMBER: Final = "([0-9]{1,20})"
Outcome = Literal["earlier", "new", "late", "duplicated"]


class Token(NamedTuple):
    """What an update's message says: numbers from 1, ns of the real-time clock (0: not timed), our lateness in us."""

    task: int
    sequence: int
    due_ns: int
    late_us: int


class Tokens:
    """Writes and finds the tokens of one run, told from all other text by the run's name (hex digits)."""

    def __init__(self, run: str) -> None:
        self._run = run
        self._search: Final = re.compile(f"ssegauge:{run}:{_NUMBER}:{_NUMBER}:{_NUMBER}:{_NUMBER}:").search

    def write(self, token: Token) -> str:
        """Return the token's text: it survives JSON unescaped."""
        return f"ssegauge:{self._run}:{token.task}:{token.sequence}:{token.due_ns}:{token.late_us}:"

    def find(self, data: str) -> Token | None:
        """Return the token in an event's data, None when there is none."""
        if not (found := self._search(data)):
            return None
        return Token(*map(int, found.groups()))


@dataclass(frozen=True, slots=True)
class Account:
    """One stream's settled account; ``sent == received + lost``."""

    sent: int = 0
    received: int = 0
    lost: int = 0
    duplicated: int = 0
    reordered: int = 0

    def __add__(self, other: Account) -> Account:
        return Account(
            self.sent + other.sent,
            self.received + other.received,
            self.lost + other.lost,
            self.duplicated + other.duplicated,
            self.reordered + other.reordered,
        )


class Ledger:
    """What one stream saw of a task's updates."""

    __slots__ = ("duplicated", "floor", "last", "missing", "reordered")

    def __init__(self, floor: int) -> None:
        self.floor = self.last = floor
        self.missing: set[int] | None = None  # skipped so far; most streams never need the set
        self.duplicated = self.reordered = 0

    def note(self, sequence: int) -> Outcome:
        """Take the number of an arrived update; say what it is."""
        if sequence == self.last + 1:
            self.last = sequence
            return "new"
        if sequence <= self.floor:
            return "earlier"
        return self._out_of_turn(sequence)

    def has_all(self, up_to: int, refused: AbstractSet[int] = frozenset()) -> bool:
        """Whether everything that should have arrived, up to a number, has."""
        return not self._lost(up_to, refused)

    def close(self, up_to: int, refused: AbstractSet[int] = frozenset()) -> Account:
        """Settle the account for the updates up to a number, but for those the server did not accept."""
        expected = max(0, up_to - self.floor) - sum(self.floor < number <= up_to for number in refused)
        lost = len(self._lost(up_to, refused))
        return Account(expected, expected - lost, lost, self.duplicated, self.reordered)

    def _out_of_turn(self, sequence: int) -> Outcome:
        if sequence > self.last:
            self.missing = self.missing or set()
            self.missing.update(range(self.last + 1, sequence))
            self.last = sequence
            return "new"
        if self.missing and sequence in self.missing:
            self.missing.remove(sequence)
            self.reordered += 1
            return "late"
        self.duplicated += 1
        return "duplicated"

    def _lost(self, up_to: int, refused: AbstractSet[int]) -> set[int]:
        lost = {number for number in self.missing or () if number <= up_to}
        lost.update(range(self.last + 1, up_to + 1))
        return lost - refused
