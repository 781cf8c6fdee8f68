"""Ctrl-C and SIGTERM before a command has begun: one line and the documented exit status, whatever is being imported.

A module that is never found stands for one that takes long: it says where the process is, and waits for the signal.
"""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.command import environment, wait_until

# What `site` runs in every interpreter, before anything of ours.
STUCK = """
import os, signal, sys
class Stuck:
    def find_spec(self, name, path=None, target=None):
        if name == os.environ["STUCK_AT"]:
            open(os.environ["REACHED"], "w").close()
            while True:
                signal.pause()
sys.meta_path.insert(0, Stuck())
"""
# The first import of the command line, one amid those of its libraries, and one of the command's own.
CASES = [
    (signal.SIGTERM, "ssegauge.cli", ["check", "http://127.0.0.1:9/"]),
    (signal.SIGINT, "rich.console", ["check", "http://127.0.0.1:9/"]),
    (signal.SIGINT, "ssegauge.conformance.check", ["check", "http://127.0.0.1:9/"]),
    (signal.SIGTERM, "ssegauge.conformance.target", ["load", "http://127.0.0.1:9/", "--users", "1"]),
    (signal.SIGINT, "ssegauge.conformance.check", ["run"]),
    (signal.SIGINT, "ssegauge.reports.cli", ["report", "run"]),
    (signal.SIGINT, "ssegauge.conformance.judge", ["judge", "-"]),
]


@pytest.mark.parametrize(("number", "module", "words"), CASES, ids=str)
def test_an_import_is_interrupted(number: signal.Signals, module: str, words: list[str], tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(STUCK)
    reached = tmp_path / "reached"
    stuck = {"STUCK_AT": module, "REACHED": str(reached), "PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])}
    process = subprocess.Popen(
        [sys.executable, "-m", "ssegauge", *words],
        cwd=tmp_path,
        env=environment() | stuck,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        wait_until(lambda: reached.exists() or process.poll() is not None, f"{module} is imported")
        assert process.poll() is None, process.stderr and process.stderr.read()
        process.send_signal(number)
        told = process.communicate(timeout=60)
    finally:
        process.kill()
        process.wait()
    assert (process.returncode, told) == (130, (b"", b"ssegauge: interrupted\n"))
