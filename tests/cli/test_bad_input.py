"""Bad input: one clear line that names the place and the remedy, the documented exit status, and no traceback."""

import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path

import pytest

from tests.cli.command import at_once, http, ssegauge, tcp_server

FINITE = "Content-Type: text/html\r\nContent-Length: 15\r\nConnection: close"


def silence(_: socket.socket) -> None:
    """Accept and say nothing."""


def garbage(connection: socket.socket) -> None:
    connection.sendall(b"220 mail.example ESMTP ready\r\n\r\n")


def one_line(told: str) -> str:
    lines = told.strip().splitlines()
    assert len(lines) == 1, told
    assert lines[0].startswith("ssegauge: ")
    return lines[0]


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://127.0.0.1:1", "cannot connect"),
        ("http://127.0.0.1:0", "is not an http:// or https:// address"),
        ("ftp://127.0.0.1/events", "is not an http:// or https:// address"),
        ("no-such.toml", "no such file; give a URL"),
    ],
)
def test_a_target_that_is_none(url: str, expected: str, tmp_path: Path) -> None:
    with at_once(lambda command: ssegauge(command, url, cwd=tmp_path), ("check", "load", "run")) as running:
        for done in (future.result() for future in running.values()):
            assert (done.returncode, expected in one_line(done.stderr)) == (2, True), done.stderr


NO_STREAM: dict[str, tuple[Callable[..., None], str]] = {
    "silence": (silence, "no response within 5 s"),
    "garbage": (garbage, "not HTTP as expected"),
    "404": (http(b"gone", "Content-Length: 4", "404 Not Found"), "404 Not Found; check base_url and stream.path"),
    "401": (http(b"", "Content-Length: 0", "401 Unauthorized"), "401 Unauthorized; give credentials"),
    "307": (
        http(b"", "Location: /elsewhere\r\nContent-Length: 0", "307 Temporary Redirect"),
        "redirected to /elsewhere",
    ),
    "204": (http(b"", "X-None: 1", "204 No Content"), "no stream now"),
}


@pytest.fixture(scope="module", autouse=True)
def checks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Future[subprocess.CompletedProcess[str]]]]:
    places = {case: tmp_path_factory.mktemp("no-stream") for case in NO_STREAM}

    def check(case: str) -> subprocess.CompletedProcess[str]:
        with tcp_server(NO_STREAM[case][0]) as url:
            return ssegauge("check", f"{url}/events", "--quiet", cwd=places[case])

    with at_once(check, NO_STREAM) as running:
        yield running


@pytest.mark.parametrize("case", NO_STREAM)
def test_a_server_that_cannot_be_judged(case: str, checks: dict[str, Future[subprocess.CompletedProcess[str]]]) -> None:
    done = checks[case].result()
    assert (done.returncode, NO_STREAM[case][1] in one_line(done.stderr)) == (2, True), done.stderr


def test_tls_where_none_is_spoken(tmp_path: Path) -> None:
    with tcp_server(garbage) as url:
        done = ssegauge("check", url.replace("http", "https"), "--quiet", cwd=tmp_path)
    assert (done.returncode, "TLS failed" in one_line(done.stderr)) == (2, True), done.stderr


def test_html_instead_of_a_stream_is_a_finding(tmp_path: Path) -> None:
    with tcp_server(http(b"<h1>Hello</h1>\n", FINITE)) as url:
        done = ssegauge("check", url, "--quick", "--quiet", cwd=tmp_path)
    assert done.returncode == 1
    assert "response/content-type" in done.stdout
    assert "content-type: text/html" in done.stdout


def test_an_endless_stream_without_a_blank_line_is_a_finding(tmp_path: Path) -> None:
    def drip(connection: socket.socket) -> None:
        http(b"data: x\n")(connection)
        for _ in range(40):
            time.sleep(0.1)
            connection.sendall(b"data: x\n")

    with tcp_server(drip) as url:
        done = ssegauge("check", url, "--quick", "--json", cwd=tmp_path)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "and no event: the blank line is missing" in done.stdout


@pytest.mark.parametrize(
    ("toml", "expected"),
    [
        (
            'base_url = "http://127.0.0.1:1"\n[stream]\npth = "/"\n',
            "ssegauge.toml:3: unknown key 'pth'; did you mean 'path'?",
        ),
        ('base_url = "http://127.0.0.1:1"\n', "stream is missing; add it"),
        ('base_url = 7\n[stream]\npath = "/"\n', "ssegauge.toml:1: base_url = 7 is not a string"),
        ('base_url = "${NO_SUCH}"\n[stream]\npath = "/"\n', "environment variable NO_SUCH is not set"),
        ("base_url = \n", "not valid TOML"),
        ('base_url = "http://a"\n[stream]\npath = "/{taskId}"\n', "ssegauge.toml:3: nothing fills in {taskId}"),
    ],
)
def test_a_wrong_target_file(toml: str, expected: str, tmp_path: Path) -> None:
    (tmp_path / "ssegauge.toml").write_text(toml)
    done = ssegauge("check", cwd=tmp_path)
    assert (done.returncode, expected in one_line(done.stderr)) == (2, True), done.stderr


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["check"], "no target; give a URL or a target file"),
        (["check", "http://127.0.0.1:1", "--only", "wire/field-cases"], "did you mean 'wire/field-case'?"),
        (["check", "http://127.0.0.1:1", "--skip", "wires"], "no rule and no group is named 'wires'"),
        (["check", "http://127.0.0.1:1", "--spawn", "no-such-program"], "No such file"),
        (["check", "http://127.0.0.1:1", "--baseline", "none.txt"], "--baseline none.txt"),
        (["check", "http://127.0.0.1:1", "--out", "/dev/null/x"], "--out /dev/null/x"),
        (["load", "http://127.0.0.1:1", "--scenario", "nix"], "--scenario nix: none of"),
        (["judge", "no-such-file"], "no-such-file"),
        (["judge", "-"], "nothing in it to judge"),
        (["judge", __file__], "no event stream in it"),
        (["rules", "wire/field-cases"], "did you mean 'wire/field-case'?"),
        (["report", "nowhere"], "nowhere"),
        (["serve", "--fault", "wire/field-cases"], "wire/field-case"),
    ],
)
def test_wrong_words(words: list[str], expected: str, tmp_path: Path) -> None:
    done = ssegauge(*words, cwd=tmp_path)
    assert (done.returncode, expected in one_line(done.stderr)) == (2, True), done.stdout + done.stderr


def test_a_folder_that_is_no_run_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "data").write_text("1")
    done = ssegauge("check", "http://127.0.0.1:1", "--out", "precious", cwd=tmp_path)
    assert (done.returncode, "not empty and holds no run" in one_line(done.stderr)) == (2, True)
    assert (tmp_path / "precious" / "data").read_text() == "1"


def test_folders_of_the_users_that_are_named_as_our_rooms(tmp_path: Path) -> None:
    """A project with packages of its own by these names has them, and us beside them."""
    for name in ("conformance", "loadtests", "reports", "reference_server"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise SystemExit('not to be imported')")
    assert ssegauge("rules", cwd=tmp_path).returncode == 0


def test_a_port_that_is_taken(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = str(listener.getsockname()[1])
        done = ssegauge("serve", "--port", port, cwd=tmp_path)
    assert (done.returncode, port in one_line(done.stderr)) == (2, True)
