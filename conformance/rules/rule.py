"""What a rule is, and the list of all of them.

A rule is a function from what was seen to marks: it yields ``view.good()`` for every observation that supports
it, ``view.bad(...)`` for every one that breaks it, ``not_applicable(...)`` where it has no business, and nothing
where the situation never came up. From that its verdict follows, so only an observation can make a rule pass.

The function's docstring is what users read: its first line says what must hold; ``Why:``, ``Mend:`` and
``Example:`` (bytes that break it) follow, one paragraph each. A test holds every rule to that form.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from ssegauge.conformance.facts import Role
from ssegauge.conformance.seen import Mark, Seen, View
from ssegauge.conformance.target import Profile

Level = Literal["must", "should", "advice"]
Verdict = Literal["pass", "fail", "not_applicable", "not_observed", "harness_error"]
Check = Callable[[Seen], Iterator[Mark]]


@dataclass(frozen=True, slots=True)
class Source:
    """The clause a rule stands on, quoted."""

    kind: Literal["whatwg", "http", "fetch", "profile"]
    title: str
    url: str
    quote: str


def whatwg(anchor: str, quote: str) -> Source:
    """Return a clause of the HTML Standard's section on server-sent events, read in the snapshot of 2025-06-18."""
    page = "iana" if anchor == "text/event-stream" else "server-sent-events"
    return Source(
        "whatwg",
        f"WHATWG HTML #{anchor}",
        f"https://html.spec.whatwg.org/multipage/{page}.html#{anchor}",
        quote,
    )


def rfc(number: int, section: str, quote: str) -> Source:
    """Return a clause of an HTTP RFC."""
    url = f"https://www.rfc-editor.org/rfc/rfc{number}#section-{section}"
    return Source("http", f"RFC {number} section {section}", url, quote)


def fetch(anchor: str, quote: str) -> Source:
    """Return a clause of the Fetch Standard."""
    return Source("fetch", f"WHATWG Fetch #{anchor}", f"https://fetch.spec.whatwg.org/#{anchor}", quote)


def profile(number: str, quote: str) -> Source:
    """Return a numbered sentence of the task-progress specification."""
    return Source(
        "profile", f"task-progress {number}", f"conformance/profiles/task_progress/spec.md#{number.lower()}", quote
    )


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. ``needs`` names the target's hooks without which its situation cannot be made."""

    code: str
    level: Level
    source: Source
    title: str
    why: str
    mend: str
    example: str
    needs: tuple[str, ...]
    patient: bool
    only: Profile | None
    check: Check

    @property
    def group(self) -> str:
        """The part of the code before the slash."""
        return self.code.partition("/")[0]

    @property
    def kind(self) -> str:
        """What sort of source the rule stands on."""
        return self.source.kind


RULES: dict[str, Rule] = {}


def rule(
    code: str,
    level: Level,
    source: Source,
    *,
    over: Role | Literal["streams"] | None = None,
    needs: Iterable[str] = (),
    patient: bool = False,
    only: Profile | None = None,
) -> Callable[[Callable[[Any], Iterator[Mark]]], Callable[[Any], Iterator[Mark]]]:
    """Register a rule.

    Args:
        code: ``group/name``; names the defect and never changes.
        level: what breaking it means.
        source: the clause; a ``profile`` clause makes the rule apply to the task-progress profile alone.
        over: ``"streams"`` to be called with each event stream in turn, or a role to be called with each
            exchange of that role; None to be called with all that was seen.
        needs: hooks of the target file without which there is nothing to see, as ``task.update``.
        patient: whether the situation takes longer to come up than ``--quick`` waits.
        only: the one profile whose streams are judged, where the clause does not say it.
    """

    def register(function: Callable[[Any], Iterator[Mark]]) -> Callable[[Any], Iterator[Mark]]:
        prose = _prose(inspect.getdoc(function) or "")
        RULES[code] = Rule(
            code,
            level,
            source,
            **prose,
            needs=tuple(needs),
            patient=patient,
            only="task-progress" if source.kind == "profile" else only,
            check=_over(function, over),
        )
        return function

    return register


def _over(function: Callable[[Any], Iterator[Mark]], over: Role | Literal["streams"] | None) -> Check:
    if over is None:
        return function

    def check(seen: Seen) -> Iterator[Mark]:
        for view in _views(seen, over):
            yield from function(view)

    return check


def _views(seen: Seen, over: Role | Literal["streams"]) -> tuple[View, ...]:
    return seen.streams if over == "streams" else seen.role(over)


def _prose(text: str) -> dict[str, str]:
    parts = re.split(r"\n\s*\n(Why|Mend|Example): ", text)
    found = {name.lower(): " ".join(body.split()) for name, body in zip(parts[1::2], parts[2::2], strict=True)}
    return {
        "title": " ".join(parts[0].split()),
        **{key: found.get(key, "") for key in ("why", "mend", "example")},
    }
