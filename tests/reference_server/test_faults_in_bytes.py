"""Faults that show in the bytes of a stream that is read from its beginning to its end.

Each fault is shown by a predicate that is true of the faulty server's bytes and false of the healthy server's.
"""

import asyncio
import functools
import itertools
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

BOM = b"\xef\xbb\xbf"


@dataclass
class Seen:
    """What two tasks looked like: one that completed and one that failed."""

    happy: Any
    failing: Any
    task_id: str


def look(serving: Any, *faults: str) -> Seen:
    async def read() -> Seen:
        async with serving(*faults) as site:
            happy, failing = await site.create(manual=True), await site.create(manual=True)
            streams = [await site.stream(task_id) for task_id in (happy, failing)]
            for stream in streams:
                await stream.saw(b'"status":"pending"')
            for percent in (0, 20, 40, 60, 80):
                await site.update(happy, status="running", progress=percent, estimatedTimeRemaining=1)
            await site.update(happy, status="completed", results={"visibilityScore": 1})
            await site.update(failing, status="running")
            await site.update(failing, status="failed", error="Start the analysis again in a minute.")
            return Seen(*[await stream.whole() for stream in streams], happy)

    return asyncio.run(read())


@functools.cache
def healthy(serving: Any) -> Seen:
    return look(serving)


def lines(seen: Seen) -> list[bytes]:
    return list(seen.happy.body.replace(b"\r\n", b"\n").split(b"\n"))


def has_line(start: bytes) -> Callable[[Seen], bool]:
    return lambda seen: any(line.startswith(start) for line in lines(seen))


def field(name: str, value: str | None) -> Callable[[Seen], bool]:
    return lambda seen: bool(seen.happy.fields.get(name) == value)


def lacks(*members: str) -> Callable[[Seen], bool]:
    """Some event with an ID lacks a member."""

    def is_seen(seen: Seen) -> bool:
        values = seen.happy.events + seen.failing.events
        for member in members[:-1]:
            values = [value[member] for value in values if member in value]
        return any(members[-1] not in value for value in values)

    return is_seen


def some_report(member: str, is_wrong: Callable[[Any], bool]) -> Callable[[Seen], bool]:
    return lambda seen: any(map(is_wrong, seen.happy.reports(member) + seen.failing.reports(member)))


def some_stamp(is_wrong: Callable[[int], bool]) -> Callable[[Seen], bool]:
    return lambda seen: any(is_wrong(event["timestamp"]) for event in seen.happy.events)


def data_lines(seen: Seen) -> list[bytes]:
    return [line[6:] for line in lines(seen) if line.startswith(b"data: ")]


def some_data(is_wrong: Callable[[bytes], bool]) -> Callable[[Seen], bool]:
    return lambda seen: any(map(is_wrong, data_lines(seen)))


def is_not_json(data: bytes) -> bool:
    try:
        json.loads(data)
    except ValueError:
        return True
    return False


def types(seen: Seen) -> list[str]:
    return [event.get("type", "") for event in seen.happy.events]


def falls(values: list[Any]) -> bool:
    return any(later < earlier for earlier, later in itertools.pairwise(values))


