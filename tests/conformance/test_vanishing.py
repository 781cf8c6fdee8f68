"""What a server keeps of clients that vanished, with real sockets: servers that give them up, and that never do."""

import asyncio
import socket
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from ssegauge.conformance.catalogue import PROBES
from ssegauge.conformance.judge import Result, judge
from ssegauge.conformance.play import Plan, play
from ssegauge.conformance.probes import hooks
from ssegauge.conformance.recording import reader
from ssegauge.conformance.recording.live import Recording
from ssegauge.conformance.target import Target, load_target
from ssegauge.reference_server.server import Profile, start

ROOT = Path(__file__).parents[2] / "reference_server"
VANISH = [one for one in PROBES if one.name == "vanish"]


async def looked_at(profile: Profile, faults: Sequence[str], promised_s: float) -> tuple[Result, Recording]:
    """Judge a server that gives up on clients after 0.5 s, and beats each 0.2 s."""
    async with start(faults, profile=profile, heartbeat=0.2, stall_s=0.5) as url:
        target = replace(load_target(str(ROOT / FILES[profile])), base_url=url)
        target = replace(target, promises=replace(target.promises, vanished_s=promised_s))
        recording = Recording()
        assert not (await play(target, recording, Plan.of(target, probes=VANISH))).of
        return result_of(target, recording), recording


def result_of(target: Target, recording: Recording) -> Result:
    results = judge(recording.transcripts, profile=target.profile, promises=target.promises, hooks=hooks(target))
    return next(one for one in results if one.rule.code == "cleanup/half-open-held")


FILES: dict[Profile, str] = {"task-progress": "ssegauge.toml", "event-stream": "feed/ssegauge.toml"}


@pytest.mark.usefixtures("may_vanish")
@pytest.mark.parametrize("profile", FILES)
def test_a_server_that_gives_up_on_them_passes(profile: Profile) -> None:
    result, _ = asyncio.run(looked_at(profile, (), 60.0))
    assert result.verdict == "pass", result


@pytest.mark.usefixtures("may_vanish")
def test_a_server_that_waits_for_them_is_told_what_it_holds() -> None:
    result, _ = asyncio.run(looked_at("event-stream", ["cleanup/half-open-held"], 2.0))
    assert result.verdict == "fail"
    assert "3 of 3 sockets are held" in result.summary
    assert "bytes unsent" in result.summary


def test_where_the_kernel_does_not_let_us_it_is_left_out_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: socket.socket) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(reader, "drop_all", refuse)
    result, recording = asyncio.run(looked_at("event-stream", (), 60.0))
    assert result.verdict == "not_observed"
    assert recording.notes == []  # a note would make the whole verdict "could not judge"
    assert [remark for remark in recording.remarks if "only root" in remark]


def test_elsewhere_it_is_not_observed() -> None:
    target = load_target("http://192.0.2.1/events")
    target = replace(target, promises=replace(target.promises, vanished_s=1.0))
    assert result_of(target, Recording()).verdict == "not_observed"
