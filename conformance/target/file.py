"""Reads a target file's TOML into the dataclasses of ``model``, which are its grammar.

``${NAME}`` in any string is taken from the environment and remembered as a secret. Every mistake raises
``CannotJudge`` with the line and the nearest valid key, and shows values as they stand in the file, so no secret
from elsewhere.
"""

from __future__ import annotations

import difflib
import math
import re
import types
import typing
from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from pathlib import Path
from typing import Annotated, Any, NoReturn, get_args, get_origin

from ssegauge.conformance.errors import CannotJudge
from ssegauge.conformance.target.headers import header_complaint
from ssegauge.conformance.target.model import Call, Ends, Form, Profile, Target
from ssegauge.conformance.target.profiles import KNOWN
from ssegauge.conformance.target.schemas import read_schema

At = tuple[str, ...]  # where a value stands: keys, and the numbers of tables in arrays
_NOT_IN_FILE = {(Target, "secrets"), (Target, "unused"), (Target, "notes"), (Ends, "how")}
_CHANGES_SOMETHING = {"create", "create_failing", "create_manual", "update", "publish"}
# Fetch section 2.2.1 normalizes these; all other methods are case-sensitive.
_NORMALIZED = {"DELETE", "GET", "HEAD", "OPTIONS", "POST", "PUT"}
_NAMES = {str: "a string", int: "a whole number", float: "a number", bool: "true or false", Any: "JSON"}
MOST_NUMBER = 1e9  # seconds, process ids, streams: none of them is more


