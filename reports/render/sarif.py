"""A run's findings as SARIF 2.1.0, for code scanning services.

Every rule that was judged is described; a result is a finding that fails, warns or notes, located in the
transcript that shows it: the line of `transcripts/NAME.jsonl` that holds the chunk. Findings known from the
baseline are marked suppressed.
"""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from ssegauge.reports import verdict, words
from ssegauge.reports.folder import Document, RunFolder
from ssegauge.reports.render.visible import prose

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
LEVELS = {"fail": "error", "warning": "warning", "note": "note"}
DEFAULT_LEVELS = {level: LEVELS[severity] for level, severity in verdict.LEVEL_SEVERITY.items()}
LINES_BEFORE_CHUNKS = 2  # a transcript opens with the request and the head


def sarif(folder: RunFolder) -> Document:
    """Return the SARIF log of a run; one without results when conformance was not checked."""
    results = folder.conformance["results"] if folder.conformance else []
    strict = bool(folder.conformance and folder.conformance["strict"])
    driver = {
        "name": "ssegauge",
        "version": folder.run["ssegauge"] if folder.run else "unknown",
        "rules": [_rule(result) for result in results],
    }
    run = {
        "tool": {"driver": driver},
        "invocations": [{"executionSuccessful": verdict.overall(folder) != "could_not_judge"}],
        "results": [_result(result, strict) for result in results if result["verdict"] == "fail"],
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(result: Document) -> Document:
    rule = {
        "id": result["rule"],
        "shortDescription": {"text": prose(result["title"])},
        "fullDescription": {"text": prose(result["why"])},
        "help": {"text": prose(f"{result['mend']} ({result['source']['title']})")},
        "defaultConfiguration": {"level": DEFAULT_LEVELS[result["level"]]},
    }
    url = result["source"]["url"]
    return rule | ({"helpUri": url} if url.startswith("https://") else {})


def _result(result: Document, strict: bool) -> Document:
    severity = verdict.state(result, strict=strict)
    found = {
        "ruleId": result["rule"],
        "level": LEVELS.get(severity, DEFAULT_LEVELS[result["level"]]),
        "message": {"text": words.plain(result)},
        "locations": list(_locations(result)),
    }
    known = {"suppressions": [{"kind": "external", "justification": "listed in the baseline"}]}
    return found | (known if severity == "known" else {})


def _locations(result: Document) -> Iterator[Mapping[str, Any]]:
    # Code scanning services show the first location only, and refuse a result without one.
    for evidence in result["evidence"] or [{"transcript": "none", "excerpt": ""}]:
        chunk = evidence.get("chunk")
        line = 1 if chunk is None else LINES_BEFORE_CHUNKS + 1 + chunk
        uri = f"transcripts/{quote(evidence['transcript'], safe='', errors='replace')}.jsonl"
        artifact = {"artifactLocation": {"uri": uri}, "region": {"startLine": line}}
        yield {"physicalLocation": artifact, "message": {"text": words.place(evidence)}}
