"""Measures one answer: a stream that was asked for, is read to its end, and then is over.

Everything counts from ``begun_ns``: just before the connect or, where requests come by a plan, the moment that was
planned. So what a request had to wait for is part of its times.

Of several tokens in one read only the last has an arrival of its own. They came together where the bytes waited for
nobody, and then they are one gap (``TOKEN_GAP``) and a count; where we may have been late, the gap is kept apart
(``TOKEN_GAP_LATE``) and in no percentile. A first token of which that is so counts as it was read, which is never too
early, with a row that says so (``FIRST_TOKEN_LATE``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Final

from ssegauge.conformance.target import EVENT_STREAM, Ends, Promises
from ssegauge.loadtests.measuring.samples import (
    CONNECT,
    DURATION,
    FIRST_EVENT,
    FIRST_OF_TYPE,
    FIRST_TOKEN,
    FIRST_TOKEN_LATE,
    GAP,
    INPUT_TOKENS,
    OUTPUT_TOKENS,
    TIME_PER_TOKEN,
    TOKEN_GAP,
    TOKEN_GAP_LATE,
    TOKEN_RATE,
    Rows,
)
from ssegauge.loadtests.measuring.tokens import Pieces, Strange, told_error, told_otherwise, told_usage

PROMPT_NS: Final = 500_000  # bytes that waited no longer came when they were read
PROMPT_SHARE: Final = 0.05  # or no longer than this share of the gap
NO_MARKER: Final = "ended without its end marker"
COUNTED: Final = ("cuts", "failures", "foreign")  # of a tally, by reasons


@dataclass(slots=True)
class Tally:
    """What became of a process's requests; all of it only grows, and can be added up.

    Attributes:
        planned: requests that were due; asked: those that were sent or tried.
        finished, cut, failed: answers read to their end; those that broke off, told an error or lacked their end
            marker; requests without an answer. unfinished: those that we cut ourselves when the run was over.
        refused: failures by status; told_to_wait_s: the longest Retry-After.
        pieces: tokens; together: those that came in one read with an earlier one.
        events: all events; markers: end markers among them; blank: those with an empty text where tokens are promised.
        empty: answers that finished without a token, where tokens are promised, and called no tool.
        foreign: answers in another profile's wire form, by what is to be said of it.
    """

    planned: int = 0
    asked: int = 0
    finished: int = 0
    cut: int = 0
    failed: int = 0
    unfinished: int = 0
    events: int = 0
    markers: int = 0
    blank: int = 0
    pieces: int = 0
    together: int = 0
    empty: int = 0
    told_to_wait_s: float = 0.0
    cuts: Counter[str] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)
    foreign: Counter[str] = field(default_factory=Counter)

    def plain(self) -> dict[str, Any]:
        """Return it as plain values, fit for a message."""
        return asdict(self) | {name: dict(getattr(self, name)) for name in COUNTED}

    @classmethod
    def of(cls, plain: dict[str, Any]) -> Tally:
        """Return what ``plain`` made these values of."""
        return cls(**(plain | {name: Counter(plain[name]) for name in COUNTED}))

    def __add__(self, other: Tally) -> Tally:
        whole = {item.name: getattr(self, item.name) + getattr(other, item.name) for item in fields(self)}
        return Tally(**(whole | {"told_to_wait_s": max(self.told_to_wait_s, other.told_to_wait_s)}))


class AnswerMeter:
    """Measures one answer; ``early_ns`` returns how long ago the first byte of the last read may have come."""

    __slots__ = (
        "_before_ns",
        "_begun_ns",
        "_calls",
        "_ends",
        "_first_token_ns",
        "_last_token_ns",
        "_number",
        "_pieces",
        "_rows",
        "_seen",
        "_strange",
        "_tally",
        "_told",
        "error",
        "has_marker",
        "tokens",
    )

    def __init__(
        self,
        rows: Rows,
        tally: Tally,
        number: int,
        begun_ns: int,
        promises: Promises,
        profile: str = EVENT_STREAM,
    ) -> None:
        self._rows, self._tally, self._number, self._begun_ns = rows, tally, number, begun_ns
        self._ends: Ends | None = promises.ends if promises.ends and promises.ends.has_marker else None
        self._pieces = Pieces(promises.token) if promises.token is not None else None
        self._strange = Strange(profile)
        self._before_ns = self._first_token_ns = self._last_token_ns = 0
        self._seen: set[int] = set()
        self._calls = False  # a tool, or refuses: that answers too
        self._told: tuple[int | None, int | None] = None, None
        self.error = ""
        self.has_marker = False
        self.tokens = 0

    @property
    def wants_marker(self) -> bool:
        """Whether an end marker is promised, and has not come."""
        return self._ends is not None and not self.has_marker

    @property
    def last_ns(self) -> int:
        """When the last event had come; 0 before the first."""
        return self._before_ns

    @property
    def has_events(self) -> bool:
        """Whether one has come."""
        return bool(self._before_ns)

    def head(self, arrived_ns: int, delay_ns: int) -> None:
        """Take the response head."""
        self._add(CONNECT, arrived_ns, self._begun_ns, delay_ns)

    def note_types(self, types: Iterable[int], arrived_ns: int, delay_ns: int) -> None:
        """Measure each type of a read's events, by its code, when it comes in this answer for the first time."""
        for code in types:
            if code not in self._seen:
                self._seen.add(code)
                age_ms = (arrived_ns - self._begun_ns) / 1e6
                self._rows.add(FIRST_OF_TYPE, arrived_ns, self._number, age_ms, delay_ns, code)

    def take(
        self, events: list[tuple[str, str, str]], arrived_ns: int, delay_ns: int, early: Callable[[], int]
    ) -> None:
        """Measure the events of a read: when its last byte arrived, how long it waited, and the first may have."""
        if len(events) == 1 and self._first_token_ns and self._pieces and self._pieces.has_one(events[0][1]):
            self._take_next_token(arrived_ns, delay_ns)  # as nearly always
            return
        pieces = 0
        early_ns = delay_ns if len(events) == 1 else early()
        for kind, data, _ in events:
            if not self._before_ns:
                self._add(FIRST_EVENT, arrived_ns, self._begun_ns, delay_ns)
            else:
                self._add(GAP, arrived_ns, self._before_ns, delay_ns)
            self._before_ns = arrived_ns
            if self._pieces and self._pieces.has_one(data):
                pieces += 1
            else:
                self._listen(kind, data)
        self._tally.events += len(events)
        if pieces:
            self._measure_tokens(pieces, arrived_ns, early_ns, alone=len(events) == 1)

    def finish(self) -> None:
        """Take the end of an answer that was read to its end: its last event ended it."""
        self._tally.finished += 1
        self._tally.empty += self._pieces is not None and not (self.tokens or self._calls)
        self._add(DURATION, self._before_ns, self._begun_ns, -1)
        told_input, told_output = self._told
        for kind, count in ((INPUT_TOKENS, told_input), (OUTPUT_TOKENS, told_output or self.tokens)):
            if count:
                self._rows.add(kind, self._before_ns, self._number, float(count), -1)
        self._rate(told_output or self.tokens)

    def _rate(self, tokens: int) -> None:
        """Note how fast the tokens came after the first one."""
        span_ns = self._last_token_ns - self._first_token_ns
        if tokens > 1 and span_ns > 0:
            self._rows.add(TIME_PER_TOKEN, self._last_token_ns, self._number, span_ns / (tokens - 1) / 1e6, -1)
            self._rows.add(TOKEN_RATE, self._last_token_ns, self._number, (tokens - 1) / span_ns * 1e9, -1)

    def _listen(self, kind: str, data: str) -> None:
        """Take what an event without text says."""
        tally = self._tally
        if self._ends and self._ends.is_marker(kind, data):
            self.has_marker = True
            tally.markers += 1
            return
        tally.blank += self._pieces is not None and self._pieces.was_blank
        if strange := self._strange.said(data):
            tally.foreign[strange] += 1
        self.error = self.error or told_error(kind, data)
        self._calls = self._calls or told_otherwise(data)
        told = told_usage(data)
        self._told = told[0] or self._told[0], told[1] or self._told[1]

    def _take_next_token(self, arrived_ns: int, delay_ns: int) -> None:
        """Do for one token that came by itself, and is not the first, what is done for all."""
        add, tally, number = self._rows.add, self._tally, self._number
        tally.events += 1
        tally.pieces += 1
        self.tokens += 1
        add(GAP, arrived_ns, number, (arrived_ns - self._before_ns) / 1e6, delay_ns)
        add(TOKEN_GAP, arrived_ns, number, (arrived_ns - self._last_token_ns) / 1e6, delay_ns)
        self._before_ns = self._last_token_ns = arrived_ns

    def _measure_tokens(self, pieces: int, arrived_ns: int, early_ns: int, *, alone: bool) -> None:
        self.tokens += pieces
        self._tally.pieces += pieces
        self._tally.together += pieces - 1
        if not self._first_token_ns:
            self._first_token_ns = arrived_ns
            self._add(FIRST_TOKEN, arrived_ns, self._begun_ns, early_ns)
            if not (alone or _is_prompt(early_ns, arrived_ns - self._begun_ns)):
                self._rows.add(FIRST_TOKEN_LATE, arrived_ns, self._number, early_ns / 1e6, early_ns)
        else:
            is_prompt = alone or _is_prompt(early_ns, arrived_ns - self._last_token_ns)
            self._add(TOKEN_GAP if is_prompt else TOKEN_GAP_LATE, arrived_ns, self._last_token_ns, early_ns)
        self._last_token_ns = arrived_ns

    def _add(self, kind: int, arrived_ns: int, since_ns: int, delay_ns: int) -> None:
        self._rows.add(kind, arrived_ns, self._number, (arrived_ns - since_ns) / 1e6, delay_ns)


def _is_prompt(early_ns: int, span_ns: int) -> bool:
    """Whether bytes that may have come so much earlier came when they were read, as far as it matters to a time."""
    return 0 <= early_ns <= max(PROMPT_NS, PROMPT_SHARE * span_ns)
