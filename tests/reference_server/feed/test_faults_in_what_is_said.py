"""Faults of the feed that show in what its readers are told, and when."""

import asyncio
import zlib
from typing import Any

import pytest

from ssegauge.reference_server.feed.faults import delivery
from tests.reference_server.feed.following import TALKS, after_events, has, reading, texts, third, told
from tests.reference_server.proofs import Proofs, hangs

PROOFS = Proofs(profile="event-stream", pace=0)
shows = PROOFS.of
REPLACED = "\ufffd".encode()


@pytest.fixture(autouse=True)
def _quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    """What takes seconds, so that people see it, takes less here."""
    for name, seconds in {"HELD_S": 0.3, "BATCH_S": 0.3, "LATE_S": 1.5, "QUIET_S": 0.3}.items():
        monkeypatch.setattr(delivery, name, seconds)


@shows("delivery/readers-differ")
async def events_reach_one_reader_only(site: Any) -> bool:
    streams = [await reading(site) for _ in range(2)]
    await told(site, "a", "b", "c", "d")
    for stream in streams:
        await stream.until(lambda answer: len(texts(answer)) == 4 or texts(answer)[1:] in (["c"], ["d"]))
    return sorted(text for stream in streams for text in texts(stream)) == ["a", "b", "c", "d"]


@shows("delivery/readers-differ:every-tenth")
async def second_reader_misses_the_tenth(site: Any) -> bool:
    streams = [await reading(site) for _ in range(2)]
    await told(site, *map(str, range(11)))
    first, second = [texts(await stream.until(has("10"))) for stream in streams]
    return len(first) == 11 and "9" not in second


@shows("delivery/told-twice")
async def each_event_comes_twice(site: Any) -> bool:
    stream = await reading(site)
    await told(site, "a", "b")
    return texts(await stream.until(lambda answer: texts(answer).count("b") > 0)) in (list("aab"), list("aabb"))


@shows("security/told-to-others")
async def inboxes_are_overheard(site: Any) -> bool:
    inbox = await site.inbox()
    stream = await reading(site)
    await site.publish("mine", inbox)
    await told(site, "a")
    return "mine" in texts(await stream.until(has("a")))


@shows("delivery/update-lost")
async def every_second_update_is_lost(site: Any) -> bool:
    stream = await reading(site)
    await told(site, "a", "b", "c", "d")
    return texts(await stream.until(has("d"))) == ["b", "d"]


@shows("delivery/update-lost:all")
async def every_update_is_lost(site: Any) -> bool:
    stream = await reading(site)
    answer = await site.publish("a")
    return answer.status == 202 and await hangs(stream.until(has("a")))


@shows("delivery/update-lost:after-quiet")
async def update_after_a_quiet_is_lost(site: Any) -> bool:
    stream = await reading(site)
    await told(site, "a")
    await stream.until(has("a"))
    await asyncio.sleep(1.5 * delivery.QUIET_S)
    await told(site, "b")
    newcomer = await reading(site)
    await told(site, "c")
    return texts(await newcomer.until(has("c"))) == ["c"] and await hangs(stream.until(has("c")))


@shows("delivery/text-altered")
async def letters_become_question_marks(site: Any) -> bool:
    stream = await reading(site)
    await told(site, "é Ж 中", "a")
    return texts(await stream.until(has("a"))) == ["é ? ?", "a"]


@shows("delivery/text-altered:lines")
async def a_form_feed_becomes_a_line_end(site: Any) -> bool:
    stream = await reading(site)
    await told(site, "1\f2", "a")
    return texts(await stream.until(has("a"))) == ["1\n2", "a"]


@shows("delivery/update-lost:large")
async def large_update_is_lost(site: Any) -> bool:
    stream = await reading(site)
    await told(site, "x" * (delivery.MOST_QUEUED + 1), "a")
    return texts(await stream.until(has("a"))) == ["a"]


@shows("delivery/update-duplicated")
async def update_comes_twice(site: Any) -> bool:
    stream = await reading(site)
    await told(site, "a", "b")
    return texts(await stream.until(has("b"))).count("a") == 2


@shows("delivery/update-late")
async def update_is_late(site: Any) -> bool:
    stream = await reading(site)
    await told(site, "a")
    is_late = await hangs(stream.until(has("a")))
    await stream.until(has("a"), 20)
    return is_late


@shows("delivery/update-reordered")
async def second_update_overtakes(site: Any) -> bool:
    stream = await reading(site)
    await told(site, "a", "b")
    await stream.until(lambda answer: len(texts(answer)) == 2)
    await told(site, "c")
    return texts(await stream.until(has("c"))) == ["b", "a", "c"]


