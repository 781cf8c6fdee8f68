"""A locustfile of the user's own with a mistake in it: the run judges nothing, and says where the mistake is."""

import re
import socket
from pathlib import Path

import pytest

from tests.loadtests.conftest import Load, verdicts
from tests.loadtests.servers import OPEN_HEAD, StampedSender, scripted

MISTAKEN = """
from ssegauge import SSEUser

class Dashboard(SSEUser):
    path = "/events"

    def on_event(self, kind, data, last_event_id):
        raise KeyError("stage")
"""


def test_an_error_in_on_event_is_not_the_servers(load: Load, tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(MISTAKEN)
    with scripted(StampedSender(0.0)) as url:
        document = load(url, scenario=str(tmp_path / "own.py"), users=3, duration_s=1)
    assert set(verdicts(document).values()) == {"could_not_judge"}
    assert "on_event raised KeyError: 'stage' x " in document["generator"]["note"]
    assert not document["generator"]["saturated"]
    assert document["connections"]["dropped"] == 0


def test_what_raises_in_a_user_voids_the_run_and_makes_no_storm(load: Load, tmp_path: Path) -> None:
    """Locust starts a task that raised anew at once; a hundred times in a second, each with a connection."""
    (tmp_path / "own.py").write_text(
        MISTAKEN.replace("on_event(self, kind, data, last_event_id)", "choose_task(self, node)")
    )
    with scripted(StampedSender(0.0)) as url:
        document = load(url, scenario=str(tmp_path / "own.py"), users=3, duration_s=1)
    assert document["verdict"] == "could_not_judge"
    (count,) = re.findall(r"KeyError in a user: 'stage' x (\d+)", document["generator"]["note"])
    assert int(count) < 20


MANY = """
from beside_it import PATH
from ssegauge import SSEUser

class Dashboards(SSEUser):
    path = PATH
    streams = 7
"""


def test_a_user_may_hold_many_streams(load: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A locustfile may import its neighbours; one called as a library is, and Locust's own options, do nothing."""
    (tmp_path / "pandas.py").write_text(MANY)
    (tmp_path / "beside_it.py").write_text('PATH = "/events"')
    for library in ("h2", "numpy", "pyarrow", "httptools", "jsonschema"):
        (tmp_path / f"{library}.py").write_text('raise ValueError("mine")')
    (tmp_path / "locust.conf").write_text("tags = nonsense")
    monkeypatch.chdir(tmp_path)
    with scripted(StampedSender(0.0)) as url:
        document = load(url, scenario="pandas.py", users=3, duration_s=1)
    found = document["connections"]
    assert (found["requested"], found["peak_open"], found["failed"], found["dropped"]) == (21, 21, 0, 0)


SLOW = """
import gevent
from ssegauge import SSEUser
from ssegauge.loadtests.stream import session

session.MOST_WAITING = 5
seen = []

class Dashboard(SSEUser):
    path = "/events"

    def on_event(self, kind, data, last_event_id):
        gevent.sleep(0.001)
        seen.append(int(data))
        assert seen == list(range(len(seen)))
"""


def test_own_code_that_is_slow_gets_every_event_in_order_while_the_stream_waits(load: Load, tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(SLOW)
    count = 300

    def script(connection: socket.socket, _: bytes) -> None:
        connection.sendall(OPEN_HEAD + b"".join(b"data: %d\n\n" % number for number in range(count)))
        connection.recv(1)

    with scripted(script) as url:
        document = load(url, scenario=str(tmp_path / "own.py"), users=1, duration_s=2)
    assert "note" not in document["generator"]
    assert document["connections"]["dropped"] == 0


DEFECT = """
from ssegauge import SSEUser
from ssegauge.loadtests.judging import summary

class Dashboard(SSEUser):
    path = "/events"

def broken(*_):
    raise KeyError("a defect of ours")

summary.summarize = broken
"""


def test_a_defect_at_the_end_of_a_run_ends_it(load: Load, tmp_path: Path) -> None:
    """It is said, what was measured is judged as of a run that ended early, and nothing waits for ever."""
    (tmp_path / "own.py").write_text(DEFECT)
    with scripted(StampedSender(0.0)) as url:
        document = load(url, scenario=str(tmp_path / "own.py"), users=2, duration_s=1)
    assert document["verdict"] == "could_not_judge"
    assert "the load process ended before its time" in document["generator"]["note"]


CHECKS = """
from ssegauge import Failed, SSEUser

class Dashboard(SSEUser):
    path = "/events"

    def on_event(self, kind, data, last_event_id):
        if "timestamp" not in data:
            raise Failed("no time stamp")
"""


def test_an_event_that_own_code_finds_wrong_counts_against_the_server(load: Load, tmp_path: Path) -> None:
    """The sender's greeting has no time stamp; the stream goes on, and nothing else is the worse for it."""
    (tmp_path / "own.py").write_text(CHECKS)
    with scripted(StampedSender(0.0)) as url:
        document = load(url, scenario=str(tmp_path / "own.py"), users=3, duration_s=1)
    assert document["checks"]["failed"] == 3
    assert document["checks"]["reasons"] == {"no time stamp": 3}
    assert document["checks"]["events"] > 6
    (found,) = [one for one in document["objectives"] if one["rule"] == "performance/event-checks"]
    assert found["note"] == "no time stamp x 3"
    assert found["verdict"] in {"fail", "could_not_judge"}  # the latter where the machine is too busy to judge at all
    assert document["connections"]["dropped"] == 0
