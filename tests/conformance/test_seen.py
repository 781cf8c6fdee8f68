import gzip
import zlib
from typing import Any

import pytest

from ssegauge.conformance.facts import Facts
from ssegauge.conformance.recording.transcript import from_capture
from ssegauge.conformance.seen import Message, Seen, View
from ssegauge.conformance.sse import Retry, UnfinishedTail
from ssegauge.conformance.words import EXCERPT, excerpt
from tests.corpus.build import EPOCH_MS, completed, connected, event, exchange, healthy, progress


def view(*chunks: bytes | tuple[float, bytes], **more: Any) -> View:
    return View(exchange(*chunks, **more))


def message(data: str) -> Message:
    (one,) = view(b"data: " + data.encode() + b"\n\n").messages
    return one


def test_items_know_their_chunk_and_the_time_of_its_arrival() -> None:
    seen = view((5.0, b"retry: 5\n\nda"), (9.0, b"ta: 1\n"), (30.0, b"\ndata: 2\n\n"))

    assert [(item.chunk, item.at_ms, item.what.start) for item in seen.events] == [(2, 30.0, 10), (2, 30.0, 19)]
    assert [(item.chunk, what.ms) for item, what in seen.of(Retry)] == [(0, 5)]


def test_a_tail_is_unfinished_only_when_the_server_ended_the_stream() -> None:
    assert any(view(b"data: 1", how="eof").of(UnfinishedTail))
    assert not any(view(b"data: 1", how="cut").of(UnfinishedTail))


def test_a_stream_that_was_interrupted_says_nothing_of_its_end_but_all_that_came_before() -> None:
    seen = view(connected(), b"data: 1", how="error", detail="the harness failed")
    assert seen.transcript.end is None

    seen = view(connected(), b"data: 1", how="cut", detail="interrupted")

    assert seen.transcript.end is None
    assert len(seen.events) == 1
    assert view(connected(), how="cut").transcript.end


@pytest.mark.parametrize(
    ("data", "value", "error"),
    [
        ('{"a": [1, "x"]}', {"a": [1, "x"]}, ""),
        ("null", None, ""),
        ("{", None, "Expecting property name"),
        ("", None, "Expecting value"),
        ("[" * 100_000, None, "nested deeper than"),
    ],
    ids=["object", "null", "cut off", "empty", "deep"],
)
def test_an_events_data_is_read_as_json(data: str, value: object, error: str) -> None:
    read = message(data)

    assert read.value == value
    assert read.error.startswith(error)
    assert bool(read.error) == bool(error)


def test_what_python_forgives_json_is_noted() -> None:
    assert message('{"b": 1, "a": {"c": 1, "c": 2}, "b": 3}').duplicate_keys == ("c", "b")
    assert message('{"a": [NaN, -Infinity, 1e999]}').constants == ("NaN", "-Infinity")


def test_messages_of_any_shape_can_be_asked_anything() -> None:
    for data in ("null", "[]", "7", '"x"', "{", '{"type": []}', '{"type": "progress", "progress": [1]}'):
        read = message(data)
        assert dict(read.progress) == {}
        assert read.ends_task is False


def test_progress_and_terminal_are_of_progress_messages_alone() -> None:
    other = event({"type": "error", "progress": {"status": "completed"}})
    seen = view(connected(), other, progress(5, ["completed"]), completed(), completed("101"))

    assert [one.progress["progress"] for one in seen.progress] == [5, 100, 100]
    assert seen.terminal is seen.progress[1]


@pytest.mark.parametrize(
    ("status", "content_type", "expected"),
    [
        (200, "text/event-stream", True),
        (200, "Text/Event-Stream; charset=utf-8", True),
        (200, "text/plain", False),
        (200, None, False),
        (404, "text/event-stream", False),
    ],
)
def test_an_event_stream_is_what_a_client_takes_for_one(status: int, content_type: str | None, expected: bool) -> None:
    assert view(status=status, headers={"Content-Type": content_type}).is_event_stream is expected


def test_a_bare_capture_is_an_event_stream_without_times() -> None:
    captured, unanswered = View(from_capture(b"data: 1\n\n")), view(answered=False)

    assert (captured.is_event_stream, captured.timed) == (True, False)
    assert (unanswered.is_event_stream, unanswered.timed) == (False, True)


