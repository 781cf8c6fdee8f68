"""Load runs for tests: short, on loopback, each into a folder of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from ssegauge.conformance.runfolder import RunFolder
from ssegauge.conformance.target import from_toml, load_target
from ssegauge.loadtests.running.cli import Options, Status, find_limit, run_load
from ssegauge.reports import schema

# Limits that a machine busy with other things does not reach, so that no verdict depends on its speed.
PATIENT = "[limits]\nconnect_s = 30.0\nupdate_s = 10.0\n"
Load = Callable[..., dict[str, Any]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The run folder."""
    return tmp_path / "run"


@pytest.fixture
def load(folder: Path) -> Load:
    """`run_into` the run folder."""
    return partial(run_into, folder)


def run_into(
    folder: Path,
    target: str,
    *,
    on_progress: Callable[[Status], None] | None = None,
    find: bool = False,
    **options: Any,
) -> dict[str, Any]:
    """Run a load test of a target (a URL or the text of a target file); return load.json, held to its schema."""
    described = load_target(target) if target.startswith("http") else from_toml(target)
    RunFolder.create(folder, described, ["test"])
    runs = find_limit if find else run_load
    document = runs(described, folder, Options(**options), on_progress)
    schema.validate("load", document)
    return document


@pytest.fixture(scope="session")
def reference_url() -> Iterator[str]:
    """The reference server in a process of its own."""
    line = [sys.executable, "-m", "ssegauge.reference_server", "--port", "0"]
    with subprocess.Popen(line, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        yield process.stdout.readline().split()[-1]
        process.terminate()


@pytest.fixture
def reference_target(reference_url: str) -> str:
    """The reference server as a target without an existing endpoint, so that runs have no phases."""
    return reference_at(reference_url)


def reference_at(url: str) -> str:
    """Return the target file of a reference server."""
    return f"""
base_url = "{url}"
[stream]
path = "/api/brand-monitor/progress/{{task_id}}"
[task.create]
path = "/api/brand-monitor/tasks"
json = {{ steps = 5, interval_ms = 200 }}
[task.create_manual]
path = "/api/brand-monitor/tasks"
json = {{ manual = true }}
[task.update]
path = "/api/brand-monitor/tasks/{{task_id}}/updates"
{PATIENT}"""


def verdicts(document: dict[str, Any]) -> dict[str, str]:
    """Return each objective's verdict by its name."""
    return {item["rule"].rpartition("/")[2]: item["verdict"] for item in document["objectives"]}