@shows("delivery/batched")
async def updates_come_at_once(site: Any) -> bool:
    stream = await reading(site)
    await told(site, "a", "b")
    await stream.until(has("b"), 20)
    return any(b'"a"' in chunk and b'"b"' in chunk for chunk in stream.chunks)


@shows("delivery/held-to-the-end", pace=TALKS)
async def head_comes_with_the_body(site: Any) -> bool:
    stream = await (await site.follow()).until(lambda answer: answer.raw, 20)
    await stream.until(after_events(3), 20)
    return stream.is_complete and stream.chunks[0].count(b"data:") == stream.body.count(b"data:") > 1


@shows("delivery/held-to-the-end:head-first", pace=TALKS)
async def body_comes_in_one_piece(site: Any) -> bool:
    stream = await (await site.follow()).until(lambda answer: answer.raw)
    is_held = await hangs(stream.until(lambda answer: answer.chunks, 0.1))
    await stream.until(after_events(30), 20)
    return is_held and stream.is_complete and stream.chunks[0].count(b"data:") == stream.body.count(b"data:") > 1


@shows("delivery/one-event-late")
async def event_comes_with_the_next(site: Any) -> bool:
    stream = await reading(site)
    await told(site, "a")
    is_held = await hangs(stream.until(has("a")))
    await told(site, "b")
    return is_held and texts(await stream.until(has("a"))) == ["a"]


def plain(answer: Any) -> bytes:
    return zlib.decompressobj(31).decompress(answer.body) if b"gzip" in answer.head else answer.body


@shows("delivery/held-by-compression")
async def compressor_holds(site: Any) -> bool:
    stream = await reading(site, Accept_Encoding="gzip")
    await told(site, "a")
    return await hangs(stream.until(lambda answer: b'"a"' in plain(answer)))


@shows("response/not-in-its-coding")
async def coding_is_not_applied(site: Any) -> bool:
    stream = await reading(site, Accept_Encoding="gzip")
    await stream.until(lambda answer: answer.body)
    return stream.fields["content-encoding"] == "gzip" and not stream.body.startswith(b"\x1f\x8b")


@shows("response/unasked-coding")
async def coding_is_not_asked_for(site: Any) -> bool:
    answers = [
        await reading(site),
        await reading(site, Accept_Encoding="gzip;q=0"),
        await reading(site, Accept_Encoding="br"),
    ]
    return all(answer.fields.get("content-encoding") == "gzip" for answer in answers)


@shows("wire/two-values-in-one")
async def two_events_are_one(site: Any) -> bool:
    event = (await third(site)).partition(b"\n\n")[0]
    return b'"c"' in event and b'"d"' in event and event.count(b"data: {") == 2


@shows("wire/unprefixed-data:text")
async def text_line_has_no_name(site: Any) -> bool:
    return (
        (await third(site)).partition(b"\n\n")[0].endswith(b"data: The ferry leaves at five\nand the tide turns at six")
    )


@shows("wire/unprefixed-data")
async def json_lines_have_no_name(site: Any) -> bool:
    return b"data: {\n  " in await third(site)


@shows("wire/replacement-character")
async def character_is_cut(site: Any) -> bool:
    stream = await reading(site)
    await told(site, "plain", "Grüße, 東京", "end")
    body = (await stream.until(has("end"))).body
    return REPLACED in body and "Gr\ufffd" in texts(stream)[1] and texts(stream)[0] == "plain"


@shows("shape/breaks-schema")
async def time_is_text(site: Any) -> bool:
    stream = await reading(site)
    await told(site, "a", "b", "c")
    return isinstance((await stream.until(has("c"))).events[2]["at"], str)


@shows("shape/unlike-the-others")
async def one_payload_is_empty(site: Any) -> bool:
    return b"}\n\ndata: \n\n" in await third(site)


@shows("shape/unlike-the-others:text")
async def one_payload_is_no_json(site: Any) -> bool:
    return b"}\n\ndata: ping\n\n" in await third(site)


@shows("shape/json-rpc-response")
async def an_event_is_a_result_and_an_error(site: Any) -> bool:
    stream = await reading(site)
    await told(site, "a")
    (event,) = (await stream.until(after_events(1))).events
    return {"result", "error"} <= event.keys()


@shows("shape/name-missing")
async def one_event_has_no_name(site: Any) -> bool:
    stream = await reading(site)
    await told(site, *"abcdefg")
    blocks = (await stream.until(has("g"))).body.split(b"\n\n")
    return [b"event: said" in block for block in blocks if b"data:" in block] == [True] * 6 + [False]


