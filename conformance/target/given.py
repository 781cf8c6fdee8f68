"""What the command line says of a target, in place of the target file or of a URL's defaults."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ssegauge.conformance.credentials import is_credential
from ssegauge.conformance.errors import CannotJudge
from ssegauge.conformance.jsontext import read_file
from ssegauge.conformance.target.addresses import is_there
from ssegauge.conformance.target.file import Reader, meant, normalized
from ssegauge.conformance.target.headers import header_complaint
from ssegauge.conformance.target.model import Call, Target, Tls
from ssegauge.conformance.target.profiles import KNOWN

# Fields that speak of one request; all others are sent with every request.
_OF_THE_STREAM = {"accept", "accept-language", "cache-control", "content-type", "last-event-id"}
_METHOD = re.compile(r"[\w!#$%&'*+.^`|~-]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Given:
    """Options as they were typed: header fields as ``Name: value``; ``body`` is JSON, or @ and the file with it."""

    headers: tuple[str, ...] = ()
    method: str = ""
    body: str = ""
    profile: str = ""
    insecure: bool = False
    ca_file: str | None = None


NOTHING = Given()


class _Option(Reader):
    """Reads an option in place of a file: its name is the place of everything in it."""

    def __init__(self, name: str, environ: Mapping[str, str]) -> None:
        super().__init__("", name, environ)

    def place(self, at: tuple[str, ...]) -> str:  # noqa: ARG002 - an option has no lines
        return self.where


def apply(given: Given, target: Target, environ: Mapping[str, str]) -> Target:
    """Return the target as the options want it, ``${NAME}`` taken from the environment.

    Raises CannotJudge, naming the option, for one that is no header field, method, JSON or known profile.
    """
    of_headers, of_body = _Option("--header", environ), _Option("--body", environ)
    headers = dict(_header(of_headers, text) for text in given.headers)
    body = of_body.expand(_json(of_body, given.body), ()) if given.body else None
    if given.ca_file and not is_there(Path(given.ca_file)):
        raise CannotJudge(f"--cacert {given.ca_file}: no such file; give the authority's certificate in PEM")
    target = _with_headers(target, headers)
    return replace(
        target,
        stream=_asked(target.stream, _method(given.method), body),
        profile=known_profile(given.profile) or target.profile,
        tls=Tls(target.tls.verify and not given.insecure, given.ca_file or target.tls.ca_file),
        secrets=target.secrets | of_headers.secrets | of_body.secrets | _secrets(target.headers, target.stream.headers),
    )


def _header(reader: _Option, text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    name, value = name.strip(), reader.expand(value.strip(), ())
    if not colon or not value:
        shown = text if not colon and not is_credential(name) else name
        reader.fail((), f"{shown!r} has no value; write 'Name: value'")
    if complaint := header_complaint(name, value):
        reader.fail((), complaint)
    return name, value


def _secrets(*headers: Mapping[str, str]) -> set[str]:
    """Return what must not be shown of credentials: the whole value, and it without its scheme, as ``Bearer``."""
    values = [value for fields in headers for name, value in fields.items() if is_credential(name)]
    return {*values, *(value.partition(" ")[2].strip() for value in values if " " in value)}


def _with_headers(target: Target, headers: Mapping[str, str]) -> Target:
    """Return the target with these fields, and without those of the file that they replace."""
    own = {name: value for name, value in headers.items() if name.lower() in _OF_THE_STREAM}
    shared = {name: value for name, value in headers.items() if name not in own}
    of_stream = replace(target.stream, headers={**_without(target.stream.headers, headers), **own})
    return replace(target, headers={**_without(target.headers, shared), **shared}, stream=of_stream)


def _without(fields: Mapping[str, str], replaced: Mapping[str, str]) -> dict[str, str]:
    gone = {name.lower() for name in replaced}
    return {name: value for name, value in fields.items() if name.lower() not in gone}


def _asked(stream: Call, method: str, body: Any) -> Call:  # noqa: ANN401 - any JSON value
    """Return the stream's request; as with curl, one that gets a body is a POST where nothing else is said."""
    if body is None:
        return replace(stream, method=method or stream.method)
    usual = "POST" if stream.method in {"", "GET", "HEAD"} else stream.method
    return replace(stream, method=method or usual, json=body)


def _method(method: str) -> str:
    if method and not _METHOD.fullmatch(method):
        raise CannotJudge(f"--method {method!r} is not an HTTP method")
    return normalized(method)


def known_profile(name: str) -> str:
    """Return the name; raises CannotJudge for that of no profile. Empty is none, and no mistake."""
    if name and name not in KNOWN:
        raise CannotJudge(f"--profile {name!r} is none of {', '.join(KNOWN)}{meant(name, KNOWN)}")
    return name


def _json(reader: _Option, text: str) -> Any:  # noqa: ANN401 - any JSON value
    """Return the JSON of a body; NaN and the like are none (RFC 8259)."""
    if text.startswith("@"):
        try:
            text = read_file(Path(text[1:]))
        except (OSError, ValueError) as error:
            reader.fail((), f"{text}: cannot be read ({error})")
    try:
        return json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        reader.fail((), f"not JSON ({error}); write --body '{{...}}' or --body @FILE")


def _refuse(name: str) -> float:
    raise ValueError(f"{name} is not JSON")
