"""The schema of a stream's events that a target promises: where it is, which there are, and which are none."""

import json
from pathlib import Path
from typing import Any

import pytest

from ssegauge.conformance.errors import CannotJudge
from ssegauge.conformance.target import Target, load_target, validator
from tests.conformance.target.test_promises import BASE

EVENT = {"type": "object", "properties": {"n": {"$ref": "#/$defs/n"}}, "$defs": {"n": {"type": "integer"}}}


def with_schema(folder: Path, schema: Any, promise: str = '"event.json"') -> Target:
    folder.joinpath("event.json").write_text(schema if isinstance(schema, str) else json.dumps(schema))
    folder.joinpath("t.toml").write_text(f"{BASE}[promises]\nschema = {promise}\n")
    return load_target(str(folder / "t.toml"))


def test_a_schema_is_that_of_every_event(tmp_path: Path) -> None:
    promises = with_schema(tmp_path, EVENT).promises

    assert promises.schema_of("message") == promises.schema_of("x") == EVENT
    assert validator(EVENT).is_valid({"n": 1})
    assert not validator(EVENT).is_valid({"n": "1"})


def test_a_schema_may_be_that_of_one_type(tmp_path: Path) -> None:
    promises = with_schema(tmp_path, EVENT, '{ tick = "event.json" }').promises

    assert (promises.schema_of("tick"), promises.schema_of("message")) == (EVENT, None)


@pytest.mark.parametrize(
    "schema",
    [
        True,
        {"$schema": "http://json-schema.org/draft-07/schema#", "definitions": {"a": {}}, "$ref": "#/definitions/a"},
        {"$id": "https://x.example/a", "$defs": {"b": {"$id": "b"}}, "$ref": "b"},
        {"$ref": "https://json-schema.org/draft/2020-12/schema"},
        {"$schema": "https://x.example/own-dialect", "type": "object"},
        {"enum": [{"$ref": "http://x.example/data-and-no-reference"}]},
    ],
)
def test_a_schema_that_needs_nothing_from_elsewhere_is_good(schema: Any, tmp_path: Path) -> None:
    assert with_schema(tmp_path, schema).promises.schema_of("message") == schema


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ("{", "not JSON (Expecting property name"),
        ("[" * 100_000, "not JSON ("),
        ("[]", "not a JSON Schema: list instead of a table"),
        ({"type": "objct"}, "not a JSON Schema: 'objct' is not valid under any of the given schemas (at type)"),
        ({"properties": {"a": {"pattern": "("}}}, "not a JSON Schema: '(' is not a 'regex' (at properties/a/pattern)"),
        ({"$ref": "http://127.0.0.1:1/x.json"}, "$ref 'http://127.0.0.1:1/x.json' leads out of the file or to nothing"),
        ({"items": [{"$ref": "x"}]}, "not a JSON Schema: "),
        ({"items": {"anyOf": [{"$ref": "other.json#/a"}]}}, "$ref 'other.json#/a' leads out of the file or to "),
        ({"$ref": "#/$defs/none"}, "$ref '#/$defs/none' leads out of the file or to nothing; nothing is fetched; put "),
        ({"$ref": "#none"}, "$ref '#none' leads out of the file or to nothing"),
    ],
)
def test_a_schema_that_is_none_is_named(schema: Any, message: str, tmp_path: Path) -> None:
    with pytest.raises(CannotJudge) as caught:
        with_schema(tmp_path, schema)

    assert str(caught.value).startswith(f"{tmp_path}/t.toml:5: promises.schema event.json: {message}")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("promise", "message"),
    [
        (
            '"none.json"',
            "promises.schema none.json: No such file or directory; give a path relative to the target file",
        ),
        ("5", "promises.schema = 5 is neither a path nor a table of paths by event type"),
        ("{ a = 5 }", "promises.schema = {'a': 5} is neither a path nor a table of paths by event type"),
    ],
)
def test_a_schema_that_is_no_file_is_named(promise: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(CannotJudge, match=r"t\.toml:5: ") as caught:
        with_schema(tmp_path, EVENT, promise)

    assert message in str(caught.value)
