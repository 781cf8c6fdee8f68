"""Placeholders and JSON Pointers: what fills ``{name}`` in a request, and what a reply gives to fill it with. Pure."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

from ssegauge.conformance.credentials import is_credential, is_secret_member
from ssegauge.conformance.target.addresses import QUERY_CREDENTIAL

if TYPE_CHECKING:
    from ssegauge.conformance.target.model import Before, Call, Target

    AnyCall = TypeVar("AnyCall", bound=Call)

_RESERVED = "%/?:@!$&'()*+,;=~[]{}"  # of a URL's path and query; the rest that no URL may hold is percent-encoded
MOST_SHOWN = 60
UNIQUE = "unique"
PROMPT = "prompt"
ANY_PROMPT = "Tell me in a few words of the sea."


def pointer(document: Any, path: str) -> Any:  # noqa: ANN401 - any JSON value
    """Return the value that a JSON Pointer (RFC 6901) names; raises LookupError when there is none."""
    for raw in path.split("/")[1:]:
        token = raw.replace("~1", "/").replace("~0", "~")
        try:
            document = document[int(token)] if isinstance(document, list) else document[token]
        except (ValueError, TypeError, KeyError, IndexError):
            raise LookupError(f"no value at {path}") from None
    return document


def each_its_own(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values, and with them a ``{unique}`` that no other request has, for ids that must never repeat.

    Where nobody makes prompts up, ``{prompt}`` is one and the same.
    """
    return {UNIQUE: uuid.uuid4().hex, PROMPT: ANY_PROMPT, **values}


def is_each_its_own(call: Call) -> bool:
    """Whether two requests of this call are never the same."""
    return f"{{{UNIQUE}}}" in call.text


def names(text: str) -> list[str]:
    """Return the names of the placeholders in a text."""
    return re.findall(r"\{(\w+)\}", text)


def fill(call: AnyCall, values: Mapping[str, Any]) -> AnyCall:
    """Return the call with every ``{name}`` that has a value filled in; other braces stay as they are."""
    if not values:
        return call
    headers = {name: fill_text(value, values) for name, value in call.headers.items()}
    return replace(call, path=fill_path(call.path, values), json=fill_json(call.json, values), headers=headers)


def fill_text(text: str, values: Mapping[str, Any]) -> str:
    """Fill in a text, once: what was filled in is not looked at again."""
    return re.sub(r"\{(\w+)\}", lambda found: str(values.get(found[1], found[0])), text)


def fill_path(path: str, values: Mapping[str, Any]) -> str:
    """Fill in a path; what no address may hold is percent-encoded."""
    return fill_text(path, {name: quote(str(value), safe=_RESERVED) for name, value in values.items()})


def fill_json(body: Any, values: Mapping[str, Any]) -> Any:  # noqa: ANN401 - any JSON value
    """Fill in all strings of a JSON value; ``"{name}"`` alone becomes the value itself, of its own type."""
    if isinstance(body, dict):
        return {key: fill_json(item, values) for key, item in body.items()}
    if isinstance(body, list):
        return [fill_json(item, values) for item in body]
    if not isinstance(body, str):
        return body
    if body.startswith("{") and body.endswith("}") and body[1:-1] in values:
        return values[body[1:-1]]
    return fill_text(body, values)


def kept(before: Before, headers: Iterable[tuple[str, str]], body: bytes) -> dict[str, str]:
    """Return what a call keeps of its reply; raises LookupError, in one line, for what is not there."""
    lines = [(name.lower(), value) for name, value in headers]
    fields = {f"header:{name}": value for name, value in lines} | dict(_cookies(lines))
    return {name: _kept(place, fields, body) for name, place in before.keep.items()}


def _cookies(lines: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Yield the cookies that a reply sets; their names differ in case (RFC 6265 section 4.1.1)."""
    for field, line in lines:
        if field == "set-cookie":
            name, _, value = line.partition(";")[0].partition("=")
            yield f"cookie:{name.strip()}", value.strip()


def kept_secrets(before: Before, found: Mapping[str, str], target: Target) -> set[str]:
    """Return what was kept of credentials: by the name of what held it, or by where the target puts it."""
    used = _used_as_credentials(target)
    secrets = {value for name, value in found.items() if name in used or _is_secret(before.keep[name])}
    return secrets | {value.strip('"') for value in secrets} - {""}  # a cookie's value may stand in quotes


def _used_as_credentials(target: Target) -> set[str]:
    """Return the names that fill a header field, a query's parameter or a JSON member of a credential."""
    hooks = (getattr(target.task, one.name) for one in fields(target.task))
    calls = [one for one in (target.stream, target.existing, target.publish, *target.before, *hooks) if one]
    headers = [target.headers, *(call.headers for call in calls)]
    texts = [value for one in headers for field, value in one.items() if is_credential(field)]
    texts += [found for call in calls for found in QUERY_CREDENTIAL.findall(call.path)]
    texts += [text for call in calls for text in _under_credentials(call.json)]
    return {name for text in texts for name in names(text)}


def _under_credentials(body: Any, *, inside: bool = False) -> Iterator[str]:  # noqa: ANN401 - any JSON value
    """Yield the texts under members of a JSON value that hold a credential."""
    if isinstance(body, dict):
        for name, inner in body.items():
            yield from _under_credentials(inner, inside=inside or is_secret_member(name))
    elif isinstance(body, list):
        for inner in body:
            yield from _under_credentials(inner, inside=inside)
    elif inside and isinstance(body, str):
        yield body


def _is_secret(place: str) -> bool:
    kind, _, field = place.partition(":")
    if place.startswith("/"):
        return is_secret_member(place.rpartition("/")[2])
    return kind == "cookie" or is_credential(field)


def _kept(place: str, fields: Mapping[str, str], body: bytes) -> str:
    kind, _, name = place.partition(":")
    found: Any
    if place.startswith("/"):
        found = pointer(_document(body, place), place)
    elif (found := fields.get(place if kind == "cookie" else place.lower())) is None:
        raise LookupError(f"the reply {'sets no cookie' if kind == 'cookie' else 'has no header field'} {name}")
    if isinstance(found, bool) or not isinstance(found, str | int | float) or not str(found).isprintable():
        raise LookupError(f"the value at {place} is not one line of text or a number")
    if found == "":
        raise LookupError(f"the value at {place} is empty")
    return str(found)


def _document(body: bytes, place: str) -> Any:  # noqa: ANN401 - any JSON value
    """Return the JSON of a reply, or that of the first event of a reply that is an event stream."""
    text = body.decode("utf-8", "replace").strip()
    data = re.findall(r"(?m)^data:(.*)$", text)
    for candidate in (text, *data[:1]):
        try:
            return json.loads(candidate)
        except (ValueError, RecursionError):
            continue
    what = "an HTML page" if text[:1] == "<" else f"{text[:MOST_SHOWN]!r}" if text else "an empty body"
    raise LookupError(f"the reply is {what}, not JSON, so there is no value at {place}")
