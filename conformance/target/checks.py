"""What a whole target must hold: its placeholders are filled, its promises can be kept, its keys are used."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from typing import Any

from ssegauge.conformance.target.file import Reader, dotted, nearest
from ssegauge.conformance.target.filling import UNIQUE, names
from ssegauge.conformance.target.model import Call, Target, Tasks
from ssegauge.conformance.target.profiles import TASK_PROGRESS

At = tuple[str, ...]
Table = Mapping[str, Any]
_GIVEN = {"task_id", "marker", UNIQUE}  # names that are filled in without being kept


def check_placeholders(target: Target, reader: Reader) -> None:
    """Raise CannotJudge for a placeholder in a path or header field that nothing fills in."""
    known: set[str] = set()
    for number, before in enumerate(target.before):
        at: At = ("before", str(number))
        _check_names(before, known, reader, at)
        for name in before.keep:
            if name in known | _GIVEN or not name.isidentifier():
                why = "is kept by an earlier call" if name in known else "is none that can be kept"
                reader.fail((*at, "keep", name), f"before.keep: the name {name!r} {why}; choose another")
        known |= set(before.keep)
    for at, call, own in _calls(target):
        _check_names(call, known | own, reader, at)


def _calls(target: Target) -> Iterator[tuple[At, Call, set[str]]]:
    """Yield the calls of a target, where they stand, and the names that are filled in there without being kept."""
    yield ("stream",), target.stream, {"task_id"}
    if target.publish:
        yield ("publish",), target.publish, {"marker"}
    for item in fields(Tasks):
        if call := getattr(target.task, item.name):
            yield ("task", item.name), call, set() if item.name.startswith("create") else {"task_id"}


def _check_names(call: Call, known: set[str], reader: Reader, at: At) -> None:
    texts = {("path",): call.path} | {("headers", name): value for name, value in call.headers.items()}
    for inner, text in texts.items():
        for name in names(text):
            if name not in known and name != UNIQUE:
                remedy = nearest(name, known) if known else "; keep it by a [[before]]"
                reader.fail((*at, *inner), f"nothing fills in {{{name}}}{remedy}")


def check_promises(target: Target, table: Table, reader: Reader) -> None:
    """Raise CannotJudge for promises that nobody can keep, or not together."""
    promises, told = target.promises, table.get("promises", {})
    if target.limits.concurrent < 1:
        reader.fail(("limits", "concurrent"), "limits.concurrent = 0 lets nobody read; give 1 or more")
    for table_name, kept, times in (
        ("limits", target.limits, ("connect_s", "update_s", "heartbeat_s")),
        ("promises", promises, ("first_event_s", "gap_s", "heartbeat_s", "vanished_s")),
    ):
        for name in times:
            if getattr(kept, name) == 0:
                why = f"{table_name}.{name} = 0 can be kept by nobody; give more than 0 seconds"
                reader.fail((table_name, name), why)
    own = table.get("limits", {}).get("heartbeat_s")
    if None not in {own, promises.heartbeat_s} and own != promises.heartbeat_s:
        both = f"promises.heartbeat_s = {promises.heartbeat_s:g} contradicts limits.heartbeat_s = {own:g}"
        reader.fail(("promises", "heartbeat_s"), f"{both}; keep one of them")
    if target.profile == TASK_PROGRESS:
        _check_task_progress(target, told, reader)


def _check_task_progress(target: Target, told: Table, reader: Reader) -> None:
    """Raise CannotJudge for a promise that takes back what the task-progress specification promises."""
    promises = target.promises
    taken_back = {
        "ends": bool(promises.ends and promises.ends.how == "never"),
        "shared": promises.shared is False,
        "resume": promises.resume is False,
    }
    for name, contradicts in taken_back.items():
        if contradicts:
            shown = str(told.get(name)).lower() if isinstance(told.get(name), bool) else repr(told.get(name))
            why = _PROMISED[name]
            remedy = 'leave it out, or set profile = "event-stream"'
            reader.fail(("promises", name), f"promises.{name} = {shown} contradicts task-progress: {why}; {remedy}")


_PROMISED = {
    "ends": "a stream ends after the task does",
    "shared": "all readers of a task are told the same",
    "resume": "a reconnect goes on after Last-Event-ID",
}


def unused(target: Target, table: Table) -> Iterator[tuple[At, str]]:
    """Yield the keys that nothing uses, and what would make use of them."""
    for speaks, at, remedy in _UNUSED:
        if _has(table, at) and speaks(target):
            yield at, remedy
    if not target.needs_task:
        yield from _unused_hooks(target)
    kept = {name: number for number, before in enumerate(target.before) for name in before.keep}
    used = _used_names(target)
    for name, number in kept.items():
        if name not in used:
            yield ("before", str(number), "keep", name), f"write {{{name}}} where it is wanted"


def _unused_hooks(target: Target) -> Iterator[tuple[At, str]]:
    """Yield the hooks of tasks where no stream names its task; a load run drives tasks all the same."""
    driven = {"create_manual", "update"} if target.task.create_manual and target.task.update else set()
    for item in fields(Tasks):
        if getattr(target.task, item.name) and item.name not in driven:
            yield ("task", item.name), "put {task_id} into stream.path; for any other stream there is [publish]"


_UNUSED: tuple[tuple[Callable[[Target], bool], At, str], ...] = (
    (lambda target: not _marked(target.publish), ("publish",), "put {marker} into its json or path"),
    (lambda target: target.base_url.startswith("http:"), ("tls",), "base_url is http://"),
    (lambda target: target.promises.heartbeat_s is not None, ("limits", "heartbeat_s"), "promises.heartbeat_s says it"),
)


def _marked(call: Call | None) -> bool:
    return call is not None and "{marker}" in call.text


def _used_names(target: Target) -> set[str]:
    calls = [*target.before, *(call for _, call, _ in _calls(target))]
    return {name for call in calls for name in names(call.text)}


def _has(table: Any, at: At) -> bool:  # noqa: ANN401
    return not at or (isinstance(table, dict) and at[0] in table and _has(table[at[0]], at[1:]))


def note(reader: Reader, at: At, remedy: str, profile: str) -> str:
    """Return the line for the user about a key that nothing uses."""
    return f"{reader.place(at)}: [{dotted(at)}] is used by nothing in profile {profile}; {remedy}"
