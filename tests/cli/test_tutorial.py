"""The tutorial, walked: its commands in order, but for checks and loads."""

import contextlib
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

from ssegauge.conformance.target import load_target
from tests import forked
from tests.cli.command import ROOT, ssegauge
from tests.reports import factory

CHEAP = {"init": ["--look", "1"]}  # what says less, and is over soon
PORT = "8207"


def steps() -> Iterator[str]:
    """Yield the commands of the tutorial in order, a here-document with its lines."""
    text = (ROOT / "docs" / "tutorial.md").read_text("utf-8")
    for block in re.findall(r"^```sh\n(.*?)^```", text, re.DOTALL | re.MULTILINE):
        yield from re.findall(r"^cat .*?^END\n|^ssegauge [^\n]+", block, re.DOTALL | re.MULTILINE)


def _moved(target: Path, former: str, port: str) -> None:
    """Follow the server to its other port, where there is a target file yet."""
    if former:
        target.write_text(target.read_text("utf-8").replace(former, port), "utf-8")


def test_the_tutorial_works_as_it_is_written(tmp_path: Path) -> None:
    ended: list[tuple[str, int]] = []
    promised: list[bool | None] = []
    with contextlib.ExitStack() as running:
        port = ""
        for step in steps():
            _, name, *words = shlex.split(step.replace(PORT, port), comments=True)
            if name == "serve":
                running.close()
                options = [word for word in words if word not in {"--port", port or PORT}]
                port, former = running.enter_context(forked.serving(options)).base_url.rpartition(":")[2], port
                _moved(tmp_path / "ssegauge.toml", former, port)
            elif step.startswith("cat "):
                subprocess.run(["/bin/sh", "-c", step], cwd=tmp_path, check=True)
            elif name == "check":
                promised.append(load_target(str(tmp_path / words[0])).promises.resume)
            elif name == "load":
                factory.write_run(tmp_path / words[words.index("--out") + 1], conformance=None)
            else:
                done = ssegauge(name, *words, *CHEAP.get(name, ()), cwd=tmp_path)
                assert not done.stderr.count("Traceback"), done.stderr
                ended.append((name, done.returncode))
    assert ended == [("init", 0), ("rules", 0), ("compare", 0), ("history", 0)]
    assert promised[-2:] == [True, True]
