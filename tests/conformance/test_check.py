"""What a check returns, raises and writes holds no secret, and nothing that was not looked at wholly passes."""

import json
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ssegauge.conformance import check as checking
from ssegauge.conformance.check import Options, check
from ssegauge.conformance.errors import CannotJudge
from ssegauge.conformance.play import Failures
from ssegauge.conformance.recording.live import Recording
from ssegauge.conformance.runfolder import RunFolder
from ssegauge.conformance.target import Observe, Target, from_toml
from ssegauge.reports import schema
from tests.cli.command import http, tcp_server
from tests.corpus.build import healthy

SECRET = 's3cret/"key'
TOML = """
base_url = "{url}"
profile = "event-stream"
[stream]
path = "/events"
headers = {{ X-Key = "${{KEY}}" }}
"""
WORDS = ["pass", "fail", "must", "wire", "content-type", "event-stream", "whatwg", "ssegauge", "response", "2025"]


def target_at(url: str, secret: str = SECRET) -> Target:
    return from_toml(TOML.format(url=url), environ={"KEY": secret})


def checked(target: Target, path: Path, *rules: str) -> tuple[dict[str, Any], list[str]]:
    return check(target, RunFolder.create(path, target, ["ssegauge"]), Options(quick=True, only=rules))


def written(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((path / "conformance.json").read_text(encoding="utf-8"))
    return found


def playing(monkeypatch: pytest.MonkeyPatch, then: Callable[[Recording], None]) -> Target:
    """Replace the probes by one healthy stream and what follows it."""

    async def play(_: Target, recording: Recording, *plan: Any, **options: Any) -> Failures:
        recording.add(healthy())
        then(recording)
        return Failures()

    monkeypatch.setattr(checking, "play", play)
    return target_at("http://127.0.0.1:1")


def test_what_is_returned_is_what_is_written_without_secrets(tmp_path: Path) -> None:
    head = f"Content-Type: text/html; key={SECRET}\r\nConnection: close"
    with tcp_server(http(b"<p>", head)) as url:
        made, _ = checked(target_at(url), tmp_path, "response/content-type")

    assert made == written(tmp_path)
    assert made["verdict"] == "fail"
    assert "[redacted]" in made["results"][0]["evidence"][0]["excerpt"]
    assert "s3cret" not in repr(made)


def test_why_nothing_could_be_judged_is_said_without_secrets(tmp_path: Path) -> None:
    with tcp_server(http(b"", "Content-Length: 0", f"404 no {SECRET}")) as url, pytest.raises(CannotJudge) as caught:
        checked(target_at(url), tmp_path)

    assert "404 no [redacted]; check base_url" in str(caught.value)


def test_a_process_that_is_none_is_told_and_nothing_passes(tmp_path: Path) -> None:
    gone = subprocess.Popen(["true"])
    gone.wait()
    with tcp_server(http(b"data: 1\n\n", "Content-Type: text/event-stream")) as url:
        target = replace(target_at(url), observe=Observe(pid=gone.pid))
        made, notes = checked(target, tmp_path, "response/status-not-200")

    assert made["verdict"] == "could_not_judge"
    assert notes[0].startswith(f"observe.pid = {gone.pid}: no such process")


def test_a_probe_that_was_stopped_is_told_and_nothing_passes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    target = playing(monkeypatch, lambda recording: recording.notes.append(f"paced stopped: 500 {SECRET}"))

    made, notes = checked(target, tmp_path, "wire")

    assert (made["verdict"], made["counts"]["fail"]) == ("could_not_judge", 0)
    assert made["notes"] == notes == ["paced stopped: 500 [redacted]"]
    schema.validate("conformance", written(tmp_path))


def test_an_interrupted_check_does_not_pass(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def interrupt(_: Recording) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        checked(playing(monkeypatch, interrupt), tmp_path, "wire")

    assert (written(tmp_path)["verdict"], written(tmp_path)["counts"]["fail"]) == ("could_not_judge", 0)


def test_a_whole_check_passes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    made, notes = checked(playing(monkeypatch, lambda _: None), tmp_path, "wire")

    assert (made["verdict"], notes, "notes" in made) == ("pass", [], False)


@pytest.mark.parametrize("word", WORDS)
def test_a_secret_that_is_a_word_of_ours_leaves_the_documents_whole(word: str, tmp_path: Path) -> None:
    with tcp_server(http(b"<p>", f"Content-Type: text/html; key={word}\r\nConnection: close")) as url:
        made, _ = checked(target_at(url, word), tmp_path, "response/content-type")

    schema.validate("conformance", made)
    schema.validate("run", run := json.loads((tmp_path / "run.json").read_text(encoding="utf-8")))
    assert run["target"]["stream"]["headers"]["X-Key"] == "[redacted]"
    assert f"key={word}" not in repr(made)
    for path in (tmp_path / "transcripts").iterdir():
        for line in path.read_text(encoding="utf-8").splitlines():
            schema.validate("transcript", json.loads(line))
