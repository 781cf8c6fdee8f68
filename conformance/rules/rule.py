"""What a rule is, and the list of all of them.

A rule is a function from what was seen to marks: it yields ``view.good()`` for every observation that supports
it, ``view.bad(...)`` for every one that breaks it, ``not_applicable(...)`` where it has no business, and nothing
where the situation never came up. From that its verdict follows, so only an observation can make a rule pass.

A rule rests on others: where one of these is broken, what this rule would say follows from that, and it is not judged.
A rule below ``conformance/profiles`` is one of that profile alone; all others hold for any event stream, and a profile
may cite a sentence of its own for them (``Tightened``).

The function's docstring is what users read: its first line says what must hold; ``Why:``, ``Mend:`` and
``Example:`` (bytes that break it) follow, one paragraph each. A test holds every rule to that form.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal

from ssegauge.conformance.facts import Role
from ssegauge.conformance.seen import Level, Mark, Seen, View
from ssegauge.conformance.target import Profile

Verdict = Literal["pass", "fail", "not_judged", "not_applicable", "not_observed", "harness_error"]
Check = Callable[[Seen], Iterator[Mark]]


@dataclass(frozen=True, slots=True)
class Source:
    """The clause a rule stands on, quoted."""

    kind: Literal["whatwg", "http", "fetch", "profile", "own"]
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


def own(title: str, quote: str, url: str = "") -> Source:
    """Return a sentence of a house's own: where it stands, and what it says."""
    return Source("own", title, url, quote)


PROFILES = Path(__file__).parents[1] / "profiles"
SPECIFICATIONS = {
    "E": "event-stream",
    "S": "task-progress",
    "C": "chat-completions",
    "R": "responses",
    "M": "messages",
}
# What one whole stream shows; for all else there must be several, or other requests.
IN_ONE_STREAM = frozenset({"wire", "shape", "response", "end", "liveness", "text"})


def profile(number: str, quote: str = "") -> Source:
    """Return a numbered sentence of a profile's specification; without a quote, the whole of it."""
    name = SPECIFICATIONS[number[0]]
    page = f"conformance/profiles/{name.replace('-', '_')}/spec.md#{number.lower()}"
    return Source("profile", f"{name} {number}", page, quote or sentences(name)[number])


@cache
def sentences(name: str) -> Mapping[str, str]:
    """Return the sentences of a profile's specification by their number, each on one line, without their sources."""
    text = (PROFILES / name.replace("-", "_") / "spec.md").read_text(encoding="utf-8")
    found = re.findall(r"^- \*\*([A-Z][\d.]+)\*\* (.*?)(?=^- |^## |\Z)", text, re.MULTILINE | re.DOTALL)
    return {number: re.sub(r" \([^()]*\)\Z", "", " ".join(body.split())) for number, body in found}


@dataclass(frozen=True, slots=True)
class Tightened:
    """What a profile makes of a general rule: another level, on a sentence of its own."""

    level: Level
    source: Source


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule.

    ``needs`` names the target's hooks without which its situation cannot be made; ``promised`` the level that the rule
    has once the target gives a promise; ``rests_on`` the rules whose breach explains what this one would find.
    """

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
    promised: Mapping[str, Level] = field(default_factory=dict)
    rests_on: tuple[str, ...] = ()
    over: Role | Literal["streams"] | None = None
    alone: bool = False

    @property
    def in_one_stream(self) -> bool:
        """Whether one stream, read to its end, is enough to judge by."""
        return self.alone or self.over == "streams" or self.group in IN_ONE_STREAM

    @property
    def group(self) -> str:
        """The part of the code before the slash."""
        return self.code.partition("/")[0]

    @property
    def kind(self) -> str:
        """What sort of source the rule stands on."""
        return self.source.kind


RULES: dict[str, Rule] = {}


def rule(  # noqa: PLR0913 - what there is to say of a rule, by name
    code: str,
    level: Level,
    source: Source,
    *,
    over: Role | Literal["streams"] | None = None,
    needs: tuple[str, ...] = (),
    patient: bool = False,
    promised: Mapping[str, Level] | None = None,
    rests_on: tuple[str, ...] = (),
    alone: bool = False,
) -> Callable[[Callable[[Any], Iterator[Mark]]], Callable[[Any], Iterator[Mark]]]:
    """Register a rule.

    Args:
        code: ``group/name``; names the defect and never changes.
        level: what breaking it means.
        source: the clause.
        over: ``"streams"`` to be called with each event stream in turn, or a role to be called with each
            exchange of that role; None to be called with all that was seen.
        needs: hooks of the target file without which there is nothing to see, as ``task.update``.
        patient: whether the situation takes longer to come up than ``--quick`` waits.
        promised: the level that the rule has where the target gives a promise, by the key of ``[promises]``.
        rests_on: codes, or groups, of rules whose breach explains what this one would find.
        alone: whether one stream is enough to judge by, though it may say more beside others.
    """

    def register(function: Callable[[Any], Iterator[Mark]]) -> Callable[[Any], Iterator[Mark]]:
        prose = _prose(inspect.getdoc(function) or "")
        if code in RULES:
            raise ValueError(f"there is a rule {code!r} already; give yours another code")
        if not re.fullmatch(r"[a-z0-9]+(?:-[a-z0-9]+)*/[a-z0-9]+(?:-[a-z0-9]+)*", code):
            raise ValueError(f"{code!r} is no code; write group/name, in lower case with hyphens")
        if missing := [name for name, text in prose.items() if not text]:
            raise ValueError(f"the docstring of {code} lacks {', '.join(missing)}")
        RULES[code] = Rule(
            code,
            level,
            source,
            **prose,
            needs=needs,
            patient=patient,
            only=_profile_of(function.__module__),
            check=_over(function, over),
            promised=promised or {},
            rests_on=rests_on,
            over=over,
            alone=alone,
        )
        return function

    return register


def _profile_of(module: str) -> Profile | None:
    """Return the profile in whose folder a rule stands, None for a general one."""
    _, found, inner = module.partition(".conformance.profiles.")
    return inner.partition(".")[0].replace("_", "-") if found else None


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
