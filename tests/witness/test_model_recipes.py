"""docs/recipes/language-models.md, run as it stands: its target files and its commands, for a shorter time.

The loads are part of `make witnesses`: a process of Locust's takes seconds of CPU to begin. What each
target file makes of a load is seen without one.
"""

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from ssegauge.conformance.target import load_target
from ssegauge.loadtests.running.node import Node
from ssegauge.loadtests.running.orders import orders
from tests import forked
from tests.cli.command import ROOT, ssegauge
from tests.loadtests.answers import ask_by

PAGE = (ROOT / "docs" / "recipes" / "language-models.md").read_text(encoding="utf-8")
FILES = dict(re.findall(r"```toml\n# (\S+)\n(.*?)```", PAGE, re.DOTALL))
COMMANDS = [line for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL) for line in block.splitlines()]
TOKEN = {"type": "object", "required": ["text"], "properties": {"text": {"type": "string"}}}
# So that no verdict depends on the speed of the machine.
SHORTER = {"30s": "2s", "first_token_p95 < 2s": "first_token_p95 < 60s", "token_gap_p99 < 500ms": "token_gap_p99 < 30s"}


@contextmanager
def agent() -> Iterator[str]:
    command = [sys.executable, str(Path(__file__).parent / "agent_server.py")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        try:
            assert server.stdout
            yield server.stdout.readline().strip()
        finally:
            server.terminate()


@contextmanager
def chat() -> Iterator[str]:
    with forked.serving(["--profile", "chat-completions", "--token", "secret", "--pace", "0.02"]) as server:
        yield server.base_url


SERVERS = {"chat.toml": chat, "agent.toml": agent}


def write(file: str, base_url: str, folder: Path) -> Path:
    """Write a target file of the page, for this server."""
    text = FILES[file].replace("http://127.0.0.1:8000", base_url)
    for long, short in SHORTER.items():
        text = text.replace(long, short)
    (folder / "token.schema.json").write_text(json.dumps(TOKEN))
    (folder / file).write_text(text)
    return folder / file


def followed(file: str, kind: str, server: AbstractContextManager[str], folder: Path, *more: str) -> Sequence[str]:
    """Do what the page says with a target file; return what was printed, and what is in its run folder."""
    command = next(line for line in COMMANDS if line.startswith(f"ssegauge {kind} --target {file}"))
    for long, short in SHORTER.items():
        command = command.replace(long, short)
    with server as base_url:
        write(file, base_url, folder)
        done = ssegauge(*shlex.split(command)[1:], *more, cwd=folder)
    out = folder / command.rpartition("--out ")[2]
    assert done.returncode == 0, done.stdout + done.stderr
    return [done.stdout + done.stderr, *(path.read_text() for path in out.glob("*.json"))]


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_KEY", "secret")
    monkeypatch.setenv("AGENT_PASSWORD", "secret")


def test_every_target_file_of_the_page_has_a_server() -> None:
    assert FILES.keys() == SERVERS.keys()


@pytest.mark.parametrize("file", SERVERS)
def test_a_check_passes(file: str, tmp_path: Path) -> None:
    told = followed(file, "check", SERVERS[file](), tmp_path, "--only", "end", "--only", "chat", "--only", "shape")
    assert "PASSED" in told[0]


@pytest.mark.parametrize("file", SERVERS)
def test_what_a_load_asks_is_answered_by_tokens(file: str, tmp_path: Path) -> None:
    with SERVERS[file]() as base_url:
        target = load_target(str(write(file, base_url, tmp_path)))
        node = Node(target)
        node.take_orders(orders(target))
        answers = ask_by(node, 5)
    assert {answer.ending for answer in answers} <= {"complete", "closed"}
    assert node.desk
    tally = node.desk.tally
    assert (tally.asked, tally.finished, tally.empty, tally.foreign) == (5, 5, 0, {})
    assert tally.pieces >= 5 * 5


@pytest.mark.tables
def test_a_load_holds_what_it_promises(tmp_path: Path) -> None:
    printed, *documents = followed("chat.toml", "load", chat(), tmp_path)
    load = next(one for one in map(json.loads, documents) if one["schema"].startswith("ssegauge/load"))
    assert load["requests"]["finished"] >= load["users"] == 50
    assert {"asked/goodput", "asked/first-token-p95"} <= {one["rule"] for one in load["objectives"]}
    assert "Goodput" in printed


@pytest.mark.tables
def test_an_agent_is_loaded_behind_its_login(tmp_path: Path) -> None:
    told = followed("agent.toml", "load", agent(), tmp_path)
    load = next(one for one in map(json.loads, told[1:]) if one["schema"].startswith("ssegauge/load"))
    assert load["requests"]["finished"] >= 10
    assert load["requests"]["tokens"]["pieces"] == 13 * load["requests"]["finished"]
    assert not any("session-of-ci" in text for text in told)
