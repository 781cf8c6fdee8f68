"""Rules of an owner's own: Python files given by ``--rules``, and what packages register as ``ssegauge.rules``.

They are written as ours are, with ``@rule`` from ``ssegauge.conformance.rules``, and judged and shown as ours are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

from ssegauge.conformance import own_code
from ssegauge.conformance.catalogue import RULES
from ssegauge.conformance.errors import CannotJudge
from ssegauge.conformance.rules import Rule
from ssegauge.conformance.rules.rule import RULES as REGISTERED

GROUP = "ssegauge.rules"


def with_own(files: Iterable[Path] = ()) -> Mapping[str, Rule]:
    """Return all rules: ours, those of installed packages, and those of files.

    Raises CannotJudge, with the place, for a file that cannot be run, makes no rule, or names one as ours.
    """
    for entry in entry_points(group=GROUP):
        _add(f"entry point {entry.name} of {GROUP}", entry)
    for path in files:
        _add(f"--rules {path}", path)
    return {**RULES, **{code: one for code, one in REGISTERED.items() if code not in RULES}}


def _add(where: str, source: EntryPoint | Path) -> None:
    before = set(REGISTERED)
    if isinstance(source, Path):
        own_code.run(source, where)
        if set(REGISTERED) == before:
            raise CannotJudge(f"{where}: no rule in it; write one with @rule from ssegauge.conformance.rules")
        return
    try:
        source.load()
    except (Exception, SystemExit) as error:  # noqa: BLE001 - the owner's own code may do anything
        raise CannotJudge(own_code.told(error, where)) from None
