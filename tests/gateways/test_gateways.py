"""What a check says of gateways and mock servers that others wrote was looked at by hand, and is true."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests import forked
from tests.cli.command import ssegauge

LITELLM = """
model_list:
  - model_name: mock
    litellm_params:
      model: openai/mock
      api_key: none
      mock_response: "The harbour wakes before the town. Grüße aus Köln 🗼, wo es heute regnet."
general_settings:
  master_key: sk-witness
"""
BEFORE_OURS = """
model_list:
  - model_name: ssegauge-1
    litellm_params: {{model: openai/ssegauge-1, api_key: none, api_base: "{base_url}/v1"}}
"""
FAKELLM = """
version: 1
defaults:
  fallback: deterministic_echo
"""


def judged(base_url: str, folder: Path, *options: str, **members: Any) -> dict[str, str]:
    """Check a server by the profile of chat completions; return the must and should that it breaks."""
    body = {"model": "mock", "stream": True, "messages": [{"role": "user", "content": "Hi"}], **members}
    address = f"{base_url}/v1/chat/completions"
    told = ("--profile", "chat-completions", "--body", json.dumps(body), *options)
    done = ssegauge("check", address, *told, "--json", cwd=folder)
    assert done.stdout, done.stderr
    results = json.loads(done.stdout)["results"]
    assert next(one for one in results if one["rule"] == "chat/finish-missing")["verdict"] == "pass"
    broken = [one for one in results if one["verdict"] in {"fail", "harness_error"} and one["level"] != "advice"]
    return {one["rule"]: one["level"] for one in broken}


@pytest.mark.gateways
@pytest.mark.timeout(400)
def test_litellm_breaks_nothing(started: Callable[..., str], tmp_path: Path) -> None:
    base_url = started("litellm", "--config", "config.yaml", "--host", "127.0.0.1", configuration=LITELLM)
    key = ("-H", "Authorization: Bearer sk-witness")
    assert judged(base_url, tmp_path, *key, stream_options={"include_usage": True}) == {}


@pytest.mark.gateways
@pytest.mark.timeout(400)
def test_xpyd_sim_breaks_nothing(started: Callable[..., str], tmp_path: Path) -> None:
    base_url = started("xpyd-sim", "serve", "--model", "mock", "--host", "127.0.0.1")
    assert judged(base_url, tmp_path, max_tokens=20, stream_options={"include_usage": True}) == {}


@pytest.mark.gateways
@pytest.mark.timeout(400)
def test_fakellm_fails_over_wrong_bodies_and_counts_no_tokens(started: Callable[..., str], tmp_path: Path) -> None:
    base_url = started("fakellm", "serve", "--config", "config.yaml", configuration=FAKELLM)
    assert judged(base_url, tmp_path) == {"chat/refusal-5xx": "should"}
    asked = judged(base_url, tmp_path, stream_options={"include_usage": True})
    assert asked == {"chat/refusal-5xx": "should", "chat/usage-missing": "should"}


@pytest.mark.gateways
@pytest.mark.timeout(400)
def test_litellm_before_a_server_passes_its_streams_on(started: Callable[..., str], tmp_path: Path) -> None:
    """As `compare --hop` tells it: nothing is damaged or held; fields of the head are its own."""
    body = json.dumps({"model": "ssegauge-1", "stream": True, "messages": [{"role": "user", "content": "Hello"}]})
    with forked.serving(["--profile", "chat-completions", "--pace", "0.1"]) as server:
        configuration = BEFORE_OURS.format(base_url=server.base_url)
        before = started("litellm", "--config", "config.yaml", "--host", "127.0.0.1", configuration=configuration)
        for base_url, out in ((server.base_url, "direct"), (before, "through")):
            told = ("--profile", "chat-completions", "--body", body, "--out", out, "--only", "chat", "--only", "end")
            ssegauge("check", f"{base_url}/v1/chat/completions", *told, cwd=tmp_path)
    done = ssegauge("compare", "--hop", "direct", "through", "--json", cwd=tmp_path)
    told_of = {(one["kind"], one["what"]) for one in json.loads(done.stdout)["told"]}
    assert told_of == {("changed", "cache-control"), ("changed", "header fields")}