class Reader:
    """Turns TOML tables into dataclasses and keeps the place of everything for error messages."""

    def __init__(self, text: str, where: str, environ: Mapping[str, str]) -> None:
        self.lines = text.splitlines()
        self.where = where
        self.environ = environ
        self.secrets: set[str] = set()

    def build(self, cls: type[Any], table: Mapping[str, Any], at: At = ()) -> Any:  # noqa: ANN401
        """Return the dataclass that a table describes."""
        known = {item.name.rstrip("_"): item for item in fields(cls) if (cls, item.name) not in _NOT_IN_FILE}
        hints = typing.get_type_hints(cls, include_extras=True)
        for key in table:
            if key not in known:
                self.fail((*at, key), f"unknown key {key!r}{nearest(key, known)}")
        for name, item in known.items():
            if name not in table and _is_required(item):
                self.fail(at, f"{dotted((*at, name))} is missing; add it")
        values = {known[key].name: self.value(hints[known[key].name], one, (*at, key)) for key, one in table.items()}
        if issubclass(cls, Call):
            values["method"] = _method(values, at)
        return cls(**values)

    def value(self, hint: Any, value: Any, at: At) -> Any:  # noqa: ANN401
        """Return what a key's value becomes as the type that its field has."""
        hint = _without_none(hint)
        if special := _SPECIAL.get(at):
            return special(self, value, at)
        if is_dataclass(hint):
            if not isinstance(value, dict):
                self.fail(at, f"{dotted(at)} must be a table, not {value!r}")
            return self.build(typing.cast("type[Any]", hint), value, at)
        if get_origin(hint) is tuple:
            return self._array(get_args(hint)[0], value, at)
        return self.expand(self._fitting(hint, value, at), at)

    def _array(self, hint: Any, value: Any, at: At) -> tuple[Any, ...]:  # noqa: ANN401
        if not isinstance(value, list):
            wanted = f"an array of tables; write [[{dotted(at)}]]" if is_dataclass(hint) else "an array"
            self.fail(at, f"{dotted(at)} must be {wanted}, not {value!r}")
        return tuple(self.value(hint, one, (*at, str(number))) for number, one in enumerate(value))

    def _fitting(self, hint: Any, value: Any, at: At) -> Any:  # noqa: ANN401
        """Return the value; fails when the hint does not allow it."""
        bare, form = _form(hint)
        if not fits(bare, value):
            self.fail(at, f"{dotted(at)} = {value!r} is not {_NAMES.get(bare, 'a table of strings')}")
        if form and not re.fullmatch(form.pattern, value):
            self.fail(at, f"{dotted(at)} = {value!r} is not {form.name}")
        if get_origin(bare) is Mapping:
            for name, one in value.items():
                self._fitting(get_args(bare)[1], one, (*at, name))
                if at[-1] == "headers":
                    self._check_header(name, one, at)
        return value

    def _check_header(self, name: str, value: str, at: At) -> None:
        if complaint := header_complaint(name, value):
            self.fail((*at, name), f"{dotted(at)}: {complaint}")

    def expand(self, value: Any, at: At) -> Any:  # noqa: ANN401
        """Fill in ``${NAME}`` from the environment, anywhere in the value."""
        if isinstance(value, dict):
            return {key: self.expand(item, (*at, key)) for key, item in value.items()}
        if isinstance(value, list):
            return [self.expand(item, at) for item in value]
        if not isinstance(value, str):
            return value
        return re.sub(r"\$\{(\w+)\}", lambda match: self.secret(match[1], at), value)

    def secret(self, name: str, at: At) -> str:
        """Return an environment variable, and remember it as a secret."""
        if name not in self.environ:
            self.fail(at, f"environment variable {name} is not set; set it, or remove ${{{name}}}")
        value = self.environ[name]
        if not value.isprintable():  # no header field can carry it, and errors of libraries would show it
            self.fail(at, f"environment variable {name} holds a line break or the like; set it to visible text alone")
        self.secrets.add(value)
        return value

    def fail(self, at: At, message: str) -> NoReturn:
        """Raise CannotJudge with the line of a key."""
        raise CannotJudge(f"{self.place(at)}: {message}")

    def place(self, at: At) -> str:
        """Return the file and the line on which a key stands."""
        return f"{self.where}:{self.line(at)}"

    def line(self, at: At) -> int:
        """Return the line on which a key stands: the last line that its path leads to, 1 when none does."""
        found = 1
        table: At = ()
        arrays: dict[At, int] = {}
        for number, line in enumerate(self.lines, 1):
            header = re.match(r"\s*(\[+)\s*([^\]]+?)\s*\]+\s*(?:#|$)", line)
            if header:
                table = _entered(tuple(part.strip(" \"'") for part in header[2].split(".")), header[1], arrays)
                if table == at[: len(table)]:
                    found = number
                elif at and table[: len(at)] == at:
                    return number
            elif table == at[: len(table)] and _opens(line, at[len(table) :]):
                return number
        return found


def _entered(parts: At, brackets: str, arrays: dict[At, int]) -> At:
    """Return the path of a table that a line opens, with the numbers of the arrays' tables in it."""
    if brackets == "[[":
        arrays[parts] = arrays.get(parts, -1) + 1
    path: At = ()
    for length, part in enumerate(parts, 1):
        path = (*path, part)
        if parts[:length] in arrays:
            path = (*path, str(arrays[parts[:length]]))
    return path


def dotted(at: Iterable[str]) -> str:
    """Return a path as users write it: the numbers of tables in arrays are not theirs."""
    return ".".join(part for part in at if not part.isdecimal())


def nearest(key: str, known: Iterable[str]) -> str:
    """Return the remedy for a key or name that is none of the known ones."""
    known = list(known)
    return meant(key, known) or f"; valid here: {', '.join(known)}"


def meant(word: str, known: Iterable[str]) -> str:
    """Return the question for what is nearly a known word; empty when nothing is near."""
    close = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    return f"; did you mean {close[0]!r}?" if close else ""


def normalized(method: str) -> str:
    """Return the method as it is sent."""
    return method.upper() if method.upper() in _NORMALIZED else method


def fits(hint: Any, value: Any) -> bool:  # noqa: ANN401
    """Whether a TOML value is of the type that a hint names; numbers are never negative."""
    if hint is Any:
        return is_json(value)
    if hint in {int, float}:
        wanted = (int, float) if hint is float else int
        return isinstance(value, wanted) and not isinstance(value, bool) and 0 <= value < MOST_NUMBER
    if get_origin(hint) is Mapping:
        return isinstance(value, dict) and all(isinstance(item, str) for item in value.values())
    return isinstance(value, hint)


