"""Spells out the one abbreviation of the command line: ``--json`` before JSON is ``--body``.

``--json`` is a flag: print the result as JSON. Followed by a word that begins a JSON object or array it is what it is
to curl: the request's body. ``--body`` is never anything else.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

# [::1]:3000/events is a target.
_IPV6 = re.compile(r"(?i)\[[0-9a-f.]*:[0-9a-f:.]*\](?::\d+)?(?:[/?].*)?")


def spelled_out(words: Sequence[str]) -> list[str]:
    """Return the words of a command line with ``--body`` in place of ``--json`` wherever JSON follows."""
    found: list[str] = []
    for word, following in zip(words, [*words[1:], ""], strict=False):
        if word == "--json" and _begins_json(following):
            found.append("--body")
        elif word.startswith("--json=") and _begins_json(word.removeprefix("--json=")):
            found += ["--body", word.removeprefix("--json=")]
        else:
            found.append(word)
    return found


def _begins_json(word: str) -> bool:
    return word.lstrip().startswith(("{", "[")) and not _IPV6.fullmatch(word)
