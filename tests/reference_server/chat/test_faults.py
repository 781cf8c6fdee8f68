"""Each fault of the chat server shows in what it sends, and the healthy server does not have it."""

from typing import Any

import pytest

from ssegauge.reference_server.chat.faults import registry
from ssegauge.reference_server.generation import faults
from tests.reference_server.chat.asking import deltas, stream
from tests.reference_server.proofs import SHORT_WHILE_S, Proofs, hangs, short_while

PROOFS = Proofs(profile="chat-completions", first_token=0, pace=0.001)
shows = PROOFS.of
DONE = b"data: [DONE]\n\n"


@pytest.fixture(autouse=True)
def _quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    """What takes seconds, so that people see it, takes less here."""
    monkeypatch.setattr(faults, "PAUSE_S", 1.5)


async def whole(site: Any) -> Any:
    """A stream that was read until its end, or until the marker."""
    return await (await stream(site)).until(lambda answer: answer.is_complete or answer.body.endswith(DONE))


@shows("end/marker-missing")
async def marker_is_missing(site: Any) -> bool:
    answer = await whole(site)
    return answer.is_complete and b"[DONE]" not in answer.body and b'"finish_reason":"stop"' in answer.body


@shows("end/marker-missing:open")
async def marker_is_missing_and_stream_open(site: Any) -> bool:
    answer = await (await stream(site)).until(lambda answer: b'"finish_reason":"stop"' in answer.body)
    return await hangs(answer.until(lambda answer: answer.is_complete)) and b"[DONE]" not in answer.body


@shows("wire/truncated-chunked-body")
async def answer_breaks_off(site: Any) -> bool:
    answer = await whole(site)
    return answer.at_end and not answer.is_complete and bool(answer.events)


@shows("end/open-after-marker")
async def stream_stays_open(site: Any) -> bool:
    answer = await (await stream(site)).saw(DONE)
    return await hangs(answer.until(lambda answer: answer.is_complete))


@shows("end/without-any-event")
async def nothing_is_answered(site: Any) -> bool:
    answer = await whole(site)
    return answer.is_complete and answer.status == 200 and answer.body == b""


@shows("wire/truncated-chunked-body:at-once")
async def nothing_is_answered_and_the_connection_closed(site: Any) -> bool:
    answer = await whole(site)
    return answer.at_end and not answer.is_complete and answer.body == b""


@shows("wire/two-values-in-one")
async def two_chunks_are_one_event(site: Any) -> bool:
    blocks = (await whole(site)).blocks
    return [block.count(b"data: ") for block in blocks].count(2) == 1


@shows("shape/unlike-the-others")
async def ping_is_empty(site: Any) -> bool:
    return b"event: ping\ndata: " in (await whole(site)).blocks


@shows("shape/unlike-the-others:text")
async def ping_is_no_json(site: Any) -> bool:
    return b"data: ping" in (await whole(site)).blocks


@shows("wire/replacement-character")
async def characters_are_cut(site: Any) -> bool:
    answer = await whole(site)
    return "\ufffd".encode() in answer.body and "\ufffd" in deltas(answer)


@shows("wire/twice-encoded")
async def text_is_encoded_twice(site: Any) -> bool:
    said = "".join(deltas(await whole(site)))
    return any("\u0080" <= char <= "\u009f" for char in said)  # later bytes of characters, which no text has


@shows("text/blanks-lost")
async def blanks_are_lost(site: Any) -> bool:
    return " " not in "".join(deltas(await whole(site)))


@shows("text/not-decoded")
async def blanks_are_marks(site: Any) -> bool:
    return "Ġ" in "".join(deltas(await whole(site)))


@shows("text/special-token")
async def end_of_the_turn_is_shown(site: Any) -> bool:
    return "".join(deltas(await whole(site))).endswith("<|im_end|>")


@shows("end/events-after-marker")
async def chunk_follows_the_marker(site: Any) -> bool:
    answer = await (await stream(site)).whole()
    return b"[DONE]" in answer.body and not answer.body.endswith(DONE)


@shows("end/events-after-marker:twice")
async def marker_comes_twice(site: Any) -> bool:
    return (await (await stream(site)).whole()).body.endswith(DONE + DONE)


@shows("liveness/first-event-late")
async def first_event_is_late(site: Any) -> bool:
    answer = await (await stream(site)).saw(b"200 OK")
    return await hangs(answer.until(lambda answer: b"assistant" in answer.body)) and (await answer.whole()).is_complete


@shows("liveness/gap-too-long")
async def answer_stalls(site: Any) -> bool:
    answer = await (await stream(site)).saw(b"data:", 4)
    is_stalled = await hangs(answer.saw(b"data:", 5))
    return is_stalled and (await answer.whole()).is_complete


async def first_waits(site: Any, served: int) -> bool:
    """Whether one more than are served at once gets no head before one of them is done."""
    slow = {"content": "Tell me of the sea.", "role": "user"}
    busy = [await (await stream(site, messages=[slow])).saw(b"200 OK") for _ in range(served)]
    waiting = await stream(site)
    is_held = await hangs(waiting.until(lambda answer: answer.raw))
    busy[0].cut()
    return is_held and (await waiting.until(lambda answer: b"\r\n\r\n" in answer.raw)).status == 200


@shows("capacity/serves-few-at-once", first_token=30)
async def third_waits(site: Any) -> bool:
    return await first_waits(site, 2)


@shows("capacity/serves-few-at-once:error", first_token=30)
async def second_is_told_an_error(site: Any) -> bool:
    slow = {"content": "Tell me of the sea.", "role": "user"}
    busy = await (await stream(site, messages=[slow])).saw(b"200 OK")
    other = await stream(site)
    is_refused = not await hangs(other.saw(b'"error"'))
    busy.cut()
    return is_refused


@pytest.mark.parametrize("code", PROOFS)
async def test_the_fault_shows_and_the_healthy_server_does_not_have_it(code: str, serving: Any) -> None:
    assert await PROOFS.hold(code, serving)


async def test_the_queueing_server_has_as_many_places_as_it_is_told(serving: Any) -> None:
    options = {"profile": "chat-completions", "first_token": 30, "slots": 3}
    short_while.set(SHORT_WHILE_S)
    async with serving("capacity/serves-few-at-once", **options) as site:
        assert await first_waits(site, 3)


async def test_a_spoiled_event_leaves_the_rest_alone(serving: Any) -> None:
    for code in ("shape/unlike-the-others", "shape/unlike-the-others:text"):
        async with serving(code, **PROOFS.settings) as site:
            answer = await whole(site)
            assert len(deltas(answer)) > 20
            assert answer.body.endswith(DONE)
            assert len({event["id"] for event in answer.events}) == 1


def test_every_fault_has_a_proof_and_says_what_it_does() -> None:
    """Those of the rules of chat completions are proven by these rules, in tests/test_matrix_generations.py."""
    assert {code for code in registry.codes() if not code.startswith("chat/")} == {*PROOFS}
    assert all(registry.about(code).endswith(".") for code in registry.codes())
