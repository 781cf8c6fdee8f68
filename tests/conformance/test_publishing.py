"""What is published and refused proves nothing, and is told."""

from ssegauge.conformance.catalogue import PROBES, RULES
from ssegauge.conformance.judge import judge
from ssegauge.conformance.play import Plan, play
from ssegauge.conformance.recording.live import Recording
from ssegauge.conformance.target import Call, Promises, Target
from ssegauge.reference_server import start

INJECTION = {code: rule for code, rule in RULES.items() if code.startswith("security/injection-")}


async def watched_and_quiet(*faults: str, pace: float) -> tuple[set[str], set[str]]:
    """Watch a feed beside others that publish; return the probes that were played, and what was found of silence."""
    names = {"watch", "published", "steady", "quiet"}
    probes = [one for one in PROBES if one.name in names]
    async with start(faults, profile="event-stream", pace=pace, heartbeat=0.6) as url:
        publish = Call("/publish", "POST", json={"text": "{marker}"})
        promises = Promises(heartbeat_s=1.2)
        target = Target(url, Call("/events", "GET"), "event-stream", publish=publish, promises=promises)
        recording = Recording()
        await play(target, recording, Plan.of(target, probes=probes))
    silence = {code: rule for code, rule in RULES.items() if code == "liveness/heartbeat-missing"}
    found = judge(recording.transcripts, rules=silence, profile="event-stream", promises=promises)
    return {one.probe for one in recording.transcripts} & names, {one.verdict for one in found}


async def test_silence_that_what_was_published_has_hidden_is_seen_when_nothing_is() -> None:
    played, verdicts = await watched_and_quiet("liveness/heartbeat-missing", pace=0)
    assert ("quiet" in played, verdicts) == (True, {"fail"})


async def test_a_stream_that_speaks_by_itself_is_read_no_second_time() -> None:
    played, verdicts = await watched_and_quiet(pace=0.2)
    assert ("quiet" in played, verdicts) == (False, {"pass"})


async def published_at(path: str) -> tuple[list[str], set[str]]:
    """Publish texts that try to break the framing of the feed; return the notes and the verdicts on the framing."""
    probes = [one for one in PROBES if one.name == "canaries"]
    async with start((), profile="event-stream") as url:
        publish = Call(path, "POST", json={"text": "{marker}"})
        target = Target(url, Call("/events", "GET"), "event-stream", publish=publish)
        recording = Recording()
        failures = await play(target, recording, Plan.of(target, probes=probes))
    assert not failures.of
    results = judge(recording.transcripts, rules=INJECTION, profile="event-stream")
    return recording.notes, {one.verdict for one in results}


async def test_texts_that_come_back_in_one_piece_pass() -> None:
    assert await published_at("/publish") == ([], {"pass"})


async def test_where_publishing_is_refused_nothing_passes() -> None:
    (note,), verdicts = await published_at("/nowhere")

    assert note.startswith("canaries stopped: POST http://127.0.0.1:")
    assert note.endswith("/nowhere was answered 404; mend [publish]")
    assert verdicts == {"not_observed"}
