"""Ctrl-C in every phase: exit status 130, what was measured is kept, no process and no port is left behind."""

import contextlib
import json
import signal
import socket
import subprocess
from pathlib import Path

import psutil
import pytest

from tests.cli.command import SSEGAUGE, environment, wait_until

PHASES = {
    "checking": "transcripts/paced.jsonl",
    "waiting": "transcripts/after-storm.jsonl",
    "loading": "samples",
}


@pytest.mark.parametrize("phase", PHASES)
def test_ctrl_c(phase: str, tmp_path: Path) -> None:
    command = [*SSEGAUGE, "run", "--out", "run", *(["--quick"] if phase == "loading" else [])]
    with (tmp_path / "stderr").open("w") as errors:
        process = subprocess.Popen(command, cwd=tmp_path, env=environment(), stdout=subprocess.DEVNULL, stderr=errors)
    children: list[psutil.Process] = []
    try:
        wait_until(lambda: _begun(tmp_path / "run" / PHASES[phase], process), f"{phase} begins")
        children = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.SIGINT)
        process.wait(timeout=60)
        wait_until(lambda: not any(child.is_running() for child in children), "all children are gone")
    finally:
        for one in (process, *children):
            with contextlib.suppress(psutil.NoSuchProcess):
                one.kill()
        process.wait()
    told = (tmp_path / "stderr").read_text()
    assert process.returncode == 130, told
    assert "Interrupted. What was measured so far is in run" in told
    assert "Traceback" not in told
    run = json.loads((tmp_path / "run" / "run.json").read_text())
    assert run["interrupted"]
    assert (tmp_path / "run" / "conformance.json").exists()
    assert (tmp_path / "run" / "report.html").exists()
    assert (phase == "loading") == (tmp_path / "run" / "load.json").exists()
    port = int(run["target"]["base_url"].rpartition(":")[2])
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=5)


def _begun(path: Path, process: subprocess.Popen[bytes]) -> bool:
    assert process.poll() is None, "it ended before it was interrupted"
    return any(path.iterdir()) if path.is_dir() else path.exists()
