"""What curl captured, judged from standard input: how much is told, and the exit status."""

from pathlib import Path

import pytest

from tests.cli.command import ssegauge

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
GOOD = HEAD + b"data: 1\n\ndata: 2\n\n"
BROKEN = HEAD + b"data: \xff\n\n"


@pytest.mark.parametrize(
    ("words", "told", "untold"),
    [
        ((), ["Conformance: ✓ PASSED"], ["✓ passed  wire/invalid-utf8"]),
        (("--verbose",), ["✓ passed  wire/invalid-utf8  seen 1 x", "Conformance: ✓ PASSED"], []),
        (("--quiet",), ["WARNING  response/date-missing", "Exit status 0"], ["group", "✓ passed  wire/invalid-utf8"]),
    ],
)
def test_what_is_told_of_a_good_stream(words: tuple[str, ...], told: list[str], untold: list[str]) -> None:
    done = ssegauge("judge", "-", *words, cwd=Path(), stdin=GOOD)
    assert done.returncode == 0, done.stderr
    assert [text for text in told if text not in done.stdout] == []
    assert [text for text in untold if text in done.stdout] == []


def test_a_finding_is_told_even_quietly() -> None:
    done = ssegauge("judge", "-", "--quiet", cwd=Path(), stdin=BROKEN)
    assert done.returncode == 1, done.stderr
    assert "✗ FAILED  wire/invalid-utf8" in done.stdout
