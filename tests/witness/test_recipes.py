"""The recipes' target files, as docs/recipes has them, judge real servers: no MUST on healthy ones, broken ones named.

What is found on the healthy ones was looked at by hand and is true: uvicorn with httptools answers HTTP/1.0 in chunks;
graphql-sse sends `Content-Encoding: none`, which is no coding; the rest is advice.
"""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cli.command import ROOT, at_once, ssegauge
from tests.npm import node_modules

HERE = Path(__file__).parent
RECIPES = ROOT / "docs" / "recipes"
ADVICE = {"response/no-nosniff"}
HEALTHY = {
    "mcp.md": ADVICE | {"response/chunked-to-http10"},
    "graphql-sse.md": ADVICE
    | {"response/unregistered-coding", "response/transformable", "response/proxy-buffering-hint"},
}
BROKEN = [
    ("mcp.md", "ssegauge.toml", "plain-text", "response/content-type"),
    ("mcp.md", "ssegauge.toml", "in-batches", "delivery/batched"),
    ("mcp.md", "call.toml", "lost-result", "end/marker-missing"),
    ("graphql-sse.md", "ssegauge.toml", "lost-complete", "end/marker-missing"),
    ("graphql-sse.md", "subscription.toml", "twice", "delivery/update-duplicated"),
    ("graphql-sse.md", "subscription.toml", "held-by-gzip", "delivery/held-by-compression"),
]


def target_files(recipe: str) -> dict[str, str]:
    text = (RECIPES / recipe).read_text()
    return dict(re.findall(r"```toml\n# (\S+)\n(.*?)```", text, re.DOTALL))


@contextmanager
def serving(recipe: str, *fault: str) -> Iterator[str]:
    if recipe == "mcp.md":
        command = [sys.executable, str(HERE / "mcp_server.py")]
    else:
        node_modules(HERE)
        command = ["node", str(HERE / "graphql_server.mjs")]
    with subprocess.Popen([*command, *fault], stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout
            base_url = server.stdout.readline().strip()
            assert base_url.startswith("http"), "the witness did not start"
            yield base_url
        finally:
            server.terminate()


def judged(recipe: str, file: str, folder: Path, *options: str, fault: tuple[str, ...] = ()) -> dict[str, str]:
    """Check a server with a recipe's target file; return the rules that it breaks, by level."""
    with serving(recipe, *fault) as base_url:
        text, replaced = re.subn(r'base_url = ".*"', f'base_url = "{base_url}"', target_files(recipe)[file])
        assert replaced == 1
        (folder / "ssegauge.toml").write_text(text)
        done = ssegauge("check", "--json", *options, cwd=folder)
    assert done.stdout, done.stderr
    found = json.loads(done.stdout)["results"]
    return {one["rule"]: one["level"] for one in found if one["verdict"] in {"fail", "harness_error"}}


FILES = [(recipe, file) for recipe in HEALTHY for file in target_files(recipe)]
STAYS_OPEN = ("mcp.md", "call.toml", "lost-end")


@pytest.fixture(scope="module")
def unhurried(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[tuple[str, ...], Future[dict[str, str]]]]:
    """Checks that wait for what may never come, half a minute each time: side by side, before those in a hurry."""
    places = {case: tmp_path_factory.mktemp("check") for case in (*FILES, STAYS_OPEN)}
    with at_once(lambda case: judged(*case[:2], places[case], fault=case[2:]), places) as running:
        yield running


@pytest.mark.timeout(300)
@pytest.mark.parametrize("case", FILES, ids="-".join)
def test_healthy_servers_break_nothing_else(
    case: tuple[str, str], unhurried: dict[tuple[str, ...], Future[dict[str, str]]]
) -> None:
    recipe, file = case
    # In HTTP/1.0 only streams by GET are asked for.
    by_post = {"response/chunked-to-http10"} if file == "call.toml" else set()
    assert set(unhurried[case].result()) == HEALTHY[recipe] - by_post


@pytest.mark.timeout(300)
def test_a_call_whose_stream_stays_open_is_named(unhurried: dict[tuple[str, ...], Future[dict[str, str]]]) -> None:
    assert "end/open-after-marker" in unhurried[STAYS_OPEN].result()


@pytest.mark.parametrize(("recipe", "file", "fault", "rule"), BROKEN)
def test_broken_ones_are_named(recipe: str, file: str, fault: str, rule: str, tmp_path: Path) -> None:
    broken = judged(recipe, file, tmp_path, "--quick", fault=(fault,))
    musts = {code for code, level in broken.items() if level == "must"}
    assert musts == {rule}
