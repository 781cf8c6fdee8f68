"""``pytest --pyargs ssegauge.conformance --target ssegauge.toml``: one test a rule, thin over ``check``.

The plugin is known to every pytest on the machine, so it adds two options, does nothing without ``--target``, and
imports the suite only when that is given.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

RESULTS = pytest.StashKey[dict[str, dict[str, Any]]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add our options."""
    group = parser.getgroup("ssegauge", "conformance of Server-Sent Events servers")
    group.addoption("--target", help="the server under test: a URL or a target file", metavar="FILE|URL")
    group.addoption("--conformance-quick", action="store_true", help="leave out what waits longer than 2 s")
    group.addoption("--conformance-strict", action="store_true", help="a broken SHOULD fails its test")


def pytest_collection_finish(session: pytest.Session) -> None:
    """Check the target before the first test, when our tests are among those chosen; one check serves them all."""
    ours = any(item.path.parent == Path(__file__).parent for item in session.items)
    if ours and not session.config.option.collectonly:
        session.config.stash[RESULTS] = _checked(session.config)


def _checked(config: pytest.Config) -> dict[str, dict[str, Any]]:
    from ssegauge.conformance.check import Options, check
    from ssegauge.conformance.errors import CannotJudge
    from ssegauge.conformance.runfolder import RunFolder
    from ssegauge.conformance.target import load_target

    where = config.getoption("--target")
    if not where:
        raise pytest.UsageError("conformance needs a server to judge: give --target FILE|URL")
    try:
        target = load_target(where)
        folder = RunFolder.create(None, target, ["pytest", *config.invocation_params.args])
        document, _ = check(target, folder, Options(quick=config.getoption("--conformance-quick")))
    except CannotJudge as error:
        raise pytest.UsageError(str(error)) from None
    folder.finish()
    return {one["rule"]: one for one in document["results"]}


def verdict(config: pytest.Config, code: str) -> None:
    """Turn one rule's result into the outcome of the running test."""
    result = config.stash[RESULTS][code]
    told = explain(result)
    if result["verdict"] in {"not_observed", "not_applicable"}:
        pytest.skip(result["needs"] or result["summary"])
    if result["verdict"] == "harness_error":
        pytest.fail(told, pytrace=False)
    if result["verdict"] == "fail":
        counts = {"must", "should"} if config.getoption("--conformance-strict") else {"must"}
        if result["level"] in counts:
            pytest.fail(told, pytrace=False)
        pytest.xfail(f"{result['level']}: {result['summary']}")


def explain(result: dict[str, Any]) -> str:
    """Return a finding as text: what, where, how to mend it, and by which clause."""
    seen = [f"  seen in {one['transcript']}: {one['excerpt']}" for one in result["evidence"]]
    source = result["source"]
    lines = [f"{result['rule']} ({result['level']}): {result['summary']}", *seen, f"  mend: {result['mend']}"]
    return "\n".join([*lines, f"  source: {source['title']}, {source['url']}"])