PROOFS: dict[str, Callable[[Seen], bool]] = {
    "response/status-not-200": lambda seen: seen.happy.status != 200,
    "response/content-type": lambda seen: not seen.happy.fields["content-type"].startswith("text/event-stream"),
    "response/charset-not-utf8": lambda seen: "iso-8859-1" in seen.happy.fields["content-type"],
    "response/content-length-on-stream": lambda seen: "content-length" in seen.happy.fields,
    "response/te-and-content-length": lambda seen: {"content-length", "transfer-encoding"} <= {*seen.happy.fields},
    "response/cacheable": lambda seen: "max-age" in seen.happy.fields["cache-control"],
    "response/transformable": lambda seen: "no-transform" not in seen.happy.fields["cache-control"],
    "response/proxy-buffering-hint": lambda seen: seen.happy.fields["x-accel-buffering"] != "no",
    "response/unregistered-coding": field("content-encoding", "none"),
    "response/no-nosniff": field("x-content-type-options", None),
    "response/date-missing": field("date", None),
    "wire/invalid-utf8": lambda seen: b"\xe9" in seen.happy.body,
    "wire/nothing-dispatched": lambda seen: b"\n\n" not in seen.happy.body,
    "wire/truncated-event": lambda seen: not seen.happy.body.endswith(b"\n\n"),
    "wire/truncated-chunked-body": lambda seen: not seen.happy.is_complete and seen.happy.at_end,
    "wire/repeated-bom": lambda seen: seen.happy.body.startswith(BOM + BOM),
    "wire/mid-stream-bom": lambda seen: BOM in seen.happy.body[3:],
    "wire/mixed-line-endings": lambda seen: b"}\r\n" in seen.happy.body and b"}\n" in seen.happy.body,
    "wire/retry-not-digits": has_line(b"retry: 3s"),
    "wire/retry-extreme": has_line(b"retry: 86400000"),
    "wire/id-with-nul": has_line(b"id: 4\0"),
    "wire/field-case": has_line(b"Retry:"),
    "wire/unknown-field": has_line(b"time:"),
    "wire/unprefixed-data": lambda seen: b"data: {\n  " in seen.happy.body,
    "wire/block-without-data": lambda seen: any(b"data:" not in block for block in seen.happy.blocks),
    "wire/event-named-open-or-error": has_line(b"event: open"),
    "wire/id-too-long": lambda seen: len(seen.happy.ids[-1]) > 128,
    "wire/oversized-event": lambda seen: any(len(block) > 65536 for block in seen.happy.blocks),
    "wire/misread-by-common-clients": lambda seen: seen.happy.body.startswith(BOM),
    "shape/not-json": some_data(is_not_json),
    "shape/not-an-object": some_data(lambda data: data.startswith(b"[")),
    "shape/duplicate-keys": some_data(lambda data: data.count(b'"type"') > 1),
    "shape/not-a-json-number": some_data(lambda data: b"NaN" in data),
    "shape/type-missing": lacks("type"),
    "shape/type-unknown": lambda seen: bool({*types(seen)} - {"connected", "progress", ""}),
    "shape/task-id-mismatch": lambda seen: {event["taskId"] for event in seen.happy.events} != {seen.task_id},
    "shape/inner-task-id-mismatch": lambda seen: {*seen.happy.reports("taskId")} != {seen.task_id},
    "shape/named-event": has_line(b"event: progress"),
    "shape/timestamp-missing": lacks("timestamp"),
    "shape/timestamp-not-ms": some_stamp(lambda stamp: stamp < 10**12),
    "shape/timestamp-skewed": some_stamp(lambda stamp: stamp > (time.time() + 1800) * 1000),
    "shape/timestamp-regresses": lambda seen: falls([event["timestamp"] for event in seen.happy.events[1:]]),
    "shape/progress-missing": lambda seen: any(
        event["type"] == "progress" and "progress" not in event for event in seen.happy.events
    ),
    "shape/status-unknown": some_report("status", lambda status: status == "processing"),
    "shape/stage-empty": some_report("stage", lambda stage: stage == ""),
    "shape/progress-not-a-number": some_report("progress", lambda value: isinstance(value, str)),
    "shape/progress-out-of-range": some_report("progress", lambda value: not 0 <= value <= 100),
    "shape/message-missing": lacks("progress", "message"),
    "shape/eta-negative": some_report("estimatedTimeRemaining", lambda left: left is not None and left < 0),
    "shape/results-before-completed": lambda seen: any(seen.happy.reports("results")[:-1]),
    "shape/completed-without-results": lambda seen: not seen.happy.reports("results")[-1],
    "shape/failed-without-error": lambda seen: not seen.failing.reports("error")[-1],
    "lifecycle/connected-missing": lambda seen: "connected" not in types(seen),
    "lifecycle/connected-not-first": lambda seen: types(seen)[:2] == ["progress", "connected"],
    "lifecycle/connected-repeated": lambda seen: types(seen).count("connected") > 1,
    "lifecycle/progress-regresses": lambda seen: falls(seen.happy.reports("progress")),
    "lifecycle/illegal-transition": lambda seen: "pending" in seen.happy.reports("status")[1:],
    "lifecycle/no-terminal": lambda seen: seen.happy.reports("status")[-1] == "running",
    "lifecycle/terminal-repeated": lambda seen: seen.happy.reports("status").count("completed") > 1,
    "lifecycle/event-after-terminal": lambda seen: types(seen)[-1] == "error",
    "lifecycle/completed-below-100": lambda seen: seen.happy.reports("progress")[-1] == 80,
    "resume/ids-missing": lambda seen: not seen.happy.ids,
    "resume/ids-repeated": lambda seen: len({*seen.happy.ids}) < len(seen.happy.ids),
    "resume/id-on-synthetic-event": lambda seen: b"id: " in seen.happy.blocks[0],
    "resume/retry-missing": lambda seen: not has_line(b"retry: ")(seen),
    "delivery/polled": lambda seen: len(seen.happy.ids) < 7,
    "errors/failed-task-silent": lambda seen: "failed" not in seen.failing.reports("status"),
    "errors/error-without-guidance": lambda seen: seen.failing.reports("error")[-1] == "Error",
    "errors/error-leaks-internals": lambda seen: "Traceback" in seen.failing.reports("error")[-1],
    "performance/event-lost": lambda seen: len(seen.happy.ids) < 7,
    "performance/event-duplicated": lambda seen: len(seen.happy.ids) > 7,
    "performance/event-reordered": lambda seen: falls(seen.happy.ids),
}


@pytest.mark.parametrize("code", PROOFS)
def test_the_fault_shows_and_the_healthy_server_does_not_have_it(code: str, serving: Any) -> None:
    proof = PROOFS[code]
    assert proof(look(serving, code))
    assert not proof(healthy(serving))


@pytest.mark.parametrize("code", [code for code in PROOFS if code.startswith(("response/", "wire/", "shape/"))])
def test_a_fault_of_form_leaves_the_course_of_events_alone(code: str, serving: Any) -> None:
    ids = [event_id.rpartition(".")[2].rstrip("\r") for event_id in look(serving, code).happy.ids]
    assert [number for number in ids if number.isdigit()] == [str(number) for number in range(7)]
