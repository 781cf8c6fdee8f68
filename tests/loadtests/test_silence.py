"""A run that ends with streams on which nothing comes any more: when it is told, and when not."""

import socket
import time

import numpy as np
import pytest

from ssegauge.loadtests.judging.silence import at_the_end
from tests.loadtests.conftest import PATIENT, Load
from tests.loadtests.servers import HEAD, scripted

EACH_SECOND = [(1000.0 * second, 10.0) for second in range(1, 7)]
RUNS = {
    "nothing in the last four seconds": (EACH_SECOND, 10_000, 4.0),
    "reports of nothing": ([*EACH_SECOND, (7000.0, 0.0), (8000.0, 0.0), (9500.0, 0.0)], 10_000, 4.0),
    "two processes": ([*EACH_SECOND, *((at + 400, count) for at, count in EACH_SECOND)], 10_000, 3.6),
    "the usual pause": (EACH_SECOND, 8_500, None),
    "a stream that pauses": ([(1000.0, 3.0), (5000.0, 3.0), (6000.0, 1.0), (10_000.0, 3.0)], 20_000, None),
    "too little to know": (EACH_SECOND[:3], 60_000, None),
    "nothing at all": ([(1000.0, 0.0)] * 9, 60_000, None),
}


@pytest.mark.parametrize(("reports", "until_ms", "lasted_s"), RUNS.values(), ids=RUNS)
def test_silence_out_of_the_ordinary(
    reports: list[tuple[float, float]], until_ms: float, lasted_s: float | None
) -> None:
    found = at_the_end(*np.array(reports).T, until_ms)
    assert (found.lasted_s if found else None) == (pytest.approx(lasted_s) if lasted_s else None)


def test_a_run_over_streams_that_fell_silent_says_so(load: Load) -> None:
    begun: list[float] = []

    def script(connection: socket.socket, _: bytes) -> None:
        begun.append(time.monotonic())
        connection.sendall(HEAD + b"Connection: close\r\n\r\n")
        number = 0
        while True:
            number += 1
            connection.sendall(b": on\n" if time.monotonic() > begun[0] + 5 else b"data: %d\n\n" % number)
            time.sleep(0.1)

    target = 'base_url = "{url}"\nprofile = "event-stream"\n[stream]\npath = "/"\n[promises]\nshared = false\n'
    with scripted(script) as url:
        document = load(
            target.format(url=url) + PATIENT, users=20, duration_s=10, objectives=("gap_max < 3s", "gap_p50 < 1s")
        )
    found = {item["rule"].partition("/")[2]: item for item in document["objectives"]}
    assert found["all-silent"]["verdict"] == "could_not_judge"
    assert "no stream was told anything in the last" in found["all-silent"]["note"]
    assert (found["gap-max"]["verdict"], found["gap-p50"]["verdict"]) == ("fail", "pass")  # the pause is not over