PLAIN = b"data: 1\n\ndata: 2\n\n"


@pytest.mark.parametrize(
    ("coding", "coded"),
    [
        ("gzip", gzip.compress(PLAIN, mtime=0)),
        (" GZIP ", gzip.compress(PLAIN, mtime=0)),
        ("deflate", zlib.compress(PLAIN)),
        ("deflate", zlib.compress(PLAIN, wbits=-15)),
        ("gzip", b"".join(gzip.compress(bytes([byte]), mtime=0) for byte in PLAIN)),
        ("x-gzip", gzip.compress(PLAIN, mtime=0) + b"\0" * 8),
        ("identity", PLAIN),
        (None, PLAIN),
    ],
)
def test_content_coding_is_undone_chunk_by_chunk(coding: str | None, coded: bytes) -> None:
    pieces = (coded[:12], coded[12:])

    seen = view(*pieces, headers={"Content-Encoding": coding})

    assert seen.body == PLAIN
    assert len(seen.chunks) == 2


@pytest.mark.parametrize("coding", ["gzip", "br", "none"])
def test_a_coding_that_cannot_be_undone_is_left_as_it_is(coding: str) -> None:
    assert view(PLAIN, headers={"Content-Encoding": coding}).body == PLAIN


def test_a_body_that_is_no_json_is_none() -> None:
    assert view(b'{"a": 1}').json == {"a": 1}
    assert view(b"<h1>").json is None
    assert view(b"\xff").json is None


def test_evidence_shows_the_bytes_the_field_or_the_end() -> None:
    seen = View(healthy(name="paced"))

    at_event, at_field, at_end = (seen.evidence(where) for where in (seen.messages[1], "cache-control", None))

    assert (at_event.transcript, at_event.chunk, at_event.at_ms) == ("paced", 1, 20.0)
    assert at_event.excerpt.startswith("id: 0\\ndata: {")
    assert at_field.excerpt == "cache-control: no-cache, no-transform"
    assert at_end.byte == len(seen.body)
    assert "889 bytes; the server ended it after 50 ms" in at_end.excerpt


def test_evidence_of_what_is_not_there_says_so() -> None:
    seen = view(answered=False, how="timeout", ended_at=5000.0, detail="nothing")

    assert seen.evidence("date").excerpt == "(no response head)"
    assert View(healthy()).evidence("x-none").excerpt == "(no x-none header field)"
    assert seen.evidence().excerpt == "(no response head); we stopped waiting after 5,000 ms"


def test_an_excerpt_is_one_short_line() -> None:
    assert excerpt("a\r\n\t\0\u2028\x1bé".encode() + b"\xff") == "a\\r\\n\\t\\x00\\u2028\\u001bé\\xff"
    assert excerpt(b"x" * (EXCERPT + 1)) == "x" * EXCERPT + "…"


def test_exchanges_are_found_by_role_and_facts() -> None:
    one, two = exchange(role="update", task_id="a"), exchange(role="update", task_id="b")
    seen = Seen.of([one, two, healthy()])

    assert [found.transcript for found in seen.role("update")] == [one, two]
    assert [found.transcript for found in seen.role("update", Facts(task_id="b"))] == [two]
    assert seen.role("update", Facts(task_id="b", canary="lf")) == ()
    assert seen.role("head") == ()


def test_streams_are_the_event_streams_that_ought_to_work() -> None:
    seen = Seen.of([healthy(), exchange(role="unknown-task"), exchange(status=500)])

    assert [found.transcript.role for found in seen.streams] == ["stream"]


def test_tasks_gather_their_streams() -> None:
    seen = Seen.of([healthy(task_id="a"), healthy(task_id="b"), healthy(task_id="a", joined="late"), exchange()])

    found = {task_id: len(views) for task_id, views in seen.tasks(lambda one: str(one.facts.task_id) in "ab")}

    assert found == {"a": 2, "b": 1}


def test_times_compare_across_exchanges() -> None:
    assert View(healthy(started_ms=EPOCH_MS + 7)).epoch_ms(3) == EPOCH_MS + 10
