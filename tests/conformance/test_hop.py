"""What is told of a hop: each kind of damage where it is, and nothing where streams are passed on as they are."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from ssegauge.conformance.hop import Told, told
from ssegauge.conformance.recording.transcript import Chunk, Transcript
from ssegauge.conformance.target import Ends, Promises
from tests.corpus.build import EPOCH_MS, exchange
from tests.corpus.chat import DONE, ROLE, SAME, STOP, data, text

PROMISES = Promises(ends=Ends(data="[DONE]"), token="/choices/0/delta/content")
WORDS = ("Grüße ", "aus ", "Köln ", "🗼, ", "wo ", "es ", "regnet.")
Change = Callable[[list[tuple[float, bytes]]], list[tuple[float, bytes]]]


def answer(name: str, *words: str, created: int = 0, **more: Any) -> Transcript:
    """A whole answer, a piece of its text each 100 ms."""
    events = [ROLE, *text(*(words or WORDS)), STOP, DONE]
    if created:
        events = [one.replace(str(SAME["created"]).encode(), str(created).encode()) for one in events]
    timed = [(100.0 * number, one) for number, one in enumerate(events, 1)]
    return exchange(*timed, name=name, task_id=None, kind="plain", **more)


def run(*words: str, **more: Any) -> list[Transcript]:
    return [answer(name, *words, **more) for name in ("plain", "plain-twin", "plain-third")]


def changed(change: Change, of: list[Transcript] | None = None) -> list[Transcript]:
    """The same streams, their chunks changed."""
    pieces = ((one, change([(chunk.at_ms, chunk.data) for chunk in one.chunks])) for one in of or run())
    return [dataclasses.replace(one, chunks=tuple(Chunk(*piece) for piece in kept)) for one, kept in pieces]


def each(change: Callable[[bytes], bytes]) -> Change:
    return lambda pieces: [(at_ms, change(one)) for at_ms, one in pieces]


def together(pieces: list[tuple[float, bytes]]) -> list[tuple[float, bytes]]:
    return [(pieces[-1][0], b"".join(one for _, one in pieces))]


def in_threes(pieces: list[tuple[float, bytes]]) -> list[tuple[float, bytes]]:
    return [together(pieces[at : at + 3])[0] for at in range(0, len(pieces), 3)]


def merged(pieces: list[tuple[float, bytes]]) -> list[tuple[float, bytes]]:
    return [(1000.0, event) for event in (ROLE, *text("".join(WORDS[:4]), "".join(WORDS[4:])), STOP, DONE)]


def kinds(found: tuple[Told, ...]) -> set[tuple[str, str]]:
    return {(one.kind, one.what) for one in found}


HARMLESS: Mapping[str, list[Transcript]] = {
    "as they are": run(),
    "a time of its own": run(created=round(EPOCH_MS / 1000) + 40),
    "other pieces of bytes": changed(lambda pieces: [(at, part) for at, one in pieces for part in (one[:9], one[9:])]),
    "other line endings": changed(each(lambda one: one.replace(b"\n", b"\r\n"))),
    "escapes in the JSON": changed(each(lambda one: one.replace("ü".encode(), b"\\u00fc"))),
    "a charset that goes without saying": run(headers={"Content-Type": "text/event-stream; charset=UTF-8"}),
    "its own connection, date and trace": run(headers={"Date": "x", "Server": "hop", "Via": "1.1 hop", "Age": "0"}),
}


@pytest.mark.parametrize("through", HARMLESS.values(), ids=HARMLESS)
def test_nothing_is_told_of_what_changes_nothing_for_readers(through: list[Transcript]) -> None:
    assert told(run(), through, PROMISES) == ()


CUT = [dataclasses.replace(one, chunks=one.chunks[:5]) for one in run()]
DAMAGE: Mapping[str, tuple[list[Transcript], set[tuple[str, str]]]] = {
    "cuts characters": (
        changed(each(lambda one: one.replace(b"\\ud83d\\uddfc", "\N{REPLACEMENT CHARACTER}".encode() * 4))),
        {("damaged", "text")},
    ),
    "leaves bytes out": (
        changed(each(lambda one: one.replace(b"\\ud83d\\uddfc", b"\xf0\x9f"))),
        {("damaged", "bytes"), ("damaged", "text")},
    ),
    "drops the end marker": (changed(lambda pieces: pieces[:-1]), {("damaged", "end marker")}),
    "breaks off": (CUT, {("damaged", "end marker"), ("damaged", "text")}),
    "takes spaces away": (changed(each(lambda one: one.replace(b' "}', b'"}'))), {("damaged", "text")}),
    "drops an event": (changed(lambda pieces: pieces[:3] + pieces[4:]), {("damaged", "text")}),
    "tears events": (
        changed(each(lambda one: one.replace(b'"delta"', b'\n\ndata: "delta"', 1))),
        {("damaged", "events"), ("damaged", "text"), ("changed", "members")},
    ),
    "answers JSON": (
        [exchange(b"{}", name=one.name, headers={"Content-Type": "application/json"}) for one in run()],
        {("damaged", "content-type")},
    ),
    "answers 502": ([exchange(name=one.name, status=502) for one in run()], {("damaged", "answer")}),
    "refuses": ([exchange(name=one.name, status=401) for one in run()], {("unclear", "answer")}),
    "keeps it to the end": (changed(together), {("held", "held to the end")}),
    "sends batches": (changed(in_threes), {("held", "batches")}),
    "merges events": (changed(merged), {("held", "merged events"), ("held", "held to the end")}),
    "may be stored": (run(headers={"Cache-Control": "max-age=60"}), {("damaged", "cache-control")}),
    "may be compressed": (run(headers={"Cache-Control": "no-cache"}), {("changed", "cache-control")}),
    "other fields": (run(headers={"X-Content-Type-Options": None}), {("changed", "header fields")}),
    "knows the length": (run(headers={"Content-Length": "999"}), {("held", "content-length")}),
    "allows two origins": (
        run(headers={"Access-Control-Allow-Origin": "*, *"}),
        {("damaged", "access-control-allow-origin")},
    ),
    "another model's name": (
        changed(each(lambda one: one.replace(b'"small"', b'"vendor/small"'))),
        {("changed", "values")},
    ),
    "a hint obeyed": (run(headers={"X-Accel-Buffering": None}), {("changed", "x-accel-buffering")}),
}


@pytest.mark.parametrize(("through", "expected"), DAMAGE.values(), ids=DAMAGE)
def test_what_a_hop_does_is_told_by_its_kind(through: list[Transcript], expected: set[tuple[str, str]]) -> None:
    found = told(run(), through, PROMISES)
    assert kinds(found) == expected
    assert {(one.streams, one.of) for one in found} == {(3, 3)}


def test_a_number_that_no_float_holds_is_a_value_as_others() -> None:
    def numbered(number: bytes) -> list[Transcript]:
        return changed(each(lambda one: one.replace(b'"choices"', b'"n": %s, "choices"' % number)))

    assert ("changed", "values") in kinds(told(numbered(b"1"), numbered(b"1" + b"0" * 400), PROMISES))


def test_names_ids_and_comments_that_are_lost_are_told() -> None:
    def named(at: int) -> bytes:
        return b": still here\nid: %d\nevent: token\n" % at + data({"text": f"w{at} "})

    def bare(one: bytes) -> bytes:
        return b"".join(line + b"\n" for line in one.splitlines() if not line.startswith((b":", b"id", b"event")))

    direct = [exchange(*((50.0 * at, named(at)) for at in range(1, 9)), name="plain", task_id=None, kind="plain")]
    found = told(direct, changed(each(bare), direct), Promises(token="/text"))
    assert kinds(found) == {("damaged", "event names"), ("damaged", "ids"), ("changed", "comments")}


def test_texts_that_differ_by_themselves_are_not_compared() -> None:
    direct = [answer(name, f"{name} ", "is ", "said") for name in ("plain", "plain-twin")]
    through = [answer(name, f"{name} ", "was ", "told") for name in ("plain", "plain-twin")]
    assert kinds(told(direct, through, PROMISES)) == {("unclear", "text")}
    alone = told(direct[:1], through[:1], PROMISES)
    assert "but one answer" in alone[0].summary
    spoiled = [
        answer(name, "x\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER} ", "y") for name in ("plain", "plain-twin")
    ]
    assert kinds(told(direct, spoiled, PROMISES)) == {("damaged", "text")}


def test_without_a_stream_in_common_nothing_is_said_of_the_hop() -> None:
    assert kinds(told(run(), [answer("another")], PROMISES)) == {("unclear", "streams")}
