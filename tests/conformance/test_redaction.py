"""Secrets are in nothing that is written, however a server writes them."""

import base64
import html
import json
import re
from collections.abc import Callable
from dataclasses import replace
from urllib.parse import quote, quote_plus

import pytest

from ssegauge.conformance.facts import Facts
from ssegauge.conformance.recording.redaction import REDACTED, Redactor
from ssegauge.conformance.recording.transcript import Chunk, End, Head, Request, Transcript, chunk_row
from ssegauge.conformance.words import EXCERPT, excerpt
from tests.conformance.test_transcript import loads, written

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


def in_json(text: str) -> str:
    return "".join(f"\\u{ord(char):04x}" for char in text)


@pytest.mark.parametrize("size", [1, 7, 64])
@pytest.mark.parametrize("layers", [1, 2, 3])
def test_a_secret_that_is_escaped_over_and_over_may_come_in_any_pieces(layers: int, size: int) -> None:
    said = "zqKx9wVjPwLm42"
    for _ in range(layers):
        said = in_json(said)
    text = f"data: {said}\n\n".encode()
    chunks = tuple(Chunk(float(at), text[at : at + size]) for at in range(0, len(text), size))

    read = loads(written(replace(SECRETIVE, chunks=chunks), Redactor({"zqKx9wVjPwLm42"})), "here")

    assert b"".join(chunk.data for chunk in read.chunks) == f"data: {REDACTED}\n\n".encode()


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
