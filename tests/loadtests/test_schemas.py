"""Under load every event is held to the schema that is promised, however late it comes and on whatever stream."""

from __future__ import annotations

import socket
import time
from collections import Counter
from itertools import count
from pathlib import Path

import pytest

from ssegauge.conformance.target import Ends, Promises
from ssegauge.loadtests.measuring.clocks import Clocks
from ssegauge.loadtests.measuring.event_types import EventTypes
from ssegauge.loadtests.measuring.log import Log
from ssegauge.loadtests.measuring.samples import Rows
from ssegauge.loadtests.measuring.schemas import KEPT, MOST_REASONS, NO_JSON, UNCHECKED, Schemas
from ssegauge.loadtests.measuring.witnesses import Room
from tests.loadtests.conftest import PATIENT, Load
from tests.loadtests.servers import OPEN_HEAD, scripted

NUMBER = {"properties": {"v": {"type": "number"}}}
PROMISED = Promises(schema={"tick": NUMBER, "*": {"required": ["v"]}}, ends=Ends(data="BYE"))


def counted(promises: Promises = PROMISED) -> tuple[Schemas, Counter[str]]:
    told: Counter[str] = Counter()
    return Schemas(promises, lambda many, why: told.update({why: many})), told


@pytest.mark.parametrize(
    ("kind", "data", "found"),
    [
        ("tick", '{"v": 1}', ""),
        ("tick", '{"v": "x"}', "breaks the schema at /v: "),
        ("message", "{}", "'v' is a required property"),
        ("message", "hello", NO_JSON),
        ("message", "[DONE]", None),
        ("message", "BYE", None),
    ],
)
def test_an_event_is_held_to_the_schema_of_its_type(kind: str, data: str, found: str | None) -> None:
    schemas, told = counted()
    schemas.take(kind, data)
    assert told.total() == (found is not None)
    assert found is None or all((found in why) if found else not why for why in told)


def test_types_without_a_schema_are_not_looked_at() -> None:
    schemas, _ = counted(Promises(schema={"tick": NUMBER}))
    assert (schemas.look("tock", "no JSON"), schemas.look("tick", '{"v": 1}')) == (UNCHECKED, KEPT)


def test_ever_new_reasons_fill_no_memory() -> None:
    schemas, _ = counted()
    found = {schemas.look("tick", f'{{"v": "{number}"}}') for number in range(10 * MOST_REASONS)}
    assert len(found) <= MOST_REASONS


def test_what_many_streams_are_told_alike_is_looked_at_once_and_counted_on_each() -> None:
    schemas, told = counted()
    looks = []
    look, schemas.look = schemas.look, lambda *event: looks.append(event) or look(*event)  # type: ignore[func-returns-value,method-assign]
    log = Log(Rows(), EventTypes(), Clocks(), Room(), schemas=schemas)
    for number in range(40):
        place = log.admit(number, 1, 1)
        for data in ('{"v": 1}', '{"v": []}'):
            log.note(place, log.reading([("tick", data, "")]), 10, 1, 5)  # type: ignore[list-item]
    log.settle()
    assert len(looks) == 2
    assert sorted(told.values()) == [40, 40]


def late_breaker(connection: socket.socket, _: bytes) -> None:
    """Sends 40 events of 4 KiB that are right, which is more than is recorded, and then wrong ones."""
    connection.sendall(OPEN_HEAD)
    for number in count():
        value = b"%d" % number if number < 40 else b'"x"'
        connection.sendall(b'data: {"v": %s, "p": "%s"}\n\n' % (value, b"a" * 4096))
        time.sleep(0.02)


def test_events_that_break_it_behind_what_is_recorded_fail_the_run(load: Load, tmp_path: Path) -> None:
    (tmp_path / "v.json").write_text('{"properties": {"v": {"type": "number"}}}')
    with scripted(late_breaker) as url:
        target = f'base_url = "{url}"\nprofile = "event-stream"\n[stream]\npath = "/"\n{PATIENT}'
        target += f'[promises]\nschema = "{tmp_path}/v.json"\n'
        document = load(target, scenario="watch", users=3, duration_s=2)
    assert document["verdict"] == "fail"
    found = document["checks"]
    assert 0 < found["failed"] < found["events"]
    ((why, many),) = found["reasons"].items()
    assert why.startswith("breaks the schema at /v")
    assert many == found["failed"]
