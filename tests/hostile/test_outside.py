"""Whatever comes from outside ends in one line that says what is wrong: files, disks, terminals, the environment."""

import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ssegauge.conformance.check import read_baseline
from ssegauge.conformance.errors import CannotJudge
from ssegauge.conformance.recording.capture import load, read
from ssegauge.conformance.recording.files import Disk, RowFile
from ssegauge.conformance.recording.redaction import Redactor
from ssegauge.conformance.target import from_toml
from tests.cli.command import http, tcp_server
from tests.conformance.test_transcript import OPENING
from tests.hostile.command import MAIN, run

pytestmark = pytest.mark.timeout(600)
MIB = 1 << 20
STREAM = "Content-Type: text/event-stream\r\nConnection: close"
TARGET = 'base_url = "http://127.0.0.1:1"\n[stream]\npath = "/"\n'
NO_JSON = ["2026-01-01", "[12:00:00]", "{a = 2026-01-01T00:00:00}", "{a = nan}", "[[-inf]]"]


@pytest.mark.parametrize("value", NO_JSON)
def test_toml_has_values_that_json_has_not(value: str) -> None:
    with pytest.raises(CannotJudge, match=r"ssegauge.toml:4: stream.json = .* is not JSON"):
        from_toml(f"{TARGET}json = {value}\n")


def test_a_number_as_a_header_fields_name_is_one() -> None:
    assert from_toml(f'{TARGET}headers = {{ 5 = "x" }}\n').stream.headers == {"5": "x"}


@pytest.mark.parametrize("number", ["1e300", "99999999999999999999999"])
def test_numbers_that_no_clock_takes(number: str) -> None:
    with pytest.raises(CannotJudge, match="is not a number"):
        from_toml(f"{TARGET}[limits]\nconnect_s = {number}\n")


ODD_BASELINES: dict[str, Callable[[Path], object]] = {
    "a folder": lambda path: path.mkdir(),
    "bytes": lambda path: path.write_bytes(b"\xff\xfe\0"),
    "endless": lambda path: path.symlink_to("/dev/zero"),
    "unknown codes": lambda path: path.write_text("wire/nothing\n"),
    "not there": lambda path: path.unlink(missing_ok=True),
    "a loop": lambda path: path.symlink_to(path),
}


@pytest.mark.parametrize("make", ODD_BASELINES.values(), ids=ODD_BASELINES)
def test_a_baseline_that_is_none(make: Callable[[Path], object], tmp_path: Path) -> None:
    make(tmp_path / "known.txt")
    with pytest.raises(CannotJudge) as caught:
        read_baseline(tmp_path / "known.txt")
    assert "\n" not in str(caught.value)


RECORDED: dict[str, bytes] = {
    "one line without end": b"x" * (20 * MIB),
    "a row without end": OPENING.encode() + b'\n{"chunk":' + b"x" * (20 * MIB),
    "deep JSON": OPENING.encode() + b"\n" + b"[" * MIB + b"\n{}\n",
    "blank lines": b"\n" * (20 * MIB),
    "the opening row again": (OPENING + "\n").encode() * 2000,
    "another's times": OPENING.encode() + b'\n{"chunk":{"at_ms":"x","text":""}}\n',
    "times past any": OPENING.encode() + b'\n{"chunk":{"at_ms":1e999,"text":""}}\n',
    "not UTF-8": OPENING.encode() + b'\n{"chunk":{"at_ms":1,"text":"\xff"}}\n{}\n',
    "a text of numbers": OPENING.encode() + b'\n{"chunk":{"at_ms":1,"text":7}}\n',
    "a head without end": b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * MIB,
    "10,000 heads": b"HTTP/1.1 103 Hints\r\n\r\n" * 10_000,
    "an image": b"\x89PNG\r\n\x1a\n" + bytes(MIB),
}


@pytest.mark.parametrize("raw", RECORDED.values(), ids=RECORDED)
def test_a_recording_that_is_none(raw: bytes, tmp_path: Path) -> None:
    file = tmp_path / "recorded"
    file.write_bytes(raw)
    try:
        read(str(file))
    except CannotJudge as error:
        assert "\n" not in str(error)  # noqa: PT017 - some of them hold a stream, if a strange one


