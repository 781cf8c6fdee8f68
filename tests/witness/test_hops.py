"""`compare --hop` on real proxies before a real server: what each does is told, and nothing of the healthy one."""

from contextlib import ExitStack
from pathlib import Path

import pytest

from ssegauge.cli.comparing import told_of
from ssegauge.conformance.check import Options, check
from ssegauge.conformance.runfolder import RunFolder
from ssegauge.conformance.target import from_toml
from tests import forked
from tests.cli.command import at_once, ssegauge
from tests.witness.hops import MODES, before

TARGET = """
base_url = "{base_url}"
profile = "chat-completions"
[stream]
path = "/v1/chat/completions"
json = {{ model = "ssegauge-1", stream = true, messages = [{{ role = "user", content = "Hello" }}] }}
"""
EXPECTED = {
    "healthy": set(),
    "buffers": {("held", "held to the end")},
    "cuts_characters": {("damaged", "text")},
    "drops_done": {("damaged", "end marker")},
}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run of the server directly, and one through each proxy."""
    folder = tmp_path_factory.mktemp("hops")
    ways: dict[str, str] = {}

    def run(way: str) -> None:
        target = from_toml(TARGET.format(base_url=ways[way]))
        check(target, RunFolder.create(folder / way, target, ["test"]), Options(only=("chat", "end", "wire")))

    served = forked.serving(["--profile", "chat-completions", "--first-token", "0.05", "--pace", "0.1"])
    with ExitStack() as stack:
        direct = stack.enter_context(served).base_url
        ways |= {"direct": direct, **{mode: stack.enter_context(before(direct, mode)) for mode in MODES}}
        with at_once(run, tuple(ways)) as checks:
            for one in checks.values():
                one.result()
    return folder


@pytest.mark.parametrize("mode", EXPECTED)
def test_what_a_proxy_does_is_told(mode: str, runs: Path) -> None:
    rows, checked = told_of(runs / "direct", runs / mode)
    assert checked
    assert {(one["kind"], one["what"]) for one in rows} == EXPECTED[mode]
    assert {one["streams"] for one in rows} <= {3}


def test_it_is_told_in_words_and_by_the_exit_status(runs: Path) -> None:
    done = ssegauge("compare", "--hop", "direct", "drops_done", cwd=runs)
    assert "✗ damaged  end marker (3 of 3 streams)" in done.stdout
    assert "end/marker-missing" in done.stdout
    assert "The hop damages streams: end marker, rules." in done.stdout
    assert done.returncode == 1
