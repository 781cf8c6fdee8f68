"""Which names are those of credentials: what stands under them is redacted in everything that is written."""

from __future__ import annotations

import re

_FIELDS = re.compile(
    r"(?i)(?:proxy-)?authorization|(?:set-)?cookie|api-?key|[\w-]+-(?:token|api-?key|key|secret|password|session(?:-id)?)"
)
_MEMBERS = re.compile(r"(?i)token|secret|password|passwd|session|cookie|api[_-]?key|credential")


def is_credential(field: str) -> bool:
    """Whether a header field of this name carries a credential, as ``Authorization``, ``X-API-Key`` or a session id."""
    return _FIELDS.fullmatch(field) is not None


def is_secret_member(name: str) -> bool:
    """Whether a JSON member of this name holds a credential, as ``access_token`` or ``sessionId``."""
    return _MEMBERS.search(name) is not None
