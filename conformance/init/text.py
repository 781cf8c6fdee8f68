"""Puts a target file into words: what is set as TOML, what was seen as comments, what may be promised commented out."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from dataclasses import fields
from typing import Any, Final

from ssegauge.conformance.init.configured import File
from ssegauge.conformance.init.glimpse import Glimpse
from ssegauge.conformance.recording.redaction import Redactor
from ssegauge.conformance.target import EVENT_STREAM, KNOWN, TASK_PROGRESS, Ends, Tls

WIDTH: Final = 44  # columns before a remark
MOST_TYPES: Final = 8
USUAL_HEARTBEAT_S: Final = 15.0
Lines = Iterator[str]
_OF_TASKS: Final = """\
# These are the events of task-progress. Name that profile above, write {task_id} into stream.path, and say how tasks
# are started and moved; the target file of the reference server is a model.
# [task.create]
# path = "/tasks"
# id   = "/taskId"
# [task.create_manual]
# path = "/tasks"
# json = { manual = true }
# [task.update]
# path = "/tasks/{task_id}/updates\""""


def written(file: File, glimpse: Glimpse, redact: Redactor) -> str:
    """Return the text of the target file; what the server sent is in it without secrets."""
    parts = (_head(file, glimpse), _stream(file), _seen(glimpse, redact), _promises(glimpse, redact), _more())
    return "\n".join(line for part in parts for line in (*part, "")).rstrip() + "\n"


def _head(file: File, glimpse: Glimpse) -> Lines:
    yield "# What ssegauge is to test, written by `ssegauge init`. Lines that begin with # are remarks and suggestions:"
    yield "# take the sign away where one is true. The README says more about each key."
    yield ""
    target = file.target
    guessed = target.profile == EVENT_STREAM and glimpse.profile != TASK_PROGRESS
    yield _line("base_url", target.base_url)
    yield _line("profile", glimpse.profile if guessed else target.profile, f"one of {', '.join(KNOWN)}")
    if target.headers:
        yield _line("headers", dict(target.headers), "sent with every request")
    if trust := _unusual(target.tls):
        yield _line("tls", trust)
    if file.variables:
        yield f"# Set {', '.join(file.variables)} in the environment before a run: what they hold is never written."
    yield _off("origin", "https://app.example", "a page that may read the stream from elsewhere")


def _unusual(tls: Tls) -> dict[str, Any]:
    told = {item.name: (getattr(tls, item.name), item.default) for item in fields(Tls)}
    return {name: value for name, (value, usual) in told.items() if value != usual}


def _stream(file: File) -> Lines:
    stream = file.target.stream
    yield "[stream]"
    yield _line("path", stream.path)
    if stream.method != "GET":
        yield _line("method", stream.method)
    if stream.headers:
        yield _line("headers", dict(stream.headers))
    if stream.json is not None:
        if _has_null(stream.json):
            yield "# TOML has no null: members that were null are left out of json."
        yield _line("json", stream.json)


def _seen(glimpse: Glimpse, redact: Redactor) -> Lines:
    common = sorted(glimpse.types.items(), key=lambda item: -item[1])[:MOST_TYPES]
    types = ", ".join(f"{json.dumps(redact.text(name))} {many}" for name, many in common)
    yield f"# Seen in {glimpse.looked_s:.1f} s: {glimpse.events} events{f' ({types})' if types else ''},"
    yield f"# {glimpse.json_events} with a JSON object, {glimpse.ids} with an id; {glimpse.comments} comments;"
    yield f"# {_end_seen(glimpse)}."
    if glimpse.profile == TASK_PROGRESS:
        yield from _OF_TASKS.splitlines()


def _end_seen(glimpse: Glimpse) -> str:
    return "the server ended the stream" if glimpse.ended else "the stream was still open"


