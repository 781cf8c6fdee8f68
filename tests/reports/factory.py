"""Realistic run folders: what the runners write, with seeded figures; each document follows its schema."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

Document = dict[str, Any]
STARTED = "2025-11-24T09:30:00.000Z"
VERDICTS = ("pass", "fail", "not_judged", "not_observed", "not_applicable", "harness_error")
WHATWG = "https://html.spec.whatwg.org/multipage/server-sent-events.html"
PHASES = [
    {"name": "idle-1", "start_s": 0.0, "end_s": 5.0, "streams": False},
    {"name": "streams-1", "start_s": 5.0, "end_s": 15.0, "streams": True},
    {"name": "idle-2", "start_s": 15.0, "end_s": 20.0, "streams": False},
    {"name": "streams-2", "start_s": 20.0, "end_s": 30.0, "streams": True},
]
TYPES = [
    {"type": "progress", "stage": "Crawl", "events": 1800, "bytes": 270_000,
     "latency_ms": {"p50": 2.1, "p95": 4.0, "p99": 5.7, "max": 9.0, "samples": 1800}},
    {"type": "connected", "stage": "", "events": 100, "bytes": 9000, "latency_ms": None},
    {"type": "other", "stage": "", "events": 7, "bytes": 70, "latency_ms": None},
]  # fmt: skip
THROUGHPUT = {
    "events": 1907,
    "bytes": 279_070,
    "events_per_s": {"mean": 66.7, "p50": 68.0, "max": 104.0},
    "bytes_per_s": {"mean": 9760.0, "p50": 9800.0, "max": 15_200.0},
}
HERD = {
    "waves": [
        {"at_s": 10.0, "streams": 48, "back": 48, "half_s": 2.07, "recover_s": 2.19, "refused": 12,
         "worst_connect_ms": 192.5},
        {"at_s": 20.0, "streams": 48, "back": 31, "half_s": 2.4, "recover_s": None, "refused": 90,
         "worst_connect_ms": 900.0},
    ],
    "retry_s": 2.0, "told": True, "stopped": 0, "promised": True,
    "returns": 79, "missed": 5, "away": 4000, "doubled": 0,
}  # fmt: skip
SHAPE = {
    "points": [[0, 0], [10, 50], [20, 50], [20, 20], [30, 20]],
    "since_s": 0.0,
    "least": {"at_s": 12.3, "wanted": 50, "held": 49},
}
SAMPLES_SCHEMA = pa.schema(
    [
        ("at_ms", pa.float64()),
        ("kind", pa.dictionary(pa.int32(), pa.string())),
        ("stream", pa.int32()),
        ("value", pa.float64()),
        ("delay_ms", pa.float32()),
        ("phase", pa.dictionary(pa.int32(), pa.string())),
    ]
)


def run_document(**changes: Any) -> Document:
    return {
        "schema": "ssegauge/run/1",
        "ssegauge": "0.1.0",
        "started": STARTED,
        "finished": "2025-11-24T09:30:41.250Z",
        "command": ["ssegauge", "run", "--target", "ssegauge.toml"],
        "machine": {
            "platform": "Linux-6.1.0-x86_64-with-glibc2.36",
            "python": "3.11.7",
            "cpus": 2,
            "memory_bytes": 25_282_195_456,
            "kernel": "6.1.0",
        },
        "packages": {"locust": "2.47.0", "httptools": "0.9.0"},
        "commit": "4d371ea",
        "target": {"base_url": "http://127.0.0.1:8205", "profile": "task-progress"},
        "interrupted": False,
    } | changes


def result(rule: str, verdict: str = "pass", **changes: Any) -> Document:
    return (
        {
            "rule": rule,
            "level": "must",
            "kind": "whatwg",
            "group": rule.partition("/")[0],
            "verdict": verdict,
            "title": rule.partition("/")[2].replace("-", " ").capitalize(),
            "summary": "Every one of 212 events was decoded as UTF-8.",
            "why": "A client replaces what it cannot decode, so the reader sees other text than was sent.",
            "mend": "Encode whole events as UTF-8; never cut a string between the bytes of one character.",
            "source": {
                "title": "WHATWG HTML, 9.2.5 Parsing an event stream",
                "url": f"{WHATWG}#parsing-an-event-stream",
                "quote": "Event streams in this format must always be encoded as UTF-8.",
            },
            "observations": 0 if verdict in {"not_judged", "not_observed", "not_applicable"} else 212,
            "evidence": [],
        }
        | ({"needs": "observe.pid = 4711"} if verdict == "not_observed" else {})
        | changes
    )


def evidence(excerpt: str, **changes: Any) -> Document:
    return {"transcript": "happy-path", "chunk": 3, "byte": 120, "at_ms": 812.4, "excerpt": excerpt} | changes


FAILING = [
    result(
        "wire/invalid-utf8",
        "fail",
        summary="Byte 0xC3 at offset 148 starts a character that the next byte does not continue.",
        evidence=[evidence('data: {"type":"progress","stage":"Analyse f\ufffd"}\r\n\r\n')],
    ),
    result(
        "lifecycle/stream-open-after-terminal",
        "fail",
        kind="profile",
        summary="The stream was still open 2.0 s after the completed event.",
        why="A client cannot tell a finished task from a stalled one; every reader holds a connection.",
        mend="End the response after the terminal event: call controller.close() in cleanup().",
        source={
            "title": "task-progress, sentence 6",
            "url": "conformance/profiles/task_progress/spec.md",
            "quote": "Then the server ends the stream properly.",
        },
        evidence=[
            evidence('id: 7\ndata: {"type":"progress","progress":{"status":"completed"}}\n\n', chunk=8),
            evidence("(nothing until the probe's limit)", transcript="late", chunk=None, byte=None, at_ms=None),
        ],
    ),
    result(
        "response/transformable",
        "fail",
        level="should",
        kind="http",
        summary="Cache-Control lacks no-transform.",
        evidence=[evidence("cache-control: no-cache", chunk=None)],
    ),
    result(
        "wire/unknown-field",
        "fail",
        level="advice",
        summary="A line `progress: 40` is ignored by every client.",
        evidence=[evidence("progress: 40\n")],
    ),
]
PASSING_NAMES = {
    "response": "status-not-200 content-type charset-not-utf8 content-length-on-stream cacheable",
    "wire": "truncated-event truncated-chunked-body repeated-bom mixed-line-endings retry-not-digits",
    "shape": "not-json not-an-object type-missing timestamp-missing timestamp-not-ms progress-out-of-range",
    "lifecycle": "connected-missing connected-late progress-regresses no-terminal completion-race",
    "resume": "ids-missing ids-repeated gap-on-resume duplicate-on-resume stale-id-refused",
    "errors": "unknown-task-hangs unknown-task-5xx unknown-task-body malformed-id-5xx failed-task-silent",
}
PASSING = [result(f"{group}/{name}") for group, names in PASSING_NAMES.items() for name in names.split()]
UNSEEN = [
    result(
        "cleanup/descriptors-grow",
        "not_observed",
        summary="The server's process is not known.",
        needs='observe.pid = 4711   (or: ssegauge check --spawn "COMMAND")',
    ),
    result(
        "security/stream-without-auth",
        "not_observed",
        summary="The target names no credentials.",
        needs='stream.headers = { Authorization = "Bearer ${TOKEN}" }',
    ),
    result("response/hop-by-hop-on-h2", "not_applicable", kind="http", summary="It speaks HTTP/1.1."),
]
RESULTS = (*PASSING, *FAILING, *UNSEEN)


def _verdict(breaks: bool, verdicts: list[str]) -> str:
    if breaks:
        return "fail"
    return "pass" if "pass" in verdicts and "harness_error" not in verdicts else "could_not_judge"


def conformance_document(results: Iterable[Document] = RESULTS, **changes: Any) -> Document:
    results = list(results)
    verdicts = [one["verdict"] for one in results]
    breaking = [one for one in results if one["verdict"] == "fail" and one["level"] == "must"]
    return {
        "schema": "ssegauge/conformance/1",
        "profile": "task-progress",
        "verdict": _verdict(any(not one.get("known") for one in breaking), verdicts),
        "strict": False,
        "counts": {name: verdicts.count(name) for name in VERDICTS},
        "transcripts": 41,
        "results": results,
    } | changes


def objective(rule: str, limit: float, value: float | None, unit: str = "ms", **changes: Any) -> Document:
    return {
        "rule": f"performance/{rule}",
        "limit": limit,
        "value": value,
        "unit": unit,
        "statistic": "p99",
        "samples": 50,
        "verdict": "pass",
    } | changes


def load_document(**changes: Any) -> Document:
    return {
        "schema": "ssegauge/load/1",
        "scenario": "progress",
        "verdict": "could_not_judge",
        "started": STARTED,
        "duration_s": 30.0,
        "users": 50,
        "rate": 100.0,
        "phases": PHASES,
        "objectives": [
            objective("concurrent-streams", 50, 50, "streams", statistic="held at once"),
            objective("connect-time", 1000, 12.3, samples=100, interval=[10.9, 15.2]),
            objective("update-latency", 2000, 5.84, samples=2000, interval=[5.1, 6.9]),
            objective("degradation", 1.05, 1.031, "ratio", statistic="ratio of medians", samples=600,
                      interval=[0.988, 1.074], verdict="could_not_judge",
                      note="The interval reaches past the limit: a longer run would narrow it."),
        ],
        "connections": {"requested": 100, "peak_open": 50, "failed": 0, "dropped": 1},
        "latency_ms": {
            "connect": {"p50": 5.1, "p95": 9.8, "p99": 12.3, "max": 14.0, "samples": 100},
            "update": {"p50": 2.2, "p95": 4.1, "p99": 5.8, "max": 9.0, "samples": 2000, "source": "planned"},
        },
        "integrity": {"sent": 2000, "received": 2000, "lost": 0, "duplicated": 0, "reordered": 0},
        "types": TYPES,
        "throughput": THROUGHPUT,
        "conformance": {"streams_judged": 100, "findings": []},
        "generator": {
            "delay_ms": {"p50": 0.06, "p99": 0.71, "max": 3.2},
            "cpu_percent": 11.5,
            "clock": "kernel",
            "saturated": False,
        },
    } | changes  # fmt: skip


def samples_frame(seed: int = 1, *, slower: float = 1.0, rate: int = 100, seconds: int = 30) -> pd.DataFrame:
    """Samples as the load run writes them, latencies `slower` times as long."""
    rng = np.random.default_rng(seed)
    phases = [phase for phase in PHASES if phase["streams"]]
    ramp = np.tile(np.linspace(0, 900, 50), len(phases))
    starts = np.repeat([phase["start_s"] for phase in phases], 50) * 1000 + ramp
    ends = np.repeat([phase["end_s"] for phase in phases], 50) * 1000 - 5
    updates = np.sort(rng.uniform(0, seconds * 1000, rate * seconds))
    existing = np.sort(rng.uniform(0, seconds * 1000, 20 * seconds))
    connect = rng.lognormal(1.6, 0.3, starts.size) * slower
    latency = rng.lognormal(0.8, 0.4, updates.size) * slower * (1 + 0.5 * np.sin(updates / 3000) ** 2)
    parts = [
        _part("open", starts + connect, np.ones(starts.size)),
        _part("open", ends, -np.ones(ends.size)),
        _part("connect", starts + connect, connect),
        _part("first_event", starts + connect, connect * 0.9),
        _part("update", updates, latency, rng.exponential(0.1, updates.size)),
        _part("existing", existing, rng.lognormal(0.4, 0.25, existing.size) * slower),
    ]
    return pd.concat(parts).sort_values("at_ms", kind="stable")


def write_run(folder: Path, *, samples: pd.DataFrame | None = None, **documents: Document | None) -> Path:
    """Write a run folder; a document given as None is left out."""
    folder.mkdir(parents=True, exist_ok=True)
    defaults = {"run": run_document(), "conformance": conformance_document(), "load": load_document()}
    for name, document in (defaults | documents).items():
        if document is not None:
            (folder / f"{name}.json").write_text(json.dumps(document), "utf-8")
    write_transcript(folder / "transcripts" / "happy-path.jsonl")
    if samples is not None:
        write_parts(folder / "samples", samples)
    return folder


def write_parts(folder: Path, frame: pd.DataFrame, rows: int = 1500) -> None:
    """Write samples in parts, as a run does second by second."""
    folder.mkdir(exist_ok=True)
    for number, start in enumerate(range(0, len(frame), rows)):
        table = pa.Table.from_pandas(frame.iloc[start : start + rows], SAMPLES_SCHEMA, preserve_index=False)
        pq.write_table(table, folder / f"{number:06}.parquet")


def transcript_lines() -> list[Document]:
    return [
        {
            "transcript": "ssegauge/transcript/1",
            "name": "happy-path",
            "probe": "happy-path",
            "role": "reader",
            "started_ms": 1_763_976_600_000.0,
            "request": {
                "method": "GET",
                "url": "http://127.0.0.1:1/x",
                "headers": [["a", "b"]],
                "body": None,
            },
            "facts": {},
        },
        {"head": {"at_ms": 4.1, "status": 200, "reason": "OK", "http_version": "HTTP/1.1", "headers": []}},
        {"chunk": {"at_ms": 5.0, "text": "data: 1\n\n"}},
        {"chunk": {"at_ms": 6.0, "b64": "w6k="}},
        {"end": {"at_ms": 9.0, "how": "eof", "detail": None}},
    ]


def write_transcript(path: Path) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text("".join(json.dumps(line) + "\n" for line in transcript_lines()), "utf-8")


def _part(kind: str, at_ms: Any, value: Any, delay_ms: Any = np.nan) -> pd.DataFrame:
    frame = pd.DataFrame({"at_ms": at_ms, "kind": kind, "stream": np.arange(len(value)) % 50, "value": value})
    bounds = [phase["start_s"] * 1000 for phase in PHASES]
    names = np.array([phase["name"] for phase in PHASES])
    phase = names[np.clip(np.searchsorted(bounds, frame["at_ms"], side="right") - 1, 0, len(names) - 1)]
    return frame.assign(delay_ms=delay_ms, phase=phase)