@shows("shape/misencoded")
async def one_payload_is_what_javascript_shows(site: Any) -> bool:
    return b"data: [object Object]\n\n" in await third(site)


@shows("shape/misencoded:twice")
async def one_payload_is_framed_twice(site: Any) -> bool:
    return b"\ndata: data: {" in await third(site)


@shows("shape/misencoded:python")
async def one_payload_is_what_python_shows(site: Any) -> bool:
    return b"\ndata: {'" in await third(site)


@shows("resume/id-taken-back")
async def an_event_has_an_id_without_a_value(site: Any) -> bool:
    return b"\n\nid:\n" in await third(site)


@shows("resume/ids-repeated")
async def two_events_have_one_id(site: Any) -> bool:
    stream = await reading(site)
    await told(site, "a", "b", "c", "d")
    ids = (await stream.until(has("d"))).ids
    return bool(ids[1] == ids[2])


@shows("resume/ids-repeated:same-event")
async def one_event_comes_twice(site: Any) -> bool:
    stream = await reading(site)
    await told(site, "a", "b", "c", "d")
    ids = (await stream.until(has("d"))).ids
    return texts(stream) == ["a", "b", "c", "c", "d"] and ids[2] == ids[3]


async def coming_back(site: Any, last_event_id: str | None = None) -> Any:
    """The texts that one is told who has the first of three events, and stays for a fourth."""
    ids = await told(site, "a", "b", "c")
    stream = await reading(site, Last_Event_ID=ids[0] if last_event_id is None else last_event_id)
    await told(site, "d")
    return await stream.until(has("d"))


@shows("resume/duplicate-on-resume")
async def named_event_comes_again(site: Any) -> bool:
    return texts(await coming_back(site)) == ["a", "b", "c", "d"]


@shows("resume/gap-on-resume")
async def nothing_is_replayed(site: Any) -> bool:
    return texts(await coming_back(site)) == ["d"]


@shows("resume/out-of-order")
async def newest_comes_first(site: Any) -> bool:
    return texts(await coming_back(site)) == ["c", "b", "d"]


@shows("resume/events-lost-on-resume")
async def first_is_skipped(site: Any) -> bool:
    return texts(await coming_back(site)) == ["c", "d"]


@shows("resume/begins-anew")
async def everything_is_replayed(site: Any) -> bool:
    return texts(await coming_back(site, "")) == ["a", "b", "c", "d"]


@shows("resume/replays-without-ids")
async def replay_has_no_ids(site: Any) -> bool:
    stream = await coming_back(site, "")
    return texts(stream) == ["a", "b", "c", "d"] and stream.ids == []


@shows("resume/known-id-silenced", heartbeat=0.1)
async def known_id_silences(site: Any) -> bool:
    (known,) = await told(site, "a")
    stream = await reading(site, Last_Event_ID=known)
    await told(site, "b")
    return await hangs(stream.until(has("b"))) and b"keep-alive" in stream.body


@shows("resume/unknown-id-silenced", heartbeat=0.1)
async def unknown_id_silences(site: Any) -> bool:
    streams = [await reading(site, Last_Event_ID=text) for text in ("99999999999999", "1", "garbage")]
    await told(site, "a")
    return all([await hangs(stream.until(has("a"))) and b"keep-alive" in stream.body for stream in streams])


async def status_for_unknown(site: Any) -> set[int]:
    answers = [await site.follow(Last_Event_ID=text) for text in ("99999999999999", "1", "garbage")]
    return {(await answer.until(lambda answer: b"\r\n\r\n" in answer.raw)).status for answer in answers}


@shows("resume/unknown-id-refused")
async def unknown_id_is_refused(site: Any) -> bool:
    return await status_for_unknown(site) == {409}


@shows("resume/unknown-id-refused:500")
async def unknown_id_fails(site: Any) -> bool:
    return await status_for_unknown(site) == {500}


def injecting(text: str, written: str) -> Any:
    async def text_breaks_out(site: Any) -> bool:
        stream = await reading(site)
        await told(site, f"a{text}data: b", "end")
        return f"a{written}data: b".encode() in (await stream.until(has("end"))).body

    return text_breaks_out


for code, text, written in (
    ("lf", "\n", "\n"),
    ("cr", "\r", "\r"),
    ("crlf", "\r\n", "\r\n"),
    ("separator", "\u2028", "\ndata: "),
    ("nul", "\0", "\0"),
    ("quote", '"', '"'),
):
    shows(f"security/injection-{code}")(injecting(text, written))


@pytest.mark.parametrize("code", PROOFS)
async def test_the_fault_shows_and_the_healthy_feed_does_not_have_it(code: str, serving: Any) -> None:
    assert await PROOFS.hold(code, serving)
