"""A light install, without the packages of the extras: what it can do, and how what it cannot do ends."""

import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.command import ROOT, environment
from tests.reports import factory

HEAVY = ("gevent", "httptools", "locust", "numpy", "pandas", "pyarrow")
# Installed, these would be there; a light install has none of them.
BLOCK = f"""
import sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {HEAVY}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Blocked())
"""
MAIN = "sys.argv[0] = 'ssegauge'; from ssegauge.cli import main; main()"
CAPTURE = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n"


def light(*words: str, cwd: Path, code: str = MAIN, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """Run Python in a light install: the console script, or other code."""
    line = [sys.executable, "-c", BLOCK + code, *words]
    return subprocess.run(line, cwd=cwd, input=stdin, capture_output=True, env=environment(), timeout=100, check=False)


@pytest.fixture(scope="module")
def reference_server() -> Iterator[str]:
    """The reference server as `ssegauge serve` starts it in a light install: its base URL."""
    line = [sys.executable, "-c", BLOCK + MAIN, "serve", "--port", "0"]
    process = subprocess.Popen(line, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout
        yield process.stdout.readline().rpartition(" ")[2].strip()
    finally:
        process.terminate()
        process.communicate(timeout=30)


@pytest.fixture(scope="module")
def target(reference_server: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    described = (ROOT / "reference_server" / "ssegauge.toml").read_text()
    path = tmp_path_factory.mktemp("light") / "ssegauge.toml"
    path.write_text(re.sub(r"(?m)^base_url = .*$", f'base_url = "{reference_server}"', described))
    return path


def test_check_judges_and_writes_every_report(target: Path) -> None:
    words = ("--quick", "--only", "wire", "--out", "run", "--junit", "out.xml", "--sarif", "out.sarif")
    done = light("check", *words, cwd=target.parent)
    assert (done.returncode, done.stderr.decode().count("Traceback")) == (0, 0), done.stderr.decode()
    assert "Conformance: ✓ PASSED" in done.stdout.decode()
    written = {path.name for path in (target.parent / "run").iterdir()}
    assert written >= {"run.json", "conformance.json", "summary.md", "junit.xml", "report.html", "transcripts"}
    assert ET.parse(target.parent / "out.xml").getroot().attrib["failures"] == "0"
    again = light("report", "run", cwd=target.parent)
    assert again.returncode == 0, again.stderr.decode()


def test_the_pytest_plugin_judges(target: Path) -> None:
    code = "import pytest; sys.exit(pytest.main(sys.argv[1:]))"
    words = ("--pyargs", "ssegauge.conformance", "--target", str(target), "--conformance-quick", "-q", "-k", "wire")
    done = light(*words, "-p", "no:cacheprovider", cwd=target.parent, code=code)
    assert done.returncode == 0, done.stdout.decode() + done.stderr.decode()
    assert b" passed" in done.stdout


@pytest.mark.parametrize("words", [("rules",), ("rules", "wire/field-case"), ("judge", "-"), ("--help",)], ids=" ".join)
def test_what_needs_no_server_works(words: tuple[str, ...], tmp_path: Path) -> None:
    done = light(*words, cwd=tmp_path, stdin=CAPTURE)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout


def test_the_public_names_come_without_the_extras(tmp_path: Path) -> None:
    code = "from ssegauge import Target, check, main; print(Target.__name__, check.__name__, main.__name__)"
    assert light(cwd=tmp_path, code=code).stdout == b"Target check main\n"


NEEDS = {
    ("load", "http://127.0.0.1:9/"): "load",
    ("load", "--worker"): "load",
    ("run",): "load",
    ("report", "measured"): "report",
    ("compare", "measured", "measured"): "report",
}


@pytest.mark.parametrize(("words", "extra"), NEEDS.items(), ids=map(" ".join, NEEDS))
def test_what_needs_an_extra_says_so_in_one_line(words: tuple[str, ...], extra: str, tmp_path: Path) -> None:
    factory.write_run(tmp_path / "measured", samples=factory.samples_frame())
    done = light(*words, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.decode().count("\n") == 1
    assert f"pip install 'ssegauge[{extra}]'" in done.stderr.decode()
    assert {path.name for path in tmp_path.iterdir()} == {"measured"}


def test_the_user_class_names_its_extra(tmp_path: Path) -> None:
    done = light(cwd=tmp_path, code="from ssegauge import SSEUser")
    assert b"pip install 'ssegauge[load]'" in done.stderr.splitlines()[-1]


def test_a_report_that_cannot_show_the_samples_says_so(tmp_path: Path) -> None:
    """As after `load` where the extra `report` is missing: what was judged is told all the same."""
    run = factory.write_run(tmp_path / "run", samples=factory.samples_frame())
    code = "from pathlib import Path; from ssegauge.reports import build; build(Path(sys.argv[1]), whole=False)"
    assert light("run", cwd=tmp_path, code=code).stderr == b""
    assert "pip install &#39;ssegauge[report]&#39;" in (run / "report.html").read_text()
    assert "Update latency" in (run / "summary.md").read_text()
