"""What breaks a JSON Schema, in a line; and what is no event to hold to one: the words by which streams end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ssegauge.conformance.words import shown

if TYPE_CHECKING:
    from jsonschema.protocols import Validator

MARKERS = frozenset({"[done]", "done", "end", "eof", "close", "complete", "completed", "finished", "null", ""})


def breach(checker: Validator, value: Any) -> str:  # noqa: ANN401 - any JSON value
    """Say in one line where a value breaks its schema; nothing where it does not, or is nested too deep to tell."""
    try:
        error = next(iter(checker.iter_errors(value)), None)
    except RecursionError:
        return ""
    if error is None:
        return ""
    place = "/".join(map(str, error.absolute_path))
    return f"breaks the schema at /{place}: {shown(error.message).strip(chr(39))}"
