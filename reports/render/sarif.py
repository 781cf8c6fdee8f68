"""A run's findings as SARIF 2.1.0, for code scanning services.

Every rule that was judged is described; a result is a finding that fails, warns or notes, of the check or under load,
or an objective of the load that was missed.
It is located where a repository has it, in the target file, and logically at the stream's address: of a check by a URL
there is nothing else, but readers ask for a file, so it has the name that a target file usually has. The transcripts
that show it (the line of `transcripts/NAME.jsonl` that holds the chunk) are related locations. Each rule has its clause
in words; `helpUri` only where that stands at a public address, as the specifications of profiles, which come with the
package, do not. Nor does the tool, so it has no `informationUri`.

The fingerprint of a finding is its rule and its
stream, so that it stays one alert however its evidence changes. Findings known from the baseline are marked suppressed.
"""

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from ssegauge.reports import verdict, words
from ssegauge.reports.folder import Document, RunFolder
from ssegauge.reports.headline import BROKEN
from ssegauge.reports.render.visible import prose

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
LEVELS = {"fail": "error", "warning": "warning", "note": "note"}
DEFAULT_LEVELS = {level: LEVELS[severity] for level, severity in verdict.LEVEL_SEVERITY.items()}
LINES_BEFORE_CHUNKS = 2  # a transcript opens with the request and the head


def sarif(folder: RunFolder) -> Document:
    """Return the SARIF log of a run; one without results when nothing was found."""
    results = folder.conformance["results"] if folder.conformance else []
    under_load = [*verdict.findings(folder.load, folder.conformance), *_missed(folder.load)] if folder.load else []
    described = {one["rule"]: _rule(one) for one in (*under_load, *results)}
    checked = verdict.by_state(folder.conformance) if folder.conformance else []
    found = [(state, one, "") for state, one in checked if one["verdict"] == "fail"]
    found += [(verdict.severity(one, strict=False), one, "under load: ") for one in under_load]
    driver = {
        "name": "ssegauge",
        "version": folder.run["ssegauge"] if folder.run else "unknown",
        "rules": list(described.values()),
    }
    run = {
        "tool": {"driver": driver},
        "invocations": [{"executionSuccessful": verdict.overall(folder) != "could_not_judge"}],
        "results": [_result(*one, folder) for one in found],
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _missed(load: Document) -> Iterator[Document]:
    """Yield missed objectives as findings; what breaks rules under load is told by these."""
    for one in load["objectives"]:
        if one["verdict"] == "fail" and one["rule"] != BROKEN:
            summary = words.objective(one, load) + (f": {one['note']}" if one.get("note") else "")
            yield {"rule": one["rule"], "level": "must", "title": words.title(one), "summary": summary}


def _rule(found: Mapping[str, Any]) -> Document:
    """Describe a rule; a finding under load may know no more of it than its name."""
    source = found.get("source", {})
    rule = {
        "id": found["rule"],
        "shortDescription": {"text": prose(found.get("title") or found["rule"])},
        "fullDescription": {"text": prose(found.get("why") or found.get("title") or found["rule"])},
        "help": {"text": _help(found, source)},
        "defaultConfiguration": {"level": DEFAULT_LEVELS[found["level"]]},
    }
    url = source.get("url", "")
    return rule | ({"helpUri": url} if url.startswith("https://") else {})


def _result(severity: str, found: Mapping[str, Any], where: str, folder: RunFolder) -> Document:
    uri = quote(words.target_file(folder.run), errors="replace")
    artifact = {"artifactLocation": {"uri": uri}, "region": {"startLine": 1}}
    result = {
        "ruleId": found["rule"],
        "level": LEVELS.get(severity, DEFAULT_LEVELS[found["level"]]),
        "message": {"text": where + words.plain(found)},
        "locations": [{"physicalLocation": artifact, **_address(folder)}],
        "relatedLocations": list(_transcripts(found)),
        "partialFingerprints": {"ruleAndStream/v1": _fingerprint(where + found["rule"], folder)},
    }
    known = {"suppressions": [{"kind": "external", "justification": "listed in the baseline"}]}
    return result | (known if severity == "known" else {})


def _help(found: Mapping[str, Any], source: Mapping[str, str]) -> str:
    clause = ": ".join(filter(None, (source.get("title", f"ssegauge rules {found['rule']}"), source.get("quote"))))
    return prose(f"{found.get('mend', '')} ({clause})")


def _address(folder: RunFolder) -> dict[str, Any]:
    address = prose(words.address(folder.run)) if folder.run else ""
    return {"logicalLocations": [{"fullyQualifiedName": address, "kind": "resource"}]} if address else {}


def _fingerprint(rule: str, folder: RunFolder) -> str:
    stream = folder.run["target"].get("stream") if folder.run else None
    path = stream.get("path", "") if isinstance(stream, dict) else ""
    return hashlib.sha256(f"{rule} {path}".encode(errors="replace")).hexdigest()[:32]


def _transcripts(found: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for number, evidence in enumerate(found.get("evidence", ()), 1):
        chunk = evidence.get("chunk")
        line = 1 if chunk is None else LINES_BEFORE_CHUNKS + 1 + chunk
        uri = f"transcripts/{quote(evidence['transcript'], safe='', errors='replace')}.jsonl"
        artifact = {"artifactLocation": {"uri": uri}, "region": {"startLine": line}}
        yield {"id": number, "physicalLocation": artifact, "message": {"text": words.place(evidence)}}
