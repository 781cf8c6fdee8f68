"""Rules of an owner's own: Python files given by ``--rules``, and what packages register as ``ssegauge.rules``.

They are written as ours are, with ``@rule`` from ``ssegauge.conformance.rules``, and judged and shown as ours are.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable, Mapping
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

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
    try:
        _run(source) if isinstance(source, Path) else source.load()
    except FileNotFoundError:
        raise CannotJudge(f"{where}: no such file") from None
    except (Exception, SystemExit) as error:  # noqa: BLE001 - the owner's own code may do anything
        raise CannotJudge(f"{where}: {type(error).__name__}: {' '.join(str(error).split())}{_line(error)}") from None
    if isinstance(source, Path) and set(REGISTERED) == before:
        raise CannotJudge(f"{where}: no rule in it; write one with @rule from ssegauge.conformance.rules")


def _run(path: Path) -> None:
    spec = importlib.util.spec_from_loader(f"ssegauge_own_{path.stem}", loader=None, origin=str(path))
    module = importlib.util.module_from_spec(spec) if spec else None
    code = compile(path.read_text(encoding="utf-8"), str(path), "exec")
    exec(code, module.__dict__ if module else {})  # noqa: S102 - the file that the owner named


def _line(error: BaseException) -> str:
    """Return where in the owner's file it went wrong: the innermost line of it."""
    trace, found = error.__traceback__, ""
    while trace:
        name = trace.tb_frame.f_globals.get("__name__", "")
        found = f" (line {trace.tb_lineno})" if name.startswith("ssegauge_own_") else found
        trace = trace.tb_next
    return found