def _promises(glimpse: Glimpse, redact: Redactor) -> Lines:
    yield "# What is promised to the stream's readers; every promise makes rules sharper."
    yield "# [promises]"
    yield _off("ends", *_ends(glimpse, redact))
    yield _off("shared", not glimpse.token, "true: every reader is told the same; false: each its own")
    ids = f"goes on after it; {glimpse.ids} ids were seen" if glimpse.ids else "cannot go on: no event had an id"
    yield _off("resume", glimpse.ids > 0, f"a reconnect with Last-Event-ID {ids}")
    yield _off("first_event_s", _generous(glimpse.first_event_s, 2.0), _seconds("seen", glimpse.first_event_s))
    yield _off("gap_s", _generous(glimpse.gap_s, 10.0), _seconds("seen between events, at most", glimpse.gap_s))
    beat = _seconds("seen between comments, at most", glimpse.heartbeat_s)
    yield _off("heartbeat_s", _generous(glimpse.heartbeat_s, USUAL_HEARTBEAT_S), beat)
    yield _off("schema", "event.schema.json", "JSON Schema of each event's data; or a table by event type")
    if glimpse.token:
        yield _off("token", glimpse.token, "where the text of the language model stands")


def _ends(glimpse: Glimpse, redact: Redactor) -> tuple[Any, str]:
    """Return what ``ends`` may be, and what speaks for it."""
    ends = glimpse.ends
    if ends is None:
        return "never", 'no end was seen; else "[DONE]", { event = "complete" } or "close"'
    return _ends_value(ends, redact), "seen"


def _ends_value(ends: Ends, redact: Redactor) -> Any:  # noqa: ANN401 - as TOML has it
    if ends.data is not None:
        data = redact.text(ends.data)
        return {"data": data} if data in {"never", "close"} else data
    if ends.event is not None:
        return {"event": redact.text(ends.event)}
    return {"pointer": ends.pointer, "in": list(ends.in_)} if ends.pointer is not None else ends.how


def _generous(seen_s: float | None, usual_s: float) -> float:
    """Return a promise that what was seen keeps well."""
    return usual_s if seen_s is None else max(usual_s, float(math.ceil(2 * seen_s)))


def _seconds(what: str, seen_s: float | None) -> str:
    return "none was seen" if seen_s is None else f"{what}: {seen_s:.2f} s"


def _more() -> Lines:
    yield "# Makes the stream say something: {marker} must come back in an event. Then loss, doubling, delay and"
    yield "# injection can be seen, and `ssegauge load --rate 25` is driven by it, timed at every reader."
    yield from ("# [publish]", _off("path", "/publish"), _off("json", {"text": "{marker}"}), "")
    yield "# Calls that the stream needs first; what they keep fills {names} in later paths, header fields and bodies."
    yield from ("# [[before]]", _off("method", "POST"), _off("path", "/runs"), _off("json", {"topic": "x"}))
    yield _off("keep", {"run": "/id", "session": "header:Mcp-Session-Id"}, 'then: path = "/runs/{run}/events"')
    yield from (
        "",
        "# The server from inside: its process on this machine (--spawn fills it in), its count of open streams.",
    )
    yield from (
        "# [observe]",
        _off("pid", 4711),
        _off("open_streams", {"path": "/metrics.json", "value": "/open_streams"}),
    )
    yield from ("", "# An endpoint that streams must not slow down.", "# [existing]", _off("path", "/health"))


def _line(key: str, value: Any, remark: str = "") -> str:  # noqa: ANN401 - any JSON value
    text = f"{key} = {toml(value)}"
    return f"{text:<{WIDTH}}  # {remark}" if remark else text


def _off(key: str, value: Any, remark: str = "") -> str:  # noqa: ANN401 - any JSON value
    return f"# {_line(key, value, remark)}"


def toml(value: Any) -> str:  # noqa: ANN401 - any JSON value
    """Return a JSON value as TOML on one line; members that are null are left out."""
    if isinstance(value, dict):
        items = ", ".join(f"{_key(key)} = {toml(item)}" for key, item in value.items() if item is not None)
        return f"{{ {items} }}" if items else "{}"
    if isinstance(value, list):
        return f"[{', '.join(toml(item) for item in value if item is not None)}]"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return json.dumps(value)


def _key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else toml(key)


def _has_null(value: Any) -> bool:  # noqa: ANN401 - any JSON value
    if isinstance(value, dict):
        return any(map(_has_null, value.values()))
    return value is None or (isinstance(value, list) and any(map(_has_null, value)))
