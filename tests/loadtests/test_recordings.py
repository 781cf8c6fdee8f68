"""Streams of a run that are recorded: what is waited for at its end is no part of them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from ssegauge.conformance.target import from_toml
from ssegauge.loadtests.running.node import recordings
from ssegauge.loadtests.running.node.recordings import Recordings
from ssegauge.loadtests.stream import clock

SECOND: int = 1_000_000_000
TARGET = """base_url = "http://127.0.0.1:1"
profile = "event-stream"
[stream]
path = "/"
[promises]
gap_s = 3.0
"""


@pytest.mark.parametrize(("event", "most"), [(b"data: %d\n\n", 1500), (b"data: %d " + b"x" * 900 + b"\n\n", 72)])
def test_so_many_small_events_are_kept_as_can_be_judged(event: bytes, most: int) -> None:
    """64 KiB of the smallest are 7,000, and 50 streams of them take minutes to judge, and hundreds of MiB."""
    kept, stream = Recordings(from_toml(TARGET)), cast("Any", SimpleNamespace(record=None))
    recording = kept.begin(stream, cast("Any", SimpleNamespace(method="GET", path="/", headers=())), 1)
    assert recording
    recording.take_head(clock.now(), 200, [("content-type", "text/event-stream")])
    for number in range(9000):
        recording.take_chunk(clock.now(), event % number)
    assert recording.is_full
    chunks = recording.transcript(recording._shelf.chunks()).chunks
    recording._shelf.close()
    assert most // 2 < len(chunks) <= most


@pytest.mark.parametrize("stopped", [True, False])
def test_what_is_waited_for_after_the_last_update_is_no_pause(
    monkeypatch: pytest.MonkeyPatch, *, stopped: bool
) -> None:
    now = [clock.now()]
    monkeypatch.setattr(recordings, "clock", SimpleNamespace(now=lambda: now[0]))
    kept, stream = Recordings(from_toml(TARGET)), cast("Any", SimpleNamespace(record=None))
    recording = kept.begin(stream, cast("Any", SimpleNamespace(method="GET", path="/", headers=())), 1)
    assert recording
    recording.take_head(now[0], 200, [("content-type", "text/event-stream")])
    for number in range(5):
        now[0] += SECOND
        recording.take_chunk(now[0], b"data: %d\n\n" % number)
    if stopped:
        kept.stop()
    now[0] += 8 * SECOND
    recording.take_chunk(now[0], b"data: late\n\n")
    kept.keep(recording, "closed")
    broken = {finding["rule"] for finding in kept.judged(set())["findings"]}
    assert ("liveness/gap-too-long" in broken) is not stopped
