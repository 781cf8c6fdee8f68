"""The options that describe a target: what the server gets, what is shown and written, and what each mistake says."""

import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.cli.command import ROOT, ssegauge

SECRET = "s3cret-of-the-command-line"


class Answering(BaseHTTPRequestHandler):
    """Answers every method with a short event stream, and remembers what it was asked."""

    protocol_version = "HTTP/1.1"
    server: "Asked"

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.seen.append((self.command, self.path, dict(self.headers), body))
        text = b'data: {"n": 1}\n\ndata: {"n": 2}\n\n'
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def do_POST(self) -> None:
        self.do_GET()

    def do_QUERY(self) -> None:
        self.do_GET()

    def log_message(self, *_: Any) -> None:
        pass


class Asked(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answering)
        self.seen: list[tuple[str, str, dict[str, str], bytes]] = []

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that leave or distrust are no news."""

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server_address[1]}"


@contextmanager
def serving(server: Asked) -> Iterator[Asked]:
    with server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def asked() -> Iterator[Asked]:
    with serving(Asked()) as server:
        yield server


OPTIONS = ("-H", "X-Team: 7", "-H", f"Authorization: Bearer {SECRET}", "--json", '{"q": [1]}', "--json")


def test_a_check_sends_what_is_asked_for_and_prints_its_result(asked: Asked, tmp_path: Path) -> None:
    done = ssegauge("check", f"{asked.address}/x", *OPTIONS, "--quick", "--out", "run", cwd=tmp_path)

    assert json.loads(done.stdout)["profile"] == "event-stream", done.stderr
    plain = [one for one in asked.seen if one[0] == "POST" and one[2]["Content-Type"] == "application/json"]
    plain = [one for one in plain if "Content-Encoding" not in one[2]]  # others ask with damaged bodies
    assert plain
    assert {path.partition("?")[0] for _, path, _, _ in plain} == {"/x"}
    assert {(headers["X-Team"], headers["Content-Type"]) for _, _, headers, _ in plain} == {("7", "application/json")}
    assert {body for _, _, _, body in plain} == {b'{"q": [1]}'}
    assert f"Bearer {SECRET}" in {headers.get("Authorization") for _, _, headers, _ in plain}
    written = "".join(file.read_text() for file in (tmp_path / "run").rglob("*") if file.is_file())
    assert '"X-Team: 7"' in written
    assert SECRET not in written + done.stdout + done.stderr


def test_a_load_sends_what_is_asked_for(asked: Asked, tmp_path: Path) -> None:
    line = ("load", asked.address, *OPTIONS, "--method", "QUERY", "--users", "1", "--duration", "1s", "--out", "run")
    done = ssegauge(*line, cwd=tmp_path)

    assert json.loads(done.stdout)["scenario"] == "watch", done.stderr
    method, path, headers, body = asked.seen[0]
    assert (method, path, body) == ("QUERY", "/", b'{"q": [1]}')
    assert (headers["X-Team"], headers["Authorization"]) == ("7", f"Bearer {SECRET}")
    written = "".join(file.read_text() for file in (tmp_path / "run").rglob("*.*") if file.suffix in {".json", ".html"})
    assert SECRET not in written + done.stdout + done.stderr


def test_a_key_that_nothing_uses_is_a_note_and_no_verdict(asked: Asked, tmp_path: Path) -> None:
    text = f'base_url = "http://{asked.address}"\n[stream]\npath = "/"\n[publish]\npath = "/p"\n'
    (tmp_path / "ssegauge.toml").write_text(text)
    loud, quiet = (ssegauge("check", "--quick", *more, cwd=tmp_path) for more in ((), ("--quiet",)))

    note = "Note: ssegauge.toml:4: [publish] is used by nothing in profile event-stream; put {marker} into its json"
    assert note in loud.stderr
    assert note not in quiet.stderr
    assert loud.returncode == quiet.returncode != 2


def test_a_certificate_is_trusted_when_it_is_told_to_be(tmp_path: Path) -> None:
    own = str(ROOT / "tests" / "loadtests" / "localhost.pem")
    server = Asked()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(own)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    with serving(server):
        url = f"https://127.0.0.1:{server.server_address[1]}/"
        words = ("check", url, "--quick", "--quiet")
        distrusted, insecure, trusted, none = (
            ssegauge(*words, *more, cwd=tmp_path)
            for more in ((), ("--insecure",), ("--cacert", own), ("--cacert", "none.pem"))
        )

    assert (distrusted.returncode, "TLS failed" in distrusted.stderr) == (2, True), distrusted.stderr
    assert 2 not in {insecure.returncode, trusted.returncode}, insecure.stderr + trusted.stderr
    assert (none.returncode, "none.pem" in none.stderr) == (2, True), none.stderr


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["check", "x:80", "-H", "X"], "--header: 'X' has no value; write 'Name: value'"),
        (["load", "x:80", "--json", "{"], "--body: not JSON ("),
        (["run", "x:80", "--body", "@none"], "--body: @none: cannot be read"),
        (["check", "x:80", "--method", "A B"], "--method 'A B' is not an HTTP method"),
        (["check", "x:80", "--profile", "event"], "--profile 'event' is none of task-progress, event-stream"),
        (["judge", "-", "--profile", "event"], "--profile 'event' is none of task-progress, event-stream"),
        (["check", "x:80", "--rules", "none.py"], "--rules none.py: "),
        (["run", "-H", "A: b"], "no target; give a URL or a target file"),
        (["init", "ssegauge.toml"], "ssegauge.toml: not an address; init looks at a stream, give its URL"),
        (["init", "127.0.0.1:1", "--out", "/"], "--out /: exists, and init overwrites nothing"),
        (["init", "127.0.0.1:1"], "GET http://127.0.0.1:1/: cannot connect"),
    ],
)
def test_a_wrong_option_is_one_line(words: list[str], expected: str, tmp_path: Path) -> None:
    done = ssegauge(*words, cwd=tmp_path)

    lines = done.stderr.strip().splitlines()
    assert (done.returncode, len(lines), expected in lines[0]) == (2, 1, True), done.stdout + done.stderr


@pytest.mark.parametrize(("option", "value"), [("--parallel", "0"), ("--timeout", "0"), ("--timeout", "x")])
def test_a_number_that_is_none_is_a_usage_error(option: str, value: str, tmp_path: Path) -> None:
    done = ssegauge("check", "x:80", option, value, cwd=tmp_path)

    assert (done.returncode, option in done.stderr) == (2, True), done.stderr


def test_the_version_is_told(tmp_path: Path) -> None:
    assert ssegauge("--version", cwd=tmp_path).stdout.startswith("ssegauge 0.")


def test_help_is_in_groups_with_an_example(tmp_path: Path) -> None:
    told = ssegauge("check", "--help", cwd=tmp_path).stdout

    assert all(group in told for group in ("The server", "What is judged", "What is shown and written"))
    assert "Example: ssegauge check localhost:3000/events" in told
