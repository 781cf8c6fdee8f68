"""The schemas hold writers to the contract, and say in one line where a document breaks it."""

from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from jsonschema import Draft202012Validator

from ssegauge.reports import schema
from tests.reports import factory

DOCUMENTS: dict[str, Any] = {
    "run": factory.run_document,
    "conformance": factory.conformance_document,
    "load": factory.load_document,
}


@pytest.mark.parametrize("kind", schema.KINDS)
def test_a_schema_is_a_valid_schema(kind: schema.Kind) -> None:
    Draft202012Validator.check_schema(schema.load(kind))


@pytest.mark.parametrize("kind", DOCUMENTS)
def test_the_usual_document_follows_its_schema(kind: schema.Kind) -> None:
    schema.validate(kind, DOCUMENTS[kind]())


@pytest.mark.parametrize("line", factory.transcript_lines(), ids=lambda line: next(iter(line)))
def test_each_line_of_a_transcript_follows_the_schema(line: Any) -> None:
    schema.validate("transcript", line)


def test_written_samples_follow_the_schema(tmp_path: Path) -> None:
    factory.write_parts(tmp_path, factory.samples_frame())
    columns = {column.name: str(column.type) for column in pq.read_schema(tmp_path / "000000.parquet")}
    schema.validate("samples", columns)


BROKEN = {
    "run.started is local time": ("run", {"started": "2025-11-24T09:30:00+02:00"}, "/started"),
    "run.machine lacks cpus": ("run", {"machine": {"platform": ""}}, "/machine"),
    "a pass without observation": (
        "conformance",
        {"results": [factory.result("wire/x", observations=0)]},
        "/results/0/observations",
    ),
    "not_observed without what to add": (
        "conformance",
        {"results": [factory.result("wire/x", "not_observed", needs=None)]},
        "/results/0/needs",
    ),
    "a code that is none": ("conformance", {"results": [factory.result("Wire_X")]}, "/results/0/"),
    "an unknown verdict": ("load", {"verdict": "ok"}, "/verdict"),
    "an interval of one number": (
        "load",
        {"objectives": [factory.objective("x", 1, 1, interval=[1])]},
        "/objectives/0/interval",
    ),
    "a negative count": ("load", {"users": -1}, "/users"),
}


@pytest.mark.parametrize(("kind", "change", "place"), BROKEN.values(), ids=BROKEN)
def test_a_broken_document_is_named_with_the_place_on_one_line(
    kind: schema.Kind, change: dict[str, Any], place: str
) -> None:
    with pytest.raises(schema.SchemaError) as error:
        schema.validate(kind, DOCUMENTS[kind](**change), where="out/file.json")
    message = str(error.value)
    assert message.startswith(f"out/file.json: at {place}")
    assert "\n" not in message
    assert len(message) < 250


BROKEN_LINES: list[Any] = [
    {"chunk": {"at_ms": 1.0}},
    {"chunk": {"at_ms": 1.0, "text": "", "b64": ""}},
    {"chunk": {"at_ms": 1.0, "b64": "%%"}},
    {"end": {"at_ms": 1.0, "how": "stopped"}},
    {"head": {"at_ms": 1.0}},
    {},
    [],
]


@pytest.mark.parametrize("line", BROKEN_LINES, ids=str)
def test_a_broken_line_of_a_transcript_is_refused(line: Any) -> None:
    with pytest.raises(schema.SchemaError):
        schema.validate("transcript", line)


@pytest.mark.parametrize("kind", DOCUMENTS)
def test_a_key_of_a_newer_version_is_an_error_for_a_writer_only(kind: schema.Kind) -> None:
    document = DOCUMENTS[kind](novelty=1)
    schema.validate(kind, document, newer_keys=True)
    with pytest.raises(schema.SchemaError, match="novelty"):
        schema.validate(kind, document)
