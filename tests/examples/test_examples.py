"""The servers of examples/servers speak the protocol right, as the target file beside them describes them.

FastAPI's is part of `make test`, with --quick; `make examples` checks all of them as a whole, those of Go and Spring
where their toolchains are.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cli.command import ROOT, SSEGAUGE, at_once, ssegauge, wait_until
from tests.conftest import asked_for
from tests.npm import node_modules
from tests.witness.conftest import free_port, listens, nginx_path

EXAMPLES = ROOT / "examples"
SERVERS, LOGIN = EXAMPLES / "servers", EXAMPLES / "login"
BUILT = ROOT / "build" / "examples"
# The heap all at once: while a young one grows by itself, memory says nothing of streams.
JVM = ("java", "-Xms96m", "-Xmx96m", "-XX:+AlwaysPreTouch", "-XX:+UseSerialGC")


def tool(name: str) -> str:
    return shutil.which(name) or pytest.skip(f"install {name}")


def express() -> list[str]:
    node_modules(SERVERS / "express")
    return [tool("node"), str(SERVERS / "express" / "server.js")]


def go() -> list[str]:
    built = BUILT / "go-feed"
    subprocess.run([tool("go"), "build", "-o", str(built), "."], check=True, cwd=SERVERS / "go")
    return [str(built)]


def spring() -> list[str]:
    tool("java")
    subprocess.run([tool("mvn"), "-B", "-q", "-ntp", "package"], check=True, cwd=SERVERS / "spring")
    return [*JVM, "-jar", str(SERVERS / "spring" / "target" / "feed.jar")]


COMMANDS = {
    "fastapi": lambda: [sys.executable, str(SERVERS / "fastapi" / "server.py")],
    "django": lambda: [sys.executable, str(SERVERS / "django" / "server.py")],
    "express": express,
    "go": go,
    "spring": spring,
}
__all__ = ["nginx_path"]  # a fixture
Checks = dict[str, Future[dict[str, str]]]
EVERY = ["fastapi", *(pytest.param(name, marks=pytest.mark.examples) for name in [*COMMANDS][1:])]


@contextmanager
def listening(words: list[str], port: int) -> Iterator[int]:
    """Start a server; give the id of its process when it listens."""
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            wait_until(lambda: listens(port) or server.poll() is not None, f"{words} listens")
            assert server.poll() is None, f"{words} ended"
            yield server.pid
        finally:
            server.terminate()


@contextmanager
def serving(name: str) -> Iterator[tuple[int, int]]:
    """Start an example; give its port and the id of its process."""
    port = free_port()
    words = [*COMMANDS[name](), f"--server.port={port}" if name == "spring" else str(port)]
    with listening(words, port) as pid:
        yield port, pid


def moved(text: str, here: str, port: int) -> str:
    """Return a target file or a configuration with another port in it."""
    assert f"127.0.0.1:{here}" in text
    return text.replace(f"127.0.0.1:{here}", f"127.0.0.1:{port}")


def broken(target: str, folder: Path, *options: str) -> dict[str, str]:
    """Check with a target file; return the rules that are broken, by level."""
    (folder / "ssegauge.toml").write_text(target)
    done = ssegauge("check", "--json", *options, cwd=folder)
    assert done.stdout, done.stderr
    results = json.loads(done.stdout)["results"]
    assert len([one for one in results if one["verdict"] == "pass"]) > 40
    return {one["rule"]: one["level"] for one in results if one["verdict"] in {"fail", "harness_error"}}


def checked(name: str, folder: Path, *, whole: bool) -> dict[str, str]:
    """Check an example with the target file beside it, as a whole or --quick."""
    with serving(name) as (port, pid):
        target = moved((SERVERS / "ssegauge.toml").read_text(), "3000", port)
        return broken(f"{target}\n[observe]\npid = {pid}\n", folder) if whole else broken(target, folder, "--quick")


@pytest.fixture(scope="module")
def checks(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checks]:
    """Every example that this run asks for, checked side by side."""
    folders = {name: tmp_path_factory.mktemp(name) for name in asked_for(request, "name")}
    whole = "examples" in (request.config.getoption("-m") or "")
    with at_once(lambda name: checked(name, folders[name], whole=whole), folders) as running:
        yield running


@pytest.mark.parametrize("name", EVERY)
def test_an_example_breaks_nothing(name: str, checks: Checks) -> None:
    assert checks[name].result() == {}


@pytest.mark.examples
def test_a_stream_behind_a_login_is_read_and_no_password_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PASSWORD", "correct horse battery")
    port = free_port()
    with listening([sys.executable, str(LOGIN / "server.py"), str(port)], port):
        assert broken(moved((LOGIN / "ssegauge.toml").read_text(), "3000", port), tmp_path) == {}
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(written) > 5
    assert not [path for path in written if b"correct horse" in path.read_bytes()]


@pytest.mark.examples
def test_nothing_is_held_back_by_nginx(nginx_path: str, tmp_path: Path) -> None:
    front = free_port()
    with serving("fastapi") as (port, _):
        configuration = moved(moved((EXAMPLES / "nginx" / "nginx.conf").read_text(), "3000", port), "8080", front)
        (tmp_path / "nginx.conf").write_text(configuration)
        nginx = [nginx_path, "-p", str(tmp_path), "-e", "stderr", "-c", "nginx.conf"]
        with listening(nginx, front):
            left = broken(moved((SERVERS / "ssegauge.toml").read_text(), "3000", front), tmp_path)
    assert left == {"response/proxy-buffering-hint": "advice"}  # nginx takes X-Accel-Buffering for itself


@pytest.mark.examples
def test_the_chat_server_as_the_how_to_describes_it(tmp_path: Path) -> None:
    port = free_port()
    words = [*SSEGAUGE, "serve", "--profile", "chat-completions", "--port", str(port)]
    with listening(words, port):
        assert broken(moved((EXAMPLES / "chat" / "ssegauge.toml").read_text(), "8205", port), tmp_path) == {}
