import json
from io import BytesIO
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ssegauge.conformance.errors import CannotJudge
from ssegauge.conformance.facts import Facts, Reader, Role
from ssegauge.conformance.recording import capture
from ssegauge.conformance.recording.capture import load
from ssegauge.conformance.recording.redaction import Redactor, dump_rows
from ssegauge.conformance.recording.transcript import (
    Chunk,
    End,
    Head,
    Request,
    Transcript,
    chunk_row,
    from_capture,
)
from tests.corpus.build import healthy
from tests.corpus.whole import HEALTHY

steady = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
times = st.floats(0, 1e7, allow_nan=False)
texts = st.text(st.characters(exclude_categories=["Cs"]))
headers = st.lists(st.tuples(texts, texts), max_size=3).map(tuple)
transcripts = st.builds(
    Transcript,
    name=texts,
    request=st.builds(Request, texts, texts, headers, st.none() | texts),
    probe=texts,
    role=st.sampled_from(get_args(Role)),
    started_ms=times,
    head=st.none() | st.builds(Head, times, st.integers(100, 599), headers, texts, texts),
    chunks=st.lists(st.builds(Chunk, times, st.binary()), max_size=4).map(tuple),
    end=st.none() | st.builds(End, times, st.sampled_from(["eof", "cut", "timeout", "error"]), texts),
    facts=st.builds(
        Facts,
        task_id=st.none() | texts,
        reader=st.sampled_from([None, *get_args(Reader)]),
        patience_ms=st.none() | times,
        opened=st.none() | st.integers(0, 100),
        capture=st.booleans(),
    ),
)


def written(one: Transcript, redact: Redactor | None = None) -> str:
    return dump_rows(one.rows(), redact or Redactor())


def loads(text: str, where: str) -> Transcript:
    return capture.loads(BytesIO(text.encode()), where)


@steady
@given(transcripts)
def test_what_is_written_is_read_back_exactly(one: Transcript) -> None:
    assert loads(written(one), "here") == one


@steady
@given(transcripts, st.data())
def test_a_transcript_that_was_cut_off_holds_all_whole_rows(one: Transcript, data: st.DataObject) -> None:
    text = written(one)
    first = text.index("\n") + 1
    cut = data.draw(st.integers(first, len(text)))

    read = loads(text[:cut], "here")

    rows = list(one.rows())[: text[:cut].count("\n")]
    assert list(read.rows())[: len(rows)] == rows


def test_a_run_is_read_back_from_files(tmp_path: Path) -> None:
    for number, one in enumerate(HEALTHY):
        path = tmp_path / f"{number}.jsonl"
        path.write_text(written(one), encoding="utf-8")
        assert load(path) == one


def test_bytes_that_are_not_utf8_are_kept() -> None:
    assert chunk_row(Chunk(1.0, b"\xff")) == {"chunk": {"at_ms": 1.0, "b64": "/w=="}}
    assert chunk_row(Chunk(1.0, "é".encode())) == {"chunk": {"at_ms": 1.0, "text": "é"}}


OPENING = written(healthy()).partition("\n")[0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "here: not a transcript (ValueError"),
        ('{"x": 1}\n', "here: not a transcript (KeyError: 'transcript')"),
        ('{"transcript": "ssegauge/transcript/9"}\n', "schema 'ssegauge/transcript/9'"),
        ("hello\n{}\n", "here:1: not a JSON row"),
        (f"{OPENING}\n{{\n{{}}\n", "here:2: not a JSON row"),
        ("[]\n", "here: not a transcript (TypeError"),
        (f'{OPENING}\n{{"tail": {{}}}}\n', "here: not a transcript (ValueError: an unknown or second row 'tail')"),
        (f'{OPENING}\n{{"head": 1, "end": 2}}\n', "here: not a transcript (TypeError"),
        (f'{OPENING}\n{{"chunk": {{"at_ms": 1, "b64": "x"}}}}\n', "here: not a transcript (Error"),
    ],
    ids=[
        "empty",
        "other JSON",
        "other version",
        "text",
        "broken row",
        "list",
        "unknown row",
        "two in one",
        "bad base64",
    ],
)
def test_what_is_no_transcript_is_refused_in_one_line(text: str, message: str) -> None:
    with pytest.raises(CannotJudge) as caught:
        loads(text, "here")

    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_header_fields_are_found_in_any_case_and_joined() -> None:
    head = Head(1.0, 200, (("Vary", "Origin"), ("vary", "Accept")))

    assert head.header("VARY") == "Origin, Accept"
    assert head.header("date") is None


BODY = b"data: 1\n\n"


def test_a_bare_capture_is_a_stream_that_we_left() -> None:
    one = from_capture(BODY)

    assert (one.head, one.body, one.end) == (None, BODY, End(0.0, "cut"))
    assert one.facts == Facts(capture=True)


@pytest.mark.parametrize("line_end", ["\r\n", "\n"])
def test_a_capture_with_its_head_gives_both(line_end: str) -> None:
    head = line_end.join(["HTTP/1.1 200 OK", "Content-Type: text/event-stream", "X: a: b", "", ""])

    one = from_capture(head.encode() + BODY)

    assert one.head == Head(0.0, 200, (("Content-Type", "text/event-stream"), ("X", "a: b")), "OK", "HTTP/1.1")
    assert one.body == BODY


def test_of_several_heads_the_last_is_the_streams() -> None:
    redirect = b"HTTP/1.1 302 Found\r\nLocation: /x\r\n\r\n"

    one = from_capture(redirect + b"HTTP/2 200 \r\ncontent-type: text/event-stream\r\n\r\n" + BODY)

    assert one.head == Head(0.0, 200, (("content-type", "text/event-stream"),), "", "HTTP/2")
    assert one.body == BODY


@steady
@given(st.binary(max_size=80))
def test_any_bytes_are_a_capture(raw: bytes) -> None:
    one = from_capture(raw)

    assert one.head is not None or one.body == raw


def test_an_empty_capture_has_no_chunk() -> None:
    assert from_capture(b"").chunks == ()


def test_rows_are_json_of_one_line_each() -> None:
    for one in HEALTHY:
        for line in written(one).splitlines():
            assert isinstance(json.loads(line), dict)
