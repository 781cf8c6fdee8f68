"""The server under test, as ``ssegauge.toml`` or a URL describes it: ``load_target`` makes a ``Target`` of either.

``model`` has the dataclasses, which are the file's grammar, and ``file`` reads it; ``given`` is what the command line
says in place of either; ``filling`` fills placeholders in. Every mistake is ``CannotJudge``: one line with the place
and the remedy, without secrets.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import fields, replace
from functools import cache
from pathlib import Path
from typing import Any

from ssegauge.conformance.errors import CannotJudge
from ssegauge.conformance.jsontext import read_file
from ssegauge.conformance.target.addresses import as_url, checked_url, in_queries, is_there
from ssegauge.conformance.target.checks import check_placeholders, check_promises, note, unused
from ssegauge.conformance.target.file import Reader, dotted
from ssegauge.conformance.target.filling import (
    each_its_own,
    fill,
    fill_json,
    fill_path,
    is_each_its_own,
    kept,
    kept_secrets,
    pointer,
)
from ssegauge.conformance.target.given import NOTHING, Given, apply, known_profile
from ssegauge.conformance.target.headers import merge_headers
from ssegauge.conformance.target.model import (
    Before,
    Call,
    Create,
    Ends,
    Limits,
    Metric,
    Observe,
    Profile,
    Promises,
    Target,
    Tasks,
    Tls,
)
from ssegauge.conformance.target.plain import from_plain
from ssegauge.conformance.target.profiles import EVENT_STREAM, KNOWN, TASK_PROGRESS, promises_file
from ssegauge.conformance.target.schemas import validator

__all__ = [
    "EVENT_STREAM",
    "KNOWN",
    "TASK_PROGRESS",
    "Before",
    "Call",
    "Create",
    "Ends",
    "Given",
    "Limits",
    "Metric",
    "Observe",
    "Profile",
    "Promises",
    "Target",
    "Tasks",
    "Tls",
    "as_url",
    "each_its_own",
    "fill",
    "fill_json",
    "fill_path",
    "from_plain",
    "from_toml",
    "from_url",
    "is_each_its_own",
    "is_there",
    "kept",
    "kept_secrets",
    "known_profile",
    "load_target",
    "merge_headers",
    "pointer",
    "promised",
    "validator",
]


def load_target(where: str, given: Given = NOTHING, environ: Mapping[str, str] = os.environ) -> Target:
    """Return the target that a URL or a TOML file's path describes, with what else is given.

    ``127.0.0.1:3000/events`` and ``example.com/events`` are URLs, unless there is a file of that name.

    Raises CannotJudge for anything that is neither.
    """
    if url := as_url(where):
        return from_url(url, given, environ)
    path = Path(where)
    try:
        text = read_file(path)
    except FileNotFoundError:
        remedy = "give a URL with http:// or https://, or the path of a target file"
        raise CannotJudge(f"{where}: no such file; {remedy}") from None
    except (OSError, ValueError) as error:
        raise CannotJudge(f"{where}: cannot be read ({error})") from None
    return from_toml(text, where, environ, given)


def from_url(url: str, given: Given = NOTHING, environ: Mapping[str, str] = os.environ) -> Target:
    """Return the target for any event stream at a URL, with no hooks."""
    parts = checked_url(url, "the URL", url)
    stream = Call((parts.path or "/") + (f"?{parts.query}" if parts.query else ""), "GET")
    bare = Target(f"{parts.scheme}://{parts.netloc}", stream, EVENT_STREAM, secrets=in_queries([stream]))
    target = apply(given, bare, environ)
    return replace(target, promises=promised(target.profile, target.promises))


def from_toml(
    text: str,
    where: str = "ssegauge.toml",
    environ: Mapping[str, str] = os.environ,
    given: Given = NOTHING,
) -> Target:
    """Return the target that the TOML text describes; ``where`` names the file in errors (CannotJudge)."""
    try:
        table = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise CannotJudge(f"{where}: not valid TOML: {error}") from None
    reader = Reader(text, where, environ)
    described: Target = reader.build(Target, {"profile": _usual_profile(table), **table})
    checked_url(described.base_url, f"{reader.place(('base_url',))}: base_url", table["base_url"])
    hooks = (getattr(described.task, item.name) for item in fields(Tasks))
    calls = [described.stream, described.existing, described.publish, *described.before, *hooks]
    target = apply(given, replace(described, secrets=in_queries(calls) | reader.secrets), environ)
    check_placeholders(target, reader)
    check_promises(target, table, reader)
    target = replace(target, promises=promised(target.profile, target.promises))
    return _with_notes(target, table, reader)


def promised(profile: Profile, given: Promises) -> Promises:
    """Return what is promised: what the owner says, and else what the profile promises by itself."""
    usual = _promised_in(promises_file(profile))
    told = {item.name: getattr(given, item.name) for item in fields(Promises)}
    return replace(usual, **{name: value for name, value in told.items() if value not in (None, {})})


@cache
def _promised_in(path: Path) -> Promises:
    """Return what a profile promises by itself; nothing where it has no such file."""
    if not path.is_file():
        return Promises()
    text = path.read_text(encoding="utf-8")
    made: Promises = Reader(text, str(path), {}).build(Promises, tomllib.loads(text), ("promises",))
    return made


def _with_notes(target: Target, table: Mapping[str, Any], reader: Reader) -> Target:
    found = list(unused(target, table))
    notes = tuple(note(reader, at, remedy, target.profile) for at, remedy in found)
    return replace(target, unused=tuple(dotted(at) for at, _ in found), notes=notes)


def _usual_profile(table: Mapping[str, Any]) -> Profile:
    """Return the profile of a file that names none: only where tasks are described are streams about tasks."""
    stream = table.get("stream")
    about_tasks = "task" in table or (isinstance(stream, dict) and "{task_id}" in str(stream.get("path")))
    return TASK_PROGRESS if about_tasks else EVENT_STREAM
