"""JSON Schemas of events: read once, checked, and never anything fetched for them from anywhere."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ssegauge.conformance.errors import CannotJudge
from ssegauge.conformance.jsontext import read_file

if TYPE_CHECKING:
    from jsonschema.protocols import Validator
    from referencing import Resource
    from referencing._core import Resolver


def read_schema(path: Path, shown: str) -> Any:  # noqa: ANN401 - a JSON Schema is a table, true or false
    """Return the JSON Schema in a file; ``shown`` names it in errors.

    Raises CannotJudge for a file that is none, is none of JSON Schema's, or refers to another document.
    """
    try:
        schema = json.loads(read_file(path))
    except OSError as error:
        raise CannotJudge(f"{shown}: {error.strerror or error}; give a path relative to the target file") from None
    except (ValueError, RecursionError) as error:  # UnicodeDecodeError is a ValueError
        raise CannotJudge(f"{shown}: not JSON ({str(error) or type(error).__name__})") from None
    if not isinstance(schema, dict | bool):
        raise CannotJudge(f"{shown}: not a JSON Schema: {type(schema).__name__} instead of a table")
    _check(schema, shown)
    return schema


def validator(schema: Any) -> Validator:  # noqa: ANN401 - a JSON Schema
    """Return what validates by a schema, of the draft that it names; it fetches nothing."""
    from jsonschema import Draft202012Validator
    from jsonschema.validators import validator_for
    from referencing.jsonschema import EMPTY_REGISTRY

    return validator_for(schema, default=Draft202012Validator)(schema, registry=EMPTY_REGISTRY)


def _check(schema: Any, shown: str) -> None:  # noqa: ANN401
    from jsonschema import SchemaError

    try:
        validator(schema).check_schema(schema)
        missing = next(_unresolved(schema), "")
    except SchemaError as error:
        place = "/".join(map(str, error.absolute_path))
        raise CannotJudge(f"{shown}: not a JSON Schema: {error.message}{f' (at {place})' if place else ''}") from None
    except RecursionError:
        raise CannotJudge(f"{shown}: nested too deep for a JSON Schema") from None
    if missing:
        remedy = "nothing is fetched; put what it names into this file, below $defs"
        raise CannotJudge(f"{shown}: $ref {missing!r} leads out of the file or to nothing; {remedy}")


def _unresolved(schema: Any) -> Iterator[str]:  # noqa: ANN401
    """Yield the references that lead to nothing in the document itself or in JSON Schema's own."""
    from jsonschema_specifications import REGISTRY
    from referencing.jsonschema import DRAFT202012

    resource = DRAFT202012.create_resource(schema) if isinstance(schema, bool) else _detected(schema)
    registry = REGISTRY.with_resource(resource.id() or "", resource)
    yield from _walk(resource, registry.resolver_with_root(resource))


def _detected(schema: Any) -> Resource[Any]:  # noqa: ANN401
    from referencing import Resource, Specification
    from referencing.jsonschema import DRAFT202012, UnknownDialect

    try:
        return Resource.from_contents(schema, default_specification=DRAFT202012)
    except UnknownDialect:
        specification: Specification[Any] = DRAFT202012
        return specification.create_resource(schema)


def _walk(resource: Resource[Any], resolver: Resolver[Any]) -> Iterator[str]:
    from referencing.exceptions import Unresolvable

    contents = resource.contents
    reference = contents.get("$ref") if isinstance(contents, dict) else None
    if isinstance(reference, str):
        try:
            resolver.lookup(reference)
        except Unresolvable:
            yield reference
    for inner in resource.subresources():
        yield from _walk(inner, resolver.in_subresource(inner))