def test_a_run_folder_that_changes_while_it_is_read(tmp_path: Path) -> None:
    with pytest.raises(CannotJudge, match="was the run folder changed meanwhile"):
        load(tmp_path / "gone.jsonl")
    (tmp_path / "here.jsonl").mkdir()
    with pytest.raises(CannotJudge, match="Is a directory"):
        read(str(tmp_path))


BIG = {
    "tiny events": b"data: 1\n\n",
    "wide events": b"data: \xf0\x9f\x98\x80" + b"x" * 900_000 + b"\n\n",
    "lists in JSON": b"data: [" + b"[]," * 200_000 + b"1]\n\n",
    "one line": b"x" * 4096,
    "comments": b":\n",
}


@pytest.mark.hostile
@pytest.mark.parametrize("piece", BIG.values(), ids=BIG)
def test_a_large_capture_is_judged_in_bounded_memory(piece: bytes, tmp_path: Path) -> None:
    file = tmp_path / "big"
    with file.open("wb") as out:
        for _ in range(80):
            out.write(piece * (MIB // len(piece) or 1))
        out.truncate(2 << 30)  # zeros, which take no room on the disk
    done = run("judge", "big", "--quiet", cwd=tmp_path)
    assert done.status in {1, 2}, done.said
    assert "Traceback" not in done.said
    assert 0 < done.peak_mib < 400


def test_a_large_transcript_is_judged_in_bounded_memory(tmp_path: Path) -> None:
    row = json.dumps({"chunk": {"at_ms": 1.0, "text": "data: 1\n\n" * 5000}})
    with (tmp_path / "big.jsonl").open("w") as out:
        out.write(OPENING + "\n")
        for _ in range(3000):
            out.write(row + "\n")
    done = run("judge", "big.jsonl", cwd=tmp_path)
    assert done.status in {1, 2}, done.said
    assert "judged in part" in done.said
    assert 0 < done.peak_mib < 400


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp437", "utf-8"])
def test_a_terminal_of_any_encoding(encoding: str, tmp_path: Path) -> None:
    (tmp_path / "seen").write_bytes(
        b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: \xff \xe2\x82\xac\n\n"
    )
    done = run("judge", "seen", cwd=tmp_path, PYTHONIOENCODING=encoding, LANG="C", LC_ALL="C", PYTHONUTF8="0")
    assert done.status == 1, done.said
    assert "Traceback" not in done.said
    assert "FAILED  wire/invalid-utf8" in done.said


def test_a_disk_that_is_full_ends_the_writing_alone(tmp_path: Path) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    disk = Disk(tmp_path / "transcripts", Redactor())
    file = RowFile(disk, "x")
    file.write({"chunk": {"at_ms": 1.0, "text": "whole"}})
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, limits[1]))
        file.write({"chunk": {"at_ms": 1.0, "text": "x" * 1000}})
        file.write({"chunk": {"at_ms": 2.0, "text": "y"}})
        file.close()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert "File too large; give the run folder room" in disk.failed
    assert (tmp_path / "transcripts" / "x.jsonl").read_text().startswith('{"chunk":{"at_ms":1.0,"text":"whole"}}\n')


AMPLE_KIB = 2000


@pytest.mark.parametrize("room_kib", [0, 2, 12, AMPLE_KIB])
def test_a_disk_that_fills_in_any_phase(room_kib: int, tmp_path: Path) -> None:
    """No file may grow past a size: the first document, a transcript, the last document, the report."""
    body = b"".join(b"data: %d\n\n" % number for number in range(800))
    limit = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({room_kib << 10},) * 2)\n"
    code = MAIN.replace("atexit.register(peak)", "")
    with tcp_server(http(body, STREAM)) as url:
        done = subprocess.run(
            [sys.executable, "-c", limit + code, "check", url, "--quick", "--out", "run"],
            cwd=tmp_path,
            env={**os.environ, "PEAK_FILE": "", "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            timeout=500,
            check=False,
        )
    assert "Traceback" not in done.stderr
    if room_kib == AMPLE_KIB:
        assert done.returncode in {0, 1}, done.stderr
        return
    assert done.returncode == 2, done.stdout + done.stderr
    assert "File too large" in done.stderr
    if room_kib:
        assert json.loads((tmp_path / "run" / "run.json").read_text())["started"]
    if room_kib > 2:
        assert read(str(tmp_path / "run")).transcripts
