"""Gateways and mock servers that others wrote, in an environment of their own: `make gateways`."""

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from tests.witness.conftest import free_port

ROOT = Path(__file__).parents[2]
PROGRAMS = ROOT / "build" / "gateways" / "bin"
START_S = 180.0  # LiteLLM imports for long


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Callable[..., str]]:
    """Start a program with a configuration, and give its base URL once it answers."""
    running: list[subprocess.Popen[bytes]] = []

    def start(program: str, *options: str, configuration: str = "") -> str:
        port = free_port()
        (tmp_path / "config.yaml").write_text(configuration)
        command = [str(PROGRAMS / program), *options, "--port", str(port)]
        environment = {**os.environ, "LITELLM_TELEMETRY": "False", "NO_COLOR": "1"}
        with (tmp_path / "log").open("wb") as log:
            running.append(subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=log, stderr=log))
        base_url = f"http://127.0.0.1:{port}"
        deadline = time.monotonic() + START_S
        while not _answers(base_url):
            assert time.monotonic() < deadline, (tmp_path / "log").read_text()[-2000:]
            assert running[-1].poll() is None, (tmp_path / "log").read_text()[-2000:]
            time.sleep(0.5)
        return base_url

    yield start
    for process in running:
        process.terminate()
        process.wait()


def _answers(base_url: str) -> bool:
    try:
        urlopen(base_url + "/openapi.json", timeout=10).close()
    except URLError as error:
        return hasattr(error, "code")  # it says no, but it says something
    except OSError:
        return False
    return True
