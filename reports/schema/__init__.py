"""The contract of a run folder: one JSON Schema (2020-12) per kind of document.

``validate(kind, document)`` holds a document to its schema and raises `SchemaError` with one line that
names the document and the place. The kinds are the stems of the JSON files beside this module:

    run, conformance, load   the whole document
    transcript               one line of a transcript (the opening line, a head, a chunk or the end)
    samples                  the columns of a Parquet part: a mapping of column name to Arrow type name

A writer is held to the schema exactly. A reader says ``newer_keys=True``: keys it does not know, which a
newer version may have added, are no error; everything it does know must still be right.
"""

import json
import re
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any, Literal, get_args

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError, best_match

Kind = Literal["run", "conformance", "load", "transcript", "samples"]
KINDS: tuple[Kind, ...] = get_args(Kind)
LONGEST_MESSAGE = 160
MOST_ERRORS = 100  # of which the most telling one is told; a hostile document may have millions


class SchemaError(ValueError):
    """A document breaks its schema; the message is one line: document, place, complaint."""


def load(kind: Kind) -> dict[str, Any]:
    """Return the JSON Schema of a kind of document."""
    document: dict[str, Any] = json.loads(Path(__file__).with_name(f"{kind}.json").read_text("utf-8"))
    return document


def validate(kind: Kind, document: object, *, where: str = "", newer_keys: bool = False) -> None:
    """Raise `SchemaError` unless the document follows the schema of its kind.

    Args:
        kind: which schema.
        document: parsed JSON.
        where: how to name the document in the message, such as a path; the kind by default.
        newer_keys: pass over keys the schema does not know.
    """
    errors: Iterable[ValidationError] = _validator(kind).iter_errors(document)
    if newer_keys:
        errors = (error for error in errors if not _is_newer_key(error))
    if worst := best_match(islice(errors, MOST_ERRORS)):
        raise SchemaError(f"{where or kind}: at {_place(worst)}: {_one_line(worst.message)}")


def is_newer(kind: Kind, document: object) -> bool:
    """Tell whether a document says that it follows a later schema of its kind than ours."""
    name, _, ours = load(kind)["$id"].rpartition("/")
    said = document.get("schema") if isinstance(document, dict) else None
    found = re.fullmatch(rf"{name}/(\d{{1,9}})", said, re.ASCII) if isinstance(said, str) else None
    return found is not None and int(found[1]) > int(ours)


@cache
def _validator(kind: Kind) -> Draft202012Validator:
    return Draft202012Validator(load(kind), format_checker=Draft202012Validator.FORMAT_CHECKER)


def _is_newer_key(error: ValidationError) -> bool:
    return all(leaf.validator == "additionalProperties" for leaf in _leaves(error))


def _leaves(error: ValidationError) -> Iterator[ValidationError]:
    if not error.context:
        yield error
    for child in error.context or ():
        yield from _leaves(child)


def _place(error: ValidationError) -> str:
    return "/" + "/".join(_one_line(str(step)) for step in error.absolute_path)


def _one_line(message: str) -> str:
    flat = " ".join(message.split())
    return flat if len(flat) <= LONGEST_MESSAGE else flat[: LONGEST_MESSAGE - 1] + "…"
