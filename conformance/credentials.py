"""Which header fields carry credentials, by their names: what they hold is redacted in everything that is written."""

from __future__ import annotations

import re

_NAMES = re.compile(
    r"(?i)(?:proxy-)?authorization|(?:set-)?cookie|api-?key|[a-z0-9-]+-(?:token|api-?key|key|secret|password|session(?:-id)?)"
)


def is_credential(name: str) -> bool:
    """Whether a header field of this name carries a credential, as ``Authorization``, ``X-API-Key`` or a session id."""
    return _NAMES.fullmatch(name) is not None
