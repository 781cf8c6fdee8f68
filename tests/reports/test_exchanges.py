"""What a finding shows of its exchange, and the commands that repeat it: exact, bounded, and free of secrets."""

import json
import shlex
import subprocess
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from ssegauge import reports
from ssegauge.reports import exchanges, repeat
from ssegauge.reports.folder import open_run
from tests.reports import factory


def written(folder: Path, lines: list[Any], *, chunk: int | None) -> exchanges.Exchange:
    """Return what is shown of a transcript of these lines for evidence in this chunk."""
    finding = factory.result("wire/x", "fail", evidence=[factory.evidence("x", chunk=chunk)])
    factory.write_run(folder, conformance=factory.conformance_document(results=[finding]))
    text = "".join(line if isinstance(line, str) else json.dumps(line) + "\n" for line in lines)
    (folder / "transcripts" / "happy-path.jsonl").write_text(text, "utf-8")
    return exchanges.exchanges(open_run(folder))[("happy-path", chunk)]


def test_the_window_stands_about_the_evidence_with_offsets_and_times(tmp_path: Path) -> None:
    opening, head, *_, end = factory.transcript_lines()
    many = [{"chunk": {"at_ms": float(number), "text": f"{number:04}\n"}} for number in range(100)]
    found = written(tmp_path, [opening, head, *many, end], chunk=50)
    assert [piece.text for piece in found.pieces] == [f"{number:04}\n" for number in range(45, 55)]
    assert [(piece.offset, piece.at_ms) for piece in found.pieces if piece.is_evidence] == [(250, 50.0)]
    assert (found.left_out, found.end) == (45, None)  # the end was not reached


def test_long_chunks_are_cut_and_bytes_that_are_no_text_are_escaped(tmp_path: Path) -> None:
    opening, head, *_ = factory.transcript_lines()
    found = written(
        tmp_path, [opening, head, {"chunk": {"at_ms": 1, "b64": "w6n/"}}, {"chunk": {"at_ms": 2, "text": "x" * 5000}}],
        chunk=0,
    )  # fmt: skip
    assert found.pieces[0].text == "é\\xff"
    assert found.pieces[1].rest == 5000 - exchanges.LONGEST_CHUNK


@pytest.mark.parametrize(
    "torn",
    ["", "{", "[]\n", '{"request": {"method": 1}}\n', '{"request": {"method": "GET", "url": "x", "headers": [1]}}\n'],
)
def test_a_transcript_that_is_none_shows_nothing_and_breaks_nothing(tmp_path: Path, torn: str) -> None:
    with pytest.raises(KeyError):
        written(tmp_path, [torn], chunk=0)
    assert "The exchange, as bytes" not in reports.build(tmp_path).html.read_text("utf-8")


def test_a_foreign_head_and_end_break_nothing(tmp_path: Path) -> None:
    opening, *_ = factory.transcript_lines()
    huge = {"end": {"at_ms": 10**400}}
    found = written(tmp_path, [opening, {"head": {"status": [1]}}, {"chunk": {"at_ms": "x", "b64": 5}}, huge], chunk=0)
    assert found.head is not None
    assert "The exchange, as bytes" in reports.build(tmp_path).html.read_text("utf-8")


def test_long_rows_are_not_held(tmp_path: Path) -> None:
    opening, *_ = factory.transcript_lines()
    row = {"chunk": {"at_ms": 1, "text": "x"}, "newer": [{}] * 200_000}
    tracemalloc.start()
    try:
        found = written(tmp_path, [opening, *[row] * 5], chunk=4)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(found.pieces) == 5
    assert peak < 40 << 20


def test_more_exchanges_than_a_report_shows_are_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchanges, "MOST_EXCHANGES", 1)
    findings = [factory.result("a/b", "fail", evidence=[factory.evidence("x", chunk=at)]) for at in (0, 1)]
    factory.write_run(tmp_path, conformance=factory.conformance_document(results=findings))
    assert exchanges.exchanges(open_run(tmp_path)).keys() == {("happy-path", 0)}
    monkeypatch.setattr(exchanges, "MOST_ASKED", 10)
    assert exchanges.exchanges(open_run(tmp_path)) == {}
    assert "The exchange is not shown here" in reports.build(tmp_path).html.read_text("utf-8")


def test_the_page_shows_both_commands_and_the_bytes(tmp_path: Path) -> None:
    page = reports.build(factory.write_run(tmp_path)).html.read_text("utf-8")
    assert "ssegauge check --target ssegauge.toml --only wire/invalid-utf8" in page
    assert "curl -iN -H &#39;a: b&#39; http://127.0.0.1:1/x" in page
    assert "The exchange, as bytes" in page


def test_what_was_found_under_load_is_repeated_by_the_same_load(tmp_path: Path) -> None:
    words = shlex.split("ssegauge load x.toml --users 50 -H 'A: [redacted]' --out d -q --junit=j --duration 3s")
    finding = {"rule": "wire/x", "level": "must", "summary": "Seen.", "streams": 3, "evidence": []}
    load = factory.load_document(conformance={"streams_judged": 3, "findings": [finding]})
    folder = factory.write_run(tmp_path, run=factory.run_document(command=words), conformance=None, load=load)
    told = 'ssegauge load x.toml --users 50 -H "A: ${SECRET}" --duration 3s'
    assert repeat.load_command(factory.run_document(command=words)) == told
    assert told.replace('"', "&#34;") in reports.build(folder).html.read_text("utf-8")


HOSTILE = "'; touch hit; $(touch hit) `touch hit` \"\\ é"


def words_of(command: str, cwd: Path, **environment: str) -> list[str]:
    """Return the words that a POSIX shell makes of a command."""
    script = command.replace("curl", "printf '%s\\n'", 1)
    done = subprocess.run(["/bin/sh", "-c", script], cwd=cwd, env=environment, capture_output=True, check=True)
    return done.stdout.decode().splitlines()


def test_curl_says_what_was_asked_and_no_secret_and_nothing_of_it_is_run(tmp_path: Path) -> None:
    request = {
        "method": "POST",
        "url": f"http://127.0.0.1:1/{HOSTILE}",
        "headers": [["Host", "x"], ["Authorization", f"Bearer [redacted]{HOSTILE}"], ["X", HOSTILE], ["Empty", ""]],
        "body": f'{{"key": "[redacted]{HOSTILE}"}}',
    }
    made = words_of(repeat.curl(request), tmp_path, AUTHORIZATION="t0p", SECRET="other")
    assert made == [
        *("-iN", "-H", f"Authorization: Bearer t0p{HOSTILE}", "-H", f"X: {HOSTILE}", "-H", "Empty;"),
        *("--data-raw", f'{{"key": "other{HOSTILE}"}}', f"http://127.0.0.1:1/{HOSTILE}"),
    ]
    assert list(tmp_path.iterdir()) == []


def test_the_check_is_repeated_with_what_said_the_target() -> None:
    command = (
        "ssegauge run x.toml --users 50 -H 'A: ${T}' --rate=5 --spawn 'node s.js' -k --out d -q --json '{\"a\": 1}'"
    )
    run = factory.run_document(command=shlex.split(command))
    found = shlex.split(repeat.check_command("wire/x", run))
    assert found == shlex.split(
        "ssegauge check x.toml -H 'A: ${T}' --spawn 'node s.js' -k --json '{\"a\": 1}' --only wire/x"
    )
