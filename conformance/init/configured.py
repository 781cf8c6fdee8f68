"""What a target file sets of what the command line said: the same request, with variables in place of credentials."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Final
from urllib.parse import unquote_plus

from ssegauge.conformance.credentials import is_credential, is_secret_member
from ssegauge.conformance.target import Given, Target, from_url

SHORTEST: Final = 4  # characters; a shorter credential would be found in every word
_IN_QUERY = re.compile(r"([?&])([^=&#?]+)=([^&#]+)")


@dataclass(frozen=True, slots=True)
class File:
    """The target as the file is to have it, and the variables that must be set: by name, what was there before."""

    target: Target
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)


class _Unexpanded(dict[str, str]):
    """An environment in which every variable stands for itself."""

    def __contains__(self, name: object) -> bool:
        return True

    def __missing__(self, name: str) -> str:
        return f"${{{name}}}"


def configured(url: str, given: Given) -> File:
    """Return what the file sets; a credential that was typed in clear becomes a variable named after its field."""
    target = from_url(url, given, _Unexpanded())
    found: dict[str, str] = {}
    headers = {name: _hidden_header(name, value, found) for name, value in target.headers.items()}
    own = {name: _hidden_header(name, value, found) for name, value in target.stream.headers.items()}
    path = _IN_QUERY.sub(lambda match: _hidden_parameter(match, found), _without_braces(target.stream.path))
    body = _hidden_members(target.stream.json, found)
    hide = partial(_hidden, found={name: value for name, value in found.items() if len(value) >= SHORTEST})
    stream = replace(target.stream, path=hide(path), headers=_mapped(own, hide), json=_mapped(body, hide))
    return File(replace(target, headers=_mapped(headers, hide), stream=stream), found)


def _hidden(text: str, found: Mapping[str, str]) -> str:
    """Return a text in which variables stand for credentials that it holds too."""
    pieces = re.split(r"(\$\{\w+\})", text)
    for value, name in ((value, name) for name, value in found.items()):
        pieces[::2] = [piece.replace(value, f"${{{name}}}") for piece in pieces[::2]]
        pieces = re.split(r"(\$\{\w+\})", "".join(pieces))
    return "".join(pieces)


def _hidden_header(name: str, value: str, found: dict[str, str]) -> str:
    scheme, _, token = value.rpartition(" ")
    if not is_credential(name) or "${" in value:
        return value
    if scheme.isalpha():  # Bearer, Basic
        return f"{scheme} {_variable(name, token, found)}"
    return _variable(name, value, found)


def _hidden_parameter(match: re.Match[str], found: dict[str, str]) -> str:
    mark, name, value = match.groups()
    if not is_secret_member(name) and name.lower() not in {"key", "auth"}:
        return match[0]
    return f"{mark}{name}={_variable(unquote_plus(name), value, found)}"


def _hidden_members(body: Any, found: dict[str, str], name: str = "") -> Any:  # noqa: ANN401 - any JSON value
    if isinstance(body, dict):
        return {key: _hidden_members(value, found, key) for key, value in body.items()}
    if isinstance(body, list):
        return [_hidden_members(value, found, name) for value in body]
    if isinstance(body, str) and is_secret_member(name) and "${" not in body:
        return _variable(name, body, found)
    return body


def _variable(name: str, value: str, found: dict[str, str]) -> str:
    """Return the place that an environment variable takes, named after what it is; the same value has one name."""
    known = next((variable for variable, one in found.items() if one == value), None)
    wanted = re.sub(r"\W+", "_", name, flags=re.ASCII).strip("_").upper() or "SECRET"
    variable = known or next(one for one in (wanted, *(f"{wanted}_{n}" for n in range(2, 1000))) if one not in found)
    found[variable] = value
    return f"${{{variable}}}"


def _mapped(value: Any, change: Callable[[str], str]) -> Any:  # noqa: ANN401 - any JSON value
    if isinstance(value, dict):
        return {key: _mapped(item, change) for key, item in value.items()}
    if isinstance(value, list):
        return [_mapped(item, change) for item in value]
    return change(value) if isinstance(value, str) else value


def _without_braces(path: str) -> str:
    """Return the path with no placeholder in it but that of tasks: a URL's own braces are percent-encoded."""
    encoded = path.replace("{", "%7B").replace("}", "%7D")
    return encoded.replace("%7Btask_id%7D", "{task_id}")
