"""What a user's word for a target is: the address of a stream, or the path of a target file."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, unquote_plus, urlsplit

from ssegauge.conformance.errors import CannotJudge

if TYPE_CHECKING:
    from ssegauge.conformance.target.model import Call

_SCHEME = re.compile(r"(?i)[a-z][a-z0-9+.-]*://")
# host[:port][/path] with no scheme: only with a port or a path is a word with a dot more likely a host than a file.
_HOST = r"(?:localhost|\[[0-9a-f:.]+\]|[a-z0-9-]+(?:\.[a-z0-9-]+)+)"
_BARE = re.compile(rf"(?i){_HOST}[/?].*|(?:{_HOST}|[a-z0-9_-]+):\d+(?:[/?].*)?|localhost")
QUERY_CREDENTIAL = re.compile(r"(?i)[?&](?:access_token|token|jwt|ticket|auth|api_?key|key|password|secret)=([^&#]+)")


def as_url(where: str) -> str | None:
    """Return the URL that a word means, with http:// where it names no scheme; None when it means a file."""
    if _SCHEME.match(where):
        return where
    if is_there(Path(where)) or where.endswith(".toml") or not _BARE.fullmatch(where):
        return None
    return f"http://{where}"


def is_there(path: Path) -> bool:
    """Whether there is such a file or folder; a name that can be none is not there."""
    try:
        return path.exists()
    except OSError:
        return False


def checked_url(url: str, where: str, shown: str) -> SplitResult:
    """Return an http or https URL's parts; raises CannotJudge, in which ``shown`` stands for the URL."""
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


def in_queries(calls: Iterable[Call | None]) -> frozenset[str]:
    """Return the credentials that stand in addresses, where no header field says that they are such."""
    found = (value for call in calls if call for value in QUERY_CREDENTIAL.findall(call.path) if "{" not in value)
    return frozenset(form for value in found for form in (value, unquote_plus(value)))
