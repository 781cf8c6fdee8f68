import base64
import html
import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import get_args
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ssegauge.conformance.errors import CannotJudge
from ssegauge.conformance.facts import Facts, Reader, Role
from ssegauge.conformance.recording.transcript import (
    REDACTED,
    Chunk,
    End,
    Head,
    Redactor,
    Request,
    Transcript,
    chunk_row,
    dump_row,
    from_capture,
    load,
    loads,
)
from ssegauge.conformance.words import EXCERPT, excerpt
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
    return "".join(dump_row(row, redact) for row in one.rows())


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
        ("{}\n", "here: not a transcript (KeyError: 'transcript')"),
        ('{"transcript": "ssegauge/transcript/9"}\n', "schema 'ssegauge/transcript/9'"),
        ("hello\n{}\n", "here:1: not a JSON row"),
        (f"{OPENING}\n{{\n{{}}\n", "here:2: not a JSON row"),
        ("[]\n", "here: not a transcript (TypeError"),
        (f'{OPENING}\n{{"tail": {{}}}}\n', "here: not a transcript (KeyError: 'tail')"),
        (f'{OPENING}\n{{"head": 1, "end": 2}}\n', "here: not a transcript (ValueError"),
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


SECRETIVE = Transcript(
    "name",
    Request(
        "GET", "http://x/?k=s3cret", (("Authorization", "Bearer other"), ("X-Plain", "a s3cret b")), '{"p": "s3cret"}'
    ),
    head=Head(1.0, 200, (("Set-Cookie", "sid=1"), ("Date", "today"))),
    chunks=(Chunk(1.0, b"data: s3cret\n\n"), Chunk(2.0, b"\xffs3cret")),
    facts=Facts(message="a s3cret", marker="s3cret"),
)


def test_secrets_are_in_nothing_that_is_written() -> None:
    text = written(SECRETIVE, Redactor({"s3cret", ""}))

    for secret in ("s3cret", "Bearer other", "sid=1", base64.b64encode(b"\xffs3cret").decode()):
        assert secret not in text
    read = loads(text, "here")
    assert read.request.header("authorization") == REDACTED
    assert read.head is not None
    assert read.head.header("date") == "today"
    assert read.chunks[1].data == b"\xff" + REDACTED.encode()


def test_the_longer_of_two_secrets_is_replaced_first() -> None:
    assert Redactor({"abcd", "abcdef"}).text("x abcdef y abcd") == f"x {REDACTED} y {REDACTED}"


AWKWARD = 'pä"ss\\w/ö<r d'
ENCODERS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "stripped": lambda text: text.strip(),
    "JSON": json.dumps,
    "JSON of PHP": lambda text: json.dumps(text).replace("/", "\\/"),
    "JSON in UTF-8": lambda text: json.dumps(text, ensure_ascii=False),
    "Python": repr,
    "Python's bytes": lambda text: repr(text.encode()),
    "HTML": html.escape,
    "percent": lambda text: quote(text, safe=""),
    "percent of a path": quote,
    "percent of a form": quote_plus,
    "percent in lower case": lambda text: re.sub("%..", lambda code: code[0].lower(), quote(text)),
}


@pytest.mark.parametrize("encode", ENCODERS.values(), ids=ENCODERS)
@pytest.mark.parametrize("secret", [AWKWARD, f" {AWKWARD} ", "Bearer x/y+z=="])
def test_a_secret_is_found_however_it_is_written(secret: str, encode: Callable[[str], str]) -> None:
    written_so = encode(secret)

    clean = Redactor({secret}).text(f"<{written_so}>")

    assert REDACTED in clean
    assert set(clean.replace(REDACTED, "")) <= set("<>'\" b+%20")


def test_a_secret_is_found_in_bytes_that_are_not_whole_utf8() -> None:
    row = Redactor({AWKWARD}).row(chunk_row(Chunk(1.0, b"\xff" + AWKWARD.encode() + b"!")))

    assert base64.b64decode(row["chunk"]["b64"]) == b"\xff" + REDACTED.encode() + b"!"


LONG = "0123456789abcdefghijklmnopqrstuvwxyz"


@pytest.mark.parametrize("secret", [LONG, LONG[:9], "pässwörtchen"])
def test_a_secret_that_two_chunks_share_does_not_survive_as_a_whole(secret: str) -> None:
    raw = f"data: {secret}\n\n".encode()
    for cut in range(len(raw) + 1):
        one = Transcript("x", Request("GET", "/"), chunks=(Chunk(1.0, raw[:cut]), Chunk(2.0, raw[cut:])))

        kept = loads(written(one, Redactor({secret})), "here").body

        inner = kept.removeprefix(b"data: ").removesuffix(b"\n\n").replace(REDACTED.encode(), b"")
        assert len(inner) < min(8, -(-len(secret.encode()) // 2)), cut


def test_chunks_that_share_no_secret_are_kept() -> None:
    redact = Redactor({LONG})
    for text in ("data: 0123456", "tuvwxyz\n\n", "0123456", "data: 01234567x", "", LONG[:3]):
        assert redact.row(chunk_row(Chunk(1.0, text.encode())))["chunk"]["text"] == text


@pytest.mark.parametrize("secret", [LONG, "pässwörtchen " * 3])
def test_an_ellipsis_leaves_no_piece_of_a_secret(secret: str) -> None:
    redact, text = Redactor({secret}), f"data: {secret}".encode()
    for lead in range(EXCERPT - len(text) + 1, EXCERPT - 18):
        shown = redact.text(f"seen: {excerpt(b'.' * lead + text)} and so on")

        assert shown == f"seen: {'.' * lead}data: {REDACTED}… and so on"


@pytest.mark.parametrize("secret", ["1", "abc", " abc\n", ""])
def test_a_secret_of_under_four_characters_is_ignored(secret: str) -> None:
    assert Redactor({secret}).value({"abc": ["1 abc", 1]}) == {"abc": ["1 abc", 1]}


@pytest.mark.parametrize("secret", ["name", "stream", "transcript", "ssegauge", "error", "chunk", "text", "head"])
def test_a_secret_that_is_a_word_of_ours_leaves_a_transcript_whole(secret: str) -> None:
    ended = replace(SECRETIVE, end=End(3.0, "error", f"no {secret}"))

    read = loads(written(ended, Redactor({secret})), "here")

    assert (read.name, read.role, read.chunks) == ("name", "stream", SECRETIVE.chunks)
    assert read.end == End(3.0, "error", f"no {REDACTED}")


def test_a_users_key_named_b64_is_an_ordinary_one() -> None:
    assert Redactor({"s3cret"}).value({"json": {"b64": "x s3cret"}}) == {"json": {"b64": f"x {REDACTED}"}}


def test_credential_headers_are_replaced_though_nobody_named_their_values() -> None:
    text = written(SECRETIVE, Redactor())

    assert "Bearer other" not in text
    assert "s3cret" in text


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
