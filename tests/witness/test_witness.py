"""The harness judges servers that others wrote, and what it finds there was looked at by hand and is true.

No MUST is broken. The libraries' examples send `Cache-Control: no-cache` (FastAPI) or `no-store` (sse-starlette)
without `no-transform`, and no `X-Content-Type-Options`. Both are legal; a proxy that compresses would hold their
events. uvicorn with httptools answers HTTP/1.0 in chunks; FastAPI's example takes numbers alone for ids and answers 422
to others; that of sse-starlette counts the events of each connection anew, whatever `Last-Event-ID` says.
"""

import json
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from tests.cli.command import ssegauge
from tests.matrix import found

WATCHED = ("paced", "compressed")
USUAL = {"response/transformable", "response/no-nosniff", "response/chunked-to-http10"}


BROKEN = {"fastapi": USUAL | {"resume/unknown-id-refused"}, "starlette": USUAL | {"resume/begins-anew"}}


@pytest.mark.parametrize("path", BROKEN)
def test_check(path: str, witness: str, tmp_path: Path) -> None:
    done = ssegauge("check", f"{witness}/{path}", "--quick", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    results = json.loads(done.stdout)["results"]
    broken = {one["rule"]: one["summary"] for one in results if one["verdict"] in {"fail", "harness_error"}}
    assert set(broken) == BROKEN[path], broken
    passed = {one["rule"] for one in results if one["verdict"] == "pass"}
    assert {"response/content-type", "wire/invalid-utf8", "wire/misread-by-common-clients"} <= passed


@pytest.mark.parametrize("path", BROKEN)
def test_load(path: str, witness: str, tmp_path: Path) -> None:
    done = ssegauge("load", f"{witness}/{path}", "--users", "20", "--duration", "2s", "--json", cwd=tmp_path)
    document = json.loads(done.stdout)
    broken = {one["rule"] for one in document["objectives"] if one["verdict"] == "fail"}
    assert broken <= {"performance/connect-time", "performance/update-latency"}, done.stderr  # the machine may be busy
    assert document["scenario"] == "watch"
    assert document["connections"]["peak_open"] == 20
    assert document["latency_ms"]["update"]["source"] == "event-timestamp"
    assert document["latency_ms"]["update"]["samples"] > 20 * 10


def test_nginx_lets_a_stream_through_that_asks_it_to(behind_nginx: Callable[[str], str]) -> None:
    assert not delivery(found((), WATCHED, quick=True, through=behind_nginx))


def test_nginx_holds_back_a_stream_that_does_not_ask(behind_nginx: Callable[[str], str]) -> None:
    """Buffering that looks like streaming: an nginx that compresses gathers events, unless told not to buffer."""
    fault = ("response/proxy-buffering-hint",)
    assert not delivery(found(fault, WATCHED, quick=True))
    assert delivery(found(fault, WATCHED, quick=True, through=behind_nginx)) == {"delivery/held-by-compression"}


def delivery(codes: Iterable[str]) -> set[str]:
    return {code for code in codes if code.startswith("delivery/")}
