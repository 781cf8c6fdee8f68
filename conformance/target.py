"""The server under test, as ``ssegauge.toml`` describes it.

``Target`` is the whole description; everything but ``base_url`` and ``stream.path`` is optional, and what is
missing is a hook that some rules then miss. Each table of the file is one dataclass here and each key one
field, so the file's grammar is this module. ``${NAME}`` in any string is taken from the environment and
remembered as a secret, as is a credential in a query. Every mistake raises ``CannotJudge`` with the line and
the nearest valid key, and shows values as they stand in the file, so no secret from elsewhere.
"""

from __future__ import annotations

import difflib
import os
import re
import tomllib
import types
import typing
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any, Literal, get_args, get_origin
from urllib.parse import SplitResult, unquote_plus, urlsplit

from ssegauge.conformance.errors import CannotJudge

Profile = Literal["task-progress", "event-stream"]


@dataclass(frozen=True, slots=True)
class Call:
    """One HTTP request: a hook, or the stream itself. ``{task_id}`` in the path is filled in."""

    path: str
    method: str = ""
    json: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    id: str = "/taskId"  # JSON Pointer (RFC 6901) to the new task's id in a create hook's reply


@dataclass(frozen=True, slots=True)
class Tasks:
    """How tasks are started, moved and looked at."""

    create: Call | None = None
    create_failing: Call | None = None
    create_manual: Call | None = None
    update: Call | None = None
    snapshot: Call | None = None


@dataclass(frozen=True, slots=True)
class Metric:
    """Where a number can be read: ``value`` is a JSON Pointer into the reply."""

    path: str
    value: str


@dataclass(frozen=True, slots=True)
class Observe:
    """How to look inside the server: its count of open streams, its process."""

    open_streams: Metric | None = None
    pid: int | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """What is promised; the defaults are the ticket's figures. Seconds, a ratio, a count."""

    connect_s: float = 1.0
    update_s: float = 2.0
    degradation: float = 0.05
    concurrent: int = 50
    heartbeat_s: float = 15.0


@dataclass(frozen=True, slots=True)
class Tls:
    """Trust for servers with their own certificate authority, or none."""

    verify: bool = True
    ca_file: str | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """A server under test."""

    base_url: str
    stream: Call
    profile: Profile = "task-progress"
    headers: Mapping[str, str] = field(default_factory=dict)  # sent with every request
    task: Tasks = field(default_factory=Tasks)
    existing: Call | None = None
    origin: str | None = None  # of a page that may read the stream from elsewhere
    observe: Observe = field(default_factory=Observe)
    limits: Limits = field(default_factory=Limits)
    tls: Tls = field(default_factory=Tls)
    secrets: frozenset[str] = field(default_factory=frozenset, compare=False, repr=False)

    def url(self, path: str, **values: str) -> str:
        """Return the absolute URL of a path, with ``{name}`` placeholders filled in."""
        for name, value in values.items():
            path = path.replace("{" + name + "}", value)
        return self.base_url.rstrip("/") + "/" + path.lstrip("/")

    @property
    def needs_task(self) -> bool:
        """Whether a stream can be opened only once a task exists."""
        return "{task_id}" in self.stream.path + repr(self.stream.json)


# Of the fields above only these are filled in by code, never by the file.
_NOT_IN_FILE = {"secrets"}
_QUERY_CREDENTIAL = re.compile(r"(?i)[?&](?:access_token|token|api_?key|key|password|secret)=([^&#{}]+)")
_DEFAULT_METHOD = {"create": "POST", "create_failing": "POST", "create_manual": "POST", "update": "POST"}


