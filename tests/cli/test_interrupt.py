"""Ctrl-C in every phase: exit status 130, what was measured is kept, no process and no port is left behind."""

import contextlib
import json
import signal
import socket
import subprocess
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from tests.cli.command import SSEGAUGE, at_once, environment, wait_until

PHASES = {
    "checking": "transcripts/paced.jsonl",
    "waiting": "transcripts/after-storm.jsonl",
    "loading": "samples",
}


@dataclass(frozen=True, slots=True)
class Interrupted:
    """A run that was interrupted, and of which no process is left: its folder, exit status and what it told."""

    folder: Path
    status: int
    told: str


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Future[Interrupted]]]:
    places = {phase: tmp_path_factory.mktemp(phase) for phase in PHASES}
    with at_once(lambda phase: interrupt(phase, places[phase]), PHASES) as running:
        yield running


def interrupt(phase: str, place: Path) -> Interrupted:
    """Start a run, and interrupt it when the phase has begun."""
    command = [*SSEGAUGE, "run", "--out", "run", *(["--quick"] if phase == "loading" else [])]
    with (place / "stderr").open("w") as errors:
        process = subprocess.Popen(command, cwd=place, env=environment(), stdout=subprocess.DEVNULL, stderr=errors)
    children: list[psutil.Process] = []
    try:
        wait_until(lambda: _begun(place / "run" / PHASES[phase], process), f"{phase} begins")
        children = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.SIGINT)
        process.wait(timeout=60)
        wait_until(lambda: not any(child.is_running() for child in children), "all children are gone")
    finally:
        for one in (process, *children):
            with contextlib.suppress(psutil.NoSuchProcess):
                one.kill()
        process.wait()
    return Interrupted(place / "run", process.returncode, (place / "stderr").read_text())


@pytest.mark.timeout(400)
@pytest.mark.parametrize("phase", PHASES)
def test_ctrl_c(phase: str, runs: dict[str, Future[Interrupted]]) -> None:
    ended = runs[phase].result()
    assert ended.status == 130, ended.told
    assert "Interrupted. What was measured so far is in run" in ended.told
    assert "Traceback" not in ended.told
    run = json.loads((ended.folder / "run.json").read_text())
    assert run["interrupted"]
    assert (ended.folder / "conformance.json").exists()
    assert (ended.folder / "report.html").exists()
    assert (phase == "loading") == (ended.folder / "load.json").exists()
    port = int(run["target"]["base_url"].rpartition(":")[2])
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=5)


def _begun(path: Path, process: subprocess.Popen[bytes]) -> bool:
    assert process.poll() is None, "it ended before it was interrupted"
    return any(path.iterdir()) if path.is_dir() else path.exists()
