"""When an event says that it was made: which stamps count, and why others do not."""

from __future__ import annotations

import json
import math
import socket
import time
from datetime import UTC, datetime, timedelta, timezone

import pytest

from ssegauge.loadtests.measuring.stamps import made
from ssegauge.reports.loaded import facts
from tests.loadtests.conftest import Load
from tests.loadtests.servers import HEAD, scripted

STREAM = 'base_url = "{url}"\n[stream]\npath = "/"\n'
AT_TWO = 1_795_831_200_000.0  # 2026-11-28T02:00:00Z
STAMPS: dict[str, tuple[dict[str, object], float | str | None]] = {
    "UTC": ({"time": "2026-11-28T02:00:00.123Z"}, AT_TWO + 123),
    "the last millisecond of an hour": ({"time": "2026-11-28T01:59:59.999Z"}, AT_TWO - 1),
    "the first of a year, elsewhere": (
        {"date": "2027-01-01T00:00:00.000+05:30"},
        AT_TWO + 33 * 86_400_000 + 59_400_000,
    ),
    "half an hour off": ({"time": "2026-11-28T07:30:00.000+05:30"}, AT_TWO),
    "behind, without a colon": ({"ts": "2026-11-27T18:00:00.000-0800"}, AT_TWO),
    "microseconds": ({"sent_at": "2026-11-28T02:00:00.000250+00:00"}, AT_TWO + 0.25),
    "nanoseconds": ({"@timestamp": "2026-11-28T02:00:00.000250999Z"}, AT_TWO + 0.25),
    "a comma, a space, small letters": ({"datetime": "2026-11-28 02:00:00,500z"}, AT_TWO + 500),
    "the newest of two": ({"time": "2026-11-28T02:00:00.000Z", "sentAt": "2026-11-28T02:00:00.007Z"}, AT_TWO + 7),
    "a number beside a text": ({"timestamp": 1_795_831_200_500, "time": "2026-11-28T02:00:00.123Z"}, AT_TWO + 500),
    "milliseconds with a fraction": ({"ts": 1_795_831_200_000.25}, AT_TWO + 0.25),
    "microseconds since 1970": ({"timestamp": 1_795_831_200_000_500}, AT_TWO + 0.5),
    "nanoseconds since 1970": ({"at": 1_795_831_200_000_250_000}, AT_TWO + 0.25),
    "in quotes": ({"ts": "1795831200000"}, "ts is a number in quotes"),
    "no zone": ({"time": "2026-11-28T02:00:00.123"}, "time names no time zone"),
    "whole seconds": ({"timestamp": "2026-11-28T02:00:00Z"}, "timestamp tells no milliseconds"),
    "a leap second": ({"time": "2026-12-31T23:59:60.000Z"}, "time is no time that there is"),
    "seconds with a fraction": ({"ts": 1_795_831_200.123456}, AT_TWO + 123.456),
    "seconds whose fraction may have ended in zeros": ({"ts": 1_795_831_200.5}, None),
    "whole seconds since 1970": ({"timestamp": 1_795_831_200}, "timestamp is in seconds, and tells no milliseconds"),
    "a number of 400 digits": ({"ts": 10**400}, None),
    "since the server was started": (
        {"timestamp": 4_200, "ts": -1, "time": 0.5, "at": 1 << 80, "date": math.nan},
        None,
    ),
    "of something else": ({"expires": "2026-11-28T02:00:00.123Z", "startedAt": "2026-11-28T02:00:00.123Z"}, None),
    "in an envelope": ({"meta": {"ts": 1_795_831_200_500}, "header": {"ts": 1_795_831_200_600}}, AT_TWO + 500),
    "its own before its envelope's": ({"at": 1_795_831_200_700, "meta": {"ts": 1_795_831_200_500}}, AT_TWO + 700),
    "in what it is about": ({"order": {"ts": 1_795_831_200_500}, "meta": [1_795_831_200_500]}, None),
    "no time of the day": ({"date": "2026-11-28", "time": "soon", "ts": True}, None),
}


@pytest.mark.parametrize(("fields", "told"), STAMPS.values(), ids=STAMPS)
def test_when_an_event_was_made(fields: dict[str, object], told: float | str | None) -> None:
    found = made(fields)
    assert found == (pytest.approx(told, abs=0.001) if isinstance(told, float) else told)


def test_events_are_timed_by_their_dates_and_what_cannot_be_is_told(load: Load) -> None:
    late = timedelta(milliseconds=40)

    def script(connection: socket.socket, _: bytes) -> None:
        connection.sendall(HEAD + b"Connection: close\r\n\r\n")
        for number in range(1000):
            now = datetime.now(UTC) - late
            aware, naive = now.astimezone(timezone(timedelta(hours=5, minutes=30))), now.replace(tzinfo=None)
            data = json.dumps(
                {"number": number, "time": (naive if number % 2 else aware).isoformat(timespec="microseconds")}
            )
            connection.sendall(f"data: {data}\n\n".encode())
            time.sleep(0.02)

    with scripted(script) as url:
        document = load(STREAM.format(url=url), users=2, duration_s=2)
    update = document["latency_ms"]["update"]
    assert update["samples"] > 20
    assert 40 <= update["p50"] < 60
    assert dict(facts(document))["not timed"].endswith("cannot count from: time names no time zone")
