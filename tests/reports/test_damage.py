"""Run folders that are damaged, foreign, hostile or huge: a report, or one line; no traceback, not much memory."""

import json
import os
import random
import shutil
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ssegauge.reports import BadRunFolder, build, write_junit, write_sarif
from ssegauge.reports.cli import compared
from tests.cli.command import ssegauge
from tests.reports import factory, hostile

MEMORY_MIB = 400
DEEP = "[" * 100_000
DEEP_TARGET = ', "target": {"x": ' + "[" * 900 + "]" * 900 + "}}"
MANY = [{"rule": 1}] * 500_000
NO_NAME = json.dumps(factory.load_document()).replace("idle-1", "\\ud800")
ODD: list[Any] = [
    *(None, True, -1, 0, 1e308, -1e308, 2**63, 10**400, "", hostile.EVERYTHING, [], {}, [[]], {"": []}),
    *("9999-99-99T99:99:99Z", "2025-01-01T00:00:00", "x" * 10_000, "\ud800"),
]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return factory.write_run(tmp_path_factory.mktemp("whole") / "run", samples=factory.samples_frame(rate=20))


def told(use: Callable[[], object]) -> str:
    """Return the one line that a use of a run folder ends in, or nothing."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            use()
        except BadRunFolder as error:
            line = str(error)
            assert "\n" not in line
            line.encode()
            return line
    return ""


def use_all(folder: Path, other: Path) -> None:
    """Use the folder in every way: it is reported or refused in one line, and compared or refused."""
    told(lambda: build(folder))
    told(lambda: write_junit(folder, folder / "out.xml"))
    told(lambda: write_sarif(folder, folder / "out.sarif"))
    told(lambda: compared([other], [folder], tolerance=0.05))
    told(lambda: compared([folder], [other], tolerance=0.05))


def damaged(content: bytes, draw: random.Random) -> bytes:
    """Cut, flip, repeat or replace some bytes."""
    at = draw.randrange(len(content) + 1)
    junk = draw.randbytes(draw.randint(1, 16))
    return draw.choice(
        [
            content[:at],
            content[at:],
            content[:at] + junk + content[at + len(junk) :],
            content[:at] + junk + content[at:],
            content[:at] + content[at : at + 64] * 50 + content[at:],
        ]
    )


def places(value: Any) -> list[tuple[Any, Any]]:
    """Return (container, key) of everything in a document."""
    pairs = list(value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ())
    return [*((value, key) for key, _ in pairs), *(place for _, inner in pairs for place in places(inner))]


def changed(text: str, draw: random.Random) -> str:
    """Put something odd in one to three places of a document."""
    document = json.loads(text)
    for _ in range(draw.randint(1, 3)):
        container, key = draw.choice(places(document))
        container[key] = draw.choice(ODD)
    return json.dumps(document)


FUZZ = settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@FUZZ
@given(seed=st.integers(0, 2**32))
def test_documents_with_odd_values(seed: int, whole: Path, tmp_path: Path) -> None:
    draw = random.Random(seed)
    folder = shutil.copytree(whole, tmp_path / "run", dirs_exist_ok=True)
    path = folder / f"{draw.choice(['run', 'conformance', 'load'])}.json"
    path.write_text(changed((whole / path.name).read_text(), draw))
    use_all(folder, whole)


@FUZZ
@given(seed=st.integers(0, 2**32))
def test_files_with_damaged_bytes(seed: int, whole: Path, tmp_path: Path) -> None:
    draw = random.Random(seed)
    folder = shutil.copytree(whole, tmp_path / "run", dirs_exist_ok=True)
    files = sorted(path for path in folder.rglob("*") if path.suffix in {".json", ".parquet"})
    path = draw.choice(files)
    path.write_bytes(damaged(path.read_bytes(), draw))
    use_all(folder, whole)


def part(folder: Path, **columns: Any) -> Path:
    """Write a part with some columns of another content."""
    rows = len(next(iter(columns.values())))
    table = factory.samples_frame().iloc[:rows].assign(**columns)
    (folder / "samples").mkdir(exist_ok=True)
    pq.write_table(
        pa.Table.from_pandas(table, factory.SAMPLES_SCHEMA, preserve_index=False), folder / "samples/9.parquet"
    )
    return folder


@pytest.mark.parametrize("column", ["at_ms", "value"])
@pytest.mark.parametrize("number", [np.inf, -np.inf, 1e300, None])
def test_times_that_cannot_be_leave_the_part_out_by_name(
    column: str, number: float | None, whole: Path, tmp_path: Path
) -> None:
    folder = part(shutil.copytree(whole, tmp_path / "run"), **{column: [number] * 10})
    assert build(folder).unreadable == ("9.parquet",)
    assert "9.parquet" in told(lambda: compared([whole], [folder], tolerance=0.05))


def test_a_damaged_part_ends_the_command_in_one_line(whole: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(whole, tmp_path / "run")
    content = (folder / "samples" / "000000.parquet").read_bytes()
    (folder / "samples" / "000000.parquet").write_bytes(content[:200] + b"\xff" * 400 + content[600:])
    for words in (("report", "run"), ("compare", str(whole), "run")):
        done = ssegauge(*words, cwd=tmp_path)
        assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
        assert "000000.parquet" in done.stderr


def _pipe(folder: Path) -> None:
    os.mkfifo(folder / "load.json")


def _text(name: str, text: str) -> Callable[[Path], None]:
    return lambda folder: bool((folder / name).write_text(text)) or None


def _bomb(folder: Path) -> None:
    """Rows without end in a few KiB: one value, run-length encoded."""
    many = 21_000_000
    table = pa.table(
        {
            name: pa.repeat(pa.scalar(value, kind), many)
            for name, kind, value in (
                ("at_ms", pa.float64(), 1.0),
                ("kind", pa.string(), "update"),
                ("stream", pa.int32(), 1),
                ("value", pa.float64(), 1.0),
                ("delay_ms", pa.float32(), 1.0),
                ("phase", pa.string(), ""),
            )
        }
    )
    (folder / "samples").mkdir(exist_ok=True)
    pq.write_table(table, folder / "samples" / "bomb.parquet", compression="zstd")


def _newer(folder: Path) -> None:
    """What this version does not know, in each document as much as fits in it."""
    for name in ("run", "conformance", "load"):
        text = json.dumps(getattr(factory, f"{name}_document")())
        (folder / f"{name}.json").write_text(text[:-1] + ', "newer": [' + '{"":[[]]},' * 700_000 + "0]}")


def _long_rows(folder: Path) -> None:
    part(folder, phase=["x" * 30_000_000, *["y"] * 9])


HOSTILE: dict[str, Callable[[Path], None]] = {
    "deep JSON": _text("conformance.json", DEEP),
    "deep JSON in a free place": _text("run.json", json.dumps(factory.run_document())[:-1] + DEEP_TARGET),
    "huge JSON": _text("conformance.json", "[" + "[]," * 20_000_000 + "[]]"),
    "many small things": _text("conformance.json", json.dumps(factory.conformance_document() | {"results": MANY})),
    "many things of a newer version": _newer,
    "a pipe": _pipe,
    "rows without end": _bomb,
    "rows longer than a sample": _long_rows,
    "a number of many digits": _text("load.json", '{"users": ' + "9" * 1_000_000 + "}"),
    "no JSON numbers": _text("load.json", '{"users": NaN}'),
    "a newer schema": _text("load.json", '{"schema": "ssegauge/load/9"}'),
    "a phase whose name is no text": _text("load.json", NO_NAME),
    "a folder as a document": lambda folder: (folder / "load.json").mkdir(),
    "a foreign folder": lambda folder: (folder / "run.json").rename(folder / "package.json"),
}  # fmt: skip
# The process's own peak, in KiB; that of getrusage is its parent's where that was more.
PEAK = "lambda: print(re.search(r'VmHWM:\\s*(\\d+)', open('/proc/self/status').read())[1], file=sys.stderr)"
COMMAND = f"import atexit, re, sys; atexit.register({PEAK}); from ssegauge.cli import main; main()"


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_folder_is_one_line_and_little_memory(case: str, whole: Path, tmp_path: Path) -> None:
    folder = factory.write_run(tmp_path / "run", load=None, conformance=None)
    HOSTILE[case](folder)
    for words in (("report", "run"), ("compare", str(whole), "run")):
        line = [sys.executable, "-c", COMMAND, *words]
        done = subprocess.run(line, cwd=tmp_path, capture_output=True, text=True, timeout=100, check=False)
        *lines, peak = done.stderr.splitlines()
        assert (done.returncode, len(lines)) == (2, 1), done.stderr[-2000:]
        assert int(peak) >> 10 < MEMORY_MIB


def test_a_folder_that_is_emptied_while_it_is_read(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when the run in it ends, and its parts become one."""
    folder = shutil.copytree(whole, tmp_path / "run")
    read = pq.read_schema
    monkeypatch.setattr(pq, "read_schema", lambda path: (shutil.rmtree(folder / "samples"), read(path)))
    assert "wait for the end of the run" in told(lambda: build(folder))


def test_names_that_are_no_text(whole: Path, tmp_path: Path) -> None:
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff\x1b[2J\n"))
    shutil.copytree(whole, folder)
    shutil.copy(folder / "transcripts" / "happy-path.jsonl", os.fsencode(folder) + b"/transcripts/\xff<b>.jsonl")
    built = build(folder)
    assert "⟨U+DCFF⟩&lt;b&gt;" in built.html.read_text("utf-8")
    (folder / "load.json").write_text("{")
    assert "⟨U+DCFF⟩" in told(lambda: build(folder))