def load_target(where: str) -> Target:
    """Return the target that a URL or a TOML file's path describes.

    Raises CannotJudge (one line: place, mistake, remedy) for anything that is neither.
    """
    if re.match(r"(?i)[a-z][a-z0-9+.-]*://", where):
        return from_url(where)
    path = Path(where)
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        remedy = "give a URL with http:// or https://, or the path of a target file"
        raise CannotJudge(f"{where}: no such file; {remedy}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise CannotJudge(f"{where}: cannot be read ({error})") from None
    return from_toml(text, where)


def from_url(url: str) -> Target:
    """Return the target for any event stream at a URL, with no hooks."""
    parts = _checked_url(url, "the URL", url)
    stream = Call((parts.path or "/") + (f"?{parts.query}" if parts.query else ""), "GET")
    return Target(
        f"{parts.scheme}://{parts.netloc}",
        stream,
        "event-stream",
        secrets=_in_queries([stream]),
    )


def _in_queries(calls: Iterable[Call | None]) -> frozenset[str]:
    """Return the credentials that stand in addresses, where no header field says that they are such."""
    found = (value for call in calls if call for value in _QUERY_CREDENTIAL.findall(call.path))
    return frozenset(form for value in found for form in (value, unquote_plus(value)))


def from_toml(text: str, where: str = "ssegauge.toml", environ: Mapping[str, str] = os.environ) -> Target:
    """Return the target that the TOML text describes; ``where`` names the file in errors (CannotJudge)."""
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise CannotJudge(f"{where}: not valid TOML: {error}") from None
    reader = _Reader(text, where, environ)
    target: Target = reader.build(Target, {"profile": _usual_profile(table), **table}, ())
    for word in re.findall(r"\{(\w+)\}", target.stream.path):
        if word != "task_id":
            reader.fail(("stream", "path"), f"nothing fills in {{{word}}}; write {{task_id}}")
    _checked_url(target.base_url, f"{where}:{reader.line(('base_url',))}: base_url", table["base_url"])
    hooks = (getattr(target.task, item.name) for item in fields(Tasks))
    return Target(
        **{item.name: getattr(target, item.name) for item in fields(Target) if item.name not in _NOT_IN_FILE},
        secrets=_in_queries([target.stream, target.existing, *hooks]) | reader.secrets,
    )


def _usual_profile(table: Mapping[str, Any]) -> Profile:
    """Return the profile of a file that names none: only where tasks are described are streams about tasks."""
    stream = table.get("stream")
    about_tasks = "task" in table or (isinstance(stream, dict) and "{task_id}" in str(stream.get("path")))
    return "task-progress" if about_tasks else "event-stream"


def pointer(document: Any, path: str) -> Any:  # noqa: ANN401 - any JSON value
    """Return the value that a JSON Pointer (RFC 6901) names; raises LookupError when there is none."""
    for raw in path.split("/")[1:]:
        token = raw.replace("~1", "/").replace("~0", "~")
        try:
            document = document[int(token)] if isinstance(document, list) else document[token]
        except (ValueError, TypeError, KeyError, IndexError):
            raise LookupError(f"no value at {path}") from None
    return document


def _checked_url(url: str, where: str, shown: str) -> SplitResult:
    if re.match(r"[^/?#]*//[^/?#]*@", url):  # RFC 3986 section 3.2.1 advises against these for the same reason
        remedy = 'use headers = { Authorization = "${NAME}" } in a target file'
        raise CannotJudge(f"{where}: credentials in an address end up in logs and reports; {remedy}")
    try:
        parts = urlsplit(url)
        if parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0:
            return parts
    except ValueError:  # a port that is no number, a bracket that is not closed
        pass
    raise CannotJudge(f"{where}: {shown!r} is not an http:// or https:// address")


class _Reader:
    """Turns TOML tables into dataclasses and keeps the place of everything for error messages."""

    def __init__(self, text: str, where: str, environ: Mapping[str, str]) -> None:
        self.lines = text.splitlines()
        self.where = where
        self.environ = environ
        self.secrets: set[str] = set()

    def build(self, cls: type[Any], table: Mapping[str, Any], at: tuple[str, ...]) -> Any:  # noqa: ANN401
        known = {item.name: item for item in fields(cls) if item.name not in _NOT_IN_FILE}
        hints = typing.get_type_hints(cls)
        for key in table:
            if key not in known:
                self.fail((*at, key), f"unknown key {key!r}{_nearest(key, known)}")
        for name, item in known.items():
            if name not in table and item.default is MISSING and item.default_factory is MISSING:
                self.fail(at, f"{'.'.join((*at, name))} is missing; add it")
        values = {key: self.value(hints[key], value, (*at, key)) for key, value in table.items()}
        if cls is Call:
            values.setdefault("method", _DEFAULT_METHOD.get(at[-1], "GET"))
        return cls(**values)

    def value(self, hint: Any, value: Any, at: tuple[str, ...]) -> Any:  # noqa: ANN401
        hint = _without_none(hint)
        if is_dataclass(hint):
            if not isinstance(value, dict):
                self.fail(at, f"{'.'.join(at)} must be a table, not {value!r}")
            return self.build(typing.cast("type[Any]", hint), value, at)
        if get_origin(hint) is Literal:
            if value not in get_args(hint):
                self.fail(at, f"{'.'.join(at)} = {value!r} is none of {', '.join(get_args(hint))}")
            return value
        if not _fits(hint, value):
            self.fail(at, f"{'.'.join(at)} = {value!r} is not {_NAMES.get(hint, 'a table of strings')}")
        return self.expand(value, at)

    def expand(self, value: Any, at: tuple[str, ...]) -> Any:  # noqa: ANN401
        """Fill in ``${NAME}`` from the environment, anywhere in the value."""
        if isinstance(value, dict):
            return {key: self.expand(item, (*at, key)) for key, item in value.items()}
        if isinstance(value, list):
            return [self.expand(item, at) for item in value]
        if not isinstance(value, str):
            return value
        return re.sub(r"\$\{(\w+)\}", lambda match: self.secret(match[1], at), value)

    def secret(self, name: str, at: tuple[str, ...]) -> str:
        if name not in self.environ:
            self.fail(at, f"environment variable {name} is not set; set it, or remove ${{{name}}}")
        value = self.environ[name]
        if not value.isprintable():  # no header field can carry it, and errors of libraries would show it
            self.fail(at, f"environment variable {name} holds a line break or the like; set it to visible text alone")
        self.secrets.add(value)
        return value

    def fail(self, at: tuple[str, ...], message: str) -> typing.NoReturn:
        raise CannotJudge(f"{self.where}:{self.line(at)}: {message}")

    def line(self, at: tuple[str, ...]) -> int:
        """Return the line on which a key stands: the last line that its path leads to, 1 when none does."""
        found = 1
        table: tuple[str, ...] = ()
        for number, line in enumerate(self.lines, 1):
            header = re.match(r"\s*\[+\s*([^\]]+?)\s*\]+", line)
            if header:
                table = tuple(part.strip(" \"'") for part in header[1].split("."))
                if table == at[: len(table)]:
                    found = number
                elif at and table[: len(at)] == at:
                    return number
            elif table == at[: len(table)] and _opens(line, at[len(table) :]):
                return number
        return found


_NAMES = {str: "a string", int: "a whole number", float: "a number", bool: "true or false"}


def _opens(line: str, rest: tuple[str, ...]) -> bool:
    return bool(rest) and bool(re.match(rf"""\s*["']?{re.escape(rest[0])}["']?\s*[=.]""", line))


def _fits(hint: Any, value: Any) -> bool:  # noqa: ANN401
    if hint is Any:
        return True
    if hint is float:
        return isinstance(value, int | float) and not isinstance(value, bool) and value >= 0
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool) and value >= 0
    if get_origin(hint) is Mapping:
        return isinstance(value, dict) and all(isinstance(item, str) for item in value.values())
    return isinstance(value, hint)


def _without_none(hint: Any) -> Any:  # noqa: ANN401
    if get_origin(hint) in {types.UnionType, typing.Union}:
        (hint,) = (part for part in get_args(hint) if part is not types.NoneType)
    return hint


def _nearest(key: str, known: Mapping[str, Any]) -> str:
    close = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
    return f"; did you mean {close[0]!r}?" if close else f"; valid here: {', '.join(known)}"
