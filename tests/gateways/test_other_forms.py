"""Responses and Messages by others: a mock server, and LiteLLM before it; what a check says was looked at by hand.

LiteLLM's mock answers come whole in these APIs, so it is given a server to ask.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli.command import ssegauge

LITELLM = """
model_list:
  - model_name: responses
    litellm_params: {{model: openai/mock, api_key: none, api_base: "{base_url}/v1"}}
  - model_name: messages
    litellm_params: {{model: anthropic/mock, api_key: none, api_base: "{base_url}"}}
"""
BODIES: dict[str, dict[str, Any]] = {
    "responses": {"input": "Tell me of the sea."},
    "messages": {"max_tokens": 200, "messages": [{"role": "user", "content": "Tell me of the sea."}]},
}
LAST = {"responses": "responses/created-not-first", "messages": "messages/stop-reason-missing"}


def judged(base_url: str, folder: Path, profile: str, model: str) -> dict[str, str]:
    """Check a server by one of the profiles; return the must and should of its streams that it breaks."""
    body = {"model": model, "stream": True, **BODIES[profile]}
    told = ("--profile", profile, "--body", json.dumps(body), "--json")
    done = ssegauge("check", f"{base_url}/v1/{profile}", *told, cwd=folder)
    assert done.stdout, done.stderr
    results = json.loads(done.stdout)["results"]
    assert next(one for one in results if one["rule"] == LAST[profile])["verdict"] == "pass"
    broken = [one for one in results if one["verdict"] in {"fail", "harness_error"} and one["level"] != "advice"]
    return {one["rule"]: one["level"] for one in broken}


@pytest.mark.gateways
@pytest.mark.timeout(400)
def test_llm_mock_api_and_litellm_before_it_break_nothing(started: Callable[..., str], tmp_path: Path) -> None:
    behind = started("llm-mock-api", "start", "--host", "127.0.0.1", "--fallback", "The harbour wakes before the town.")
    before = started(
        "litellm", "--config", "config.yaml", "--host", "127.0.0.1", configuration=LITELLM.format(base_url=behind)
    )
    for profile in BODIES:
        assert judged(behind, tmp_path, profile, "mock") == {}, profile
        assert judged(before, tmp_path, profile, profile) == {}, profile
    # translated by LiteLLM into the other API
    assert judged(before, tmp_path, "responses", "messages") == {}
