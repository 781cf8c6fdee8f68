"""The published description: valid, complete, and true of what the server answers."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from ssegauge import reference_server
from ssegauge.reference_server.app import Parts, make_app

DESCRIPTION = json.loads((Path(reference_server.__file__).parent / "openapi.json").read_text())
TASKS = "/api/brand-monitor/tasks"


def schema(name: str) -> Draft202012Validator:
    return Draft202012Validator({"$ref": f"#/components/schemas/{name}", "components": DESCRIPTION["components"]})


def test_the_description_is_valid_openapi() -> None:
    validate(DESCRIPTION)


def test_every_route_is_described_and_nothing_else() -> None:
    routes = {
        (route.resource.canonical, route.method.lower())
        for route in make_app(Parts()).router.routes()
        if route.resource and not route.resource.canonical.startswith("/page")
    }
    described = {
        (path, method) for path, item in DESCRIPTION["paths"].items() for method in item if method != "parameters"
    }
    explicit = {(path, method) for path, method in routes if method != "head" or "progress" in path}
    assert described - {("/api/brand-monitor/progress/{task_id}", "options")} == explicit


async def test_it_is_served(serving: Any) -> None:
    async with serving() as site:
        answer = await site.ask("GET", "/openapi.json")
    assert answer.json == DESCRIPTION
    assert answer.fields["content-type"] == "application/json"


async def test_states_events_and_metrics_are_as_described(serving: Any) -> None:
    async with serving() as site:
        stream = await (await site.stream(await site.create(steps=2, interval_ms=5, fail_at=2))).whole()
        metrics = await site.metrics()
    for event in stream.events:
        schema("Event").validate(event)
    schema("Metrics").validate(metrics)


@pytest.mark.parametrize("path", ["/nothing", f"{TASKS}/unknown", TASKS])
async def test_refusals_are_as_described(path: str, serving: Any) -> None:
    async with serving() as site:
        schema("Refusal").validate((await site.ask("GET", path)).json)


async def test_metrics_are_also_given_to_prometheus(serving: Any) -> None:
    async with serving() as site:
        await (await site.stream(await site.create(manual=True))).saw(b"pending")
        answer = await site.ask("GET", "/metrics")
    figures = dict(re.findall(r"^ssegauge_(\w+) (\d+)\.0$", answer.rest.decode(), re.MULTILINE))
    assert figures == {"open_streams": "1", "tasks": "1", "running_tasks": "1"}
    assert answer.fields["content-type"].startswith("text/plain")


async def test_the_page_is_served_under_a_strict_policy(serving: Any) -> None:
    async with serving() as site:
        page, script = await site.ask("GET", "/"), await site.ask("GET", "/page/progress-client.js")
    assert page.fields["content-type"].startswith("text/html")
    assert "javascript" in script.fields["content-type"]
    for answer in (page, script):
        assert "default-src 'none'" in answer.fields["content-security-policy"]
        assert "unsafe" not in answer.fields["content-security-policy"]