def is_json(value: Any) -> bool:  # noqa: ANN401
    """Whether a TOML value can be sent as JSON, which has no dates, no times, no infinity."""
    if isinstance(value, dict | list):
        return all(map(is_json, value.values() if isinstance(value, dict) else value))
    return isinstance(value, str | int) or (isinstance(value, float) and math.isfinite(value))


def _method(values: Mapping[str, Any], at: At) -> str:
    """Return a call's method: what changes or sends something is POST where the file does not say otherwise."""
    sends = at[-1] in _CHANGES_SOMETHING or values.get("json") is not None
    return normalized(values.get("method") or ("POST" if sends else "GET"))


def _profile(reader: Reader, value: Any, at: At) -> Profile:  # noqa: ANN401
    if value not in KNOWN:
        reader.fail(at, f"profile = {value!r} is none of {', '.join(KNOWN)}{meant(str(value), KNOWN)}")
    return str(value)


def _ends(reader: Reader, value: Any, at: At) -> Ends:  # noqa: ANN401
    if isinstance(value, str):
        ends = Ends(how=value) if value in {"never", "close"} else Ends(data=str(reader.expand(value, at)))
    elif isinstance(value, dict):
        ends = reader.build(Ends, value, at)
    else:
        reader.fail(at, f"promises.ends = {value!r} is neither a string nor a table")
    if complaint := _ends_complaint(ends):
        reader.fail(at, f"promises.ends: {complaint}")
    return ends


def _ends_complaint(ends: Ends) -> str:
    """Return why this can be no stream's end; empty when it can."""
    given = [name for name in ("data", "event", "pointer") if getattr(ends, name) is not None]
    if not ends.how and len(given) != 1:
        return "give one of data, event, or pointer with in"
    if bool(ends.in_) != (ends.pointer is not None):
        return "pointer and in belong together: { pointer = '/status', in = ['completed'] }"
    if ends.event == "":
        return "no event has an empty type; 'close' is for streams whose end no event tells"
    if "\r" in (ends.data or "") or re.search(r"[\r\n]", ends.event or ""):
        return "no event can carry this line break"
    return ""


def _schemas(reader: Reader, value: Any, at: At) -> dict[str, Any]:  # noqa: ANN401
    paths = {"*": value} if isinstance(value, str) else value
    if not fits(Mapping[str, str], paths):
        reader.fail(at, f"promises.schema = {value!r} is neither a path nor a table of paths by event type")
    folder, read = Path(reader.where).parent, dict[str, Any]()
    for kind, path in paths.items():
        if path not in read:  # one file may be named for many types
            read[path] = read_schema(folder / path, f"{reader.place((*at, kind))}: promises.schema {path}")
    return {kind: read[path] for kind, path in paths.items()}


_SPECIAL: dict[At, Callable[[Reader, Any, At], Any]] = {
    ("profile",): _profile,
    ("promises", "ends"): _ends,
    ("promises", "schema"): _schemas,
}


def _is_required(item: Field[Any]) -> bool:
    return item.default is MISSING and item.default_factory is MISSING


def _opens(line: str, rest: At) -> bool:
    return bool(rest) and bool(re.match(rf"""\s*["']?{re.escape(rest[0])}["']?\s*[=.]""", line))


def _form(hint: Any) -> tuple[Any, Form | None]:  # noqa: ANN401
    if get_origin(hint) is Annotated:
        bare, *extras = get_args(hint)
        return bare, next((extra for extra in extras if isinstance(extra, Form)), None)
    return hint, None


def _without_none(hint: Any) -> Any:  # noqa: ANN401
    if get_origin(hint) in {types.UnionType, typing.Union}:
        (hint,) = (part for part in get_args(hint) if part is not types.NoneType)
    return hint
