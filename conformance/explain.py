"""The rules as text: a list of all, or one explained."""

from __future__ import annotations

import difflib
import itertools
from collections.abc import Iterable, Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from ssegauge.conformance.catalogue import RULES
from ssegauge.conformance.errors import CannotJudge
from ssegauge.conformance.rules import Rule

LEAST_LIKENESS = 0.75


def listed(rules: Iterable[Rule] = RULES.values()) -> RenderableType:
    """Return the list of rules, by group."""
    rules = list(rules)
    parts: list[RenderableType] = []
    for group, members in itertools.groupby(rules, key=lambda rule: rule.group):
        table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
        for rule in members:
            table.add_row(Text(rule.code.partition("/")[2]), Text(rule.level, "dim"), Text(rule.title))
        parts += [Text(group, "bold"), Padding(table, (0, 0, 1, 2))]
    return Group(*parts, Text(f"{len(rules)} rules. `ssegauge rules CODE` explains one."))


def explained(code: str) -> RenderableType:
    """Return a rule in full; a group's name lists the group. Raises CannotJudge for a name that is neither."""
    members = [rule for rule in RULES.values() if rule.group == code]
    if members:
        return listed(members)
    rule = named(code)
    clause = f"{rule.source.title}: “{rule.source.quote}”"
    parts = {"Why": rule.why, "How to mend": rule.mend, "Breaks it": rule.example, "Source": clause}
    body: list[RenderableType] = [Text(f"{rule.code} ({rule.level}, {rule.kind})", "bold"), Text(rule.title)]
    for name, text in parts.items():
        body += [Text(), Text(name, "bold"), Padding(Text(text), (0, 0, 0, 2))]
    body.append(Padding(Text(rule.source.url, "dim"), (0, 0, 0, 2)))
    if rule.needs:
        body += [Text(), Text("Needs in the target file", "bold"), Padding(Text(", ".join(rule.needs)), (0, 0, 0, 2))]
    return Group(*body)


def as_rows(code: str = "") -> list[dict[str, Any]]:
    """Return all rules, a group's, or one, for machines."""
    chosen = [rule for rule in RULES.values() if code in {"", rule.code, rule.group}] or [named(code)]
    fields = ("code", "group", "level", "kind", "title", "why", "mend", "example", "needs")
    return [
        {name: getattr(rule, name) for name in fields}
        | {"source": {name: getattr(rule.source, name) for name in ("title", "url", "quote")}}
        for rule in chosen
    ]


def named(code: str, rules: Mapping[str, Rule] = RULES) -> Rule:
    """Return the rule; raises CannotJudge with the nearest names when there is none."""
    if code in rules:
        return rules[code]
    hint = "name them one by one, as in `--only wire --only shape`" if "," in code else _nearest(code)
    raise CannotJudge(f"no rule and no group is named {code!r}; {hint}")


def _nearest(code: str) -> str:
    """Return the names that are much like it, as a hint; a code's own part will do."""
    names = {name: rule.code for rule in RULES.values() for name in (rule.code, rule.code.partition("/")[2])}
    names |= {rule.group: rule.group for rule in RULES.values()}
    close = dict.fromkeys(names[name] for name in difflib.get_close_matches(code, names, n=3, cutoff=LEAST_LIKENESS))
    return f"did you mean {' or '.join(map(repr, close))}?" if close else "`ssegauge rules` lists them"
