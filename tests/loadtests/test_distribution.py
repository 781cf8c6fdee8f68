"""One master and three workers, as on four machines: their figures are what was sent, and none may go missing."""

from __future__ import annotations

import contextlib
import re
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from ssegauge.conformance.errors import CannotJudge
from ssegauge.conformance.target import from_url
from ssegauge.loadtests.judging import health
from ssegauge.loadtests.running import joining
from ssegauge.loadtests.running.cli import LOCUST, Options, command, find_limit, make_room, run_load, run_worker
from ssegauge.loadtests.running.sources import addresses
from tests.loadtests.conftest import run_into
from tests.loadtests.servers import OPEN_HEAD, scripted
from tests.loadtests.test_runs import samples_in

WORKERS = 3
STREAMS = 9
EVENTS = 20
STEP_S = 0.01
NOWHERE = from_url("http://127.0.0.1:1/events")


@dataclass
class KnownSender:
    """Sends each stream ``EVENTS`` events, those of another stream after another delay, and then nothing.

    ``delays_ms`` is from each event's stamp to just before it was sent; ``sent_ms`` to just after.
    """

    delays_ms: list[float] = field(default_factory=list)
    sent_ms: list[float] = field(default_factory=list)
    peers: list[str] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    def __call__(self, connection: socket.socket, _: bytes) -> None:
        self.peers.append(connection.getpeername()[0])
        delay_s = STEP_S * len(self.peers)
        connection.sendall(OPEN_HEAD + b'data: {"type":"hello"}\n\n')
        for _ in range(EVENTS):
            made_ms = int(time.time() * 1000)
            time.sleep(delay_s)
            before_ms = time.time_ns() / 1e6 - made_ms
            connection.sendall(b'data: {"timestamp":%d}\n\n' % made_ms)
            self.delays_ms.append(before_ms)
            self.sent_ms.append(time.time_ns() / 1e6 - made_ms)
        connection.recv(1)  # until the reader leaves


def a_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    return port


@contextlib.contextmanager
def workers(url: str, options: Options) -> Iterator[None]:
    """Three workers by one command, as on a machine of their own."""
    alone = replace(options, master=False, worker=True, processes=WORKERS, users=50)
    thread = threading.Thread(target=run_worker, args=(from_url(url), alone))
    thread.start()
    yield
    thread.join(60)
    assert not thread.is_alive()


@dataclass
class Whole:
    """A run, and what was really sent in it."""

    document: dict[str, Any]
    folder: Path
    sender: KnownSender


def vars_of(options: Options) -> dict[str, Any]:
    return {name: getattr(options, name) for name in options.__slots__}


@pytest.fixture
def master() -> Options:
    return Options("watch", users=STREAMS, master=True, expect_workers=WORKERS, master_port=a_port())


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Whole:
    """A run of which a worker is killed once all has been reported: so its figures can be held against the truth."""
    folder, sender, killed = tmp_path_factory.mktemp("whole") / "run", KnownSender(), []
    options = Options("watch", users=STREAMS, duration_s=5, master=True, expect_workers=WORKERS, master_port=a_port())

    def kill_one(status: Any) -> None:
        if status["received"] == STREAMS * EVENTS and not killed:
            tree = [child for child in psutil.Process().children(recursive=True) if LOCUST in child.cmdline()]
            (parent,) = [one for one in tree if "--worker" in one.cmdline() and one.ppid() == psutil.Process().pid]
            killed.append(parent.children()[0])
            killed[0].kill()

    with scripted(sender) as url, workers(url, replace(options, source="127.0.0.2-127.0.0.4")):
        document = run_into(folder, url, on_progress=kill_one, **vars_of(options))
    assert killed
    return Whole(document, folder, sender)


def test_what_three_workers_measure_is_what_was_sent(whole: Whole) -> None:
    sender, update = whole.sender, whole.document["latency_ms"]["update"]
    assert whole.document["connections"]["peak_open"] == STREAMS == len(sender.peers)
    assert update["samples"] == STREAMS * EVENTS == len(sender.delays_ms)
    for name in ("p50", "p95", "p99"):
        share = float(name[1:])
        # The kernel stamps between these two, but for what it puts off while the machine is busy.
        assert np.percentile(sender.delays_ms, share) <= update[name] <= np.percentile(sender.sent_ms, share) + 20
    updates = samples_in(whole.folder).query("kind == 'update'")
    assert Counter(updates.stream.value_counts()) == {EVENTS: STREAMS}
    assert Counter(number // 1_000_000 for number in updates.stream.unique()) == {0: 3, 1: 3, 2: 3}
    assert Counter(sender.peers) == dict.fromkeys(("127.0.0.2", "127.0.0.3", "127.0.0.4"), 3)  # each takes turns


def test_a_worker_that_is_killed_is_named_and_nothing_is_judged(whole: Whole) -> None:
    note = whole.document["generator"]["note"]
    assert whole.document["verdict"] == "could_not_judge"  # exit status 2
    assert re.fullmatch(r"ended before their time: \S+; what they had not reported by then is missing, .*", note)
    assert {objective["verdict"] for objective in whole.document["objectives"]} == {"could_not_judge"}


def test_a_master_that_was_left_alone_says_so(master: Options) -> None:
    told = joining.lonely(replace(master, join_s=1.0), f"locust.main: {joining.GAVE_UP} to connect")
    assert told.startswith(f"--master: fewer than {WORKERS} workers came within 1 s; start them with `")
    assert "not heard of" in joining.lonely(replace(master, master=False, worker=True), f"no {joining.UNHEARD}")
    assert joining.lonely(Options(), "anything") == ""


def test_a_worker_without_a_master_says_so(master: Options) -> None:
    with pytest.raises(CannotJudge, match=r"--worker: no master at 127.0.0.1:\d+ within 0.1 s \(Connection refused\);"):
        run_worker(NOWHERE, replace(master, master=False, worker=True, join_s=0.1))


AMISS: dict[str, tuple[Options, str]] = {
    "both": (Options(master=True, worker=True), "--master and --worker: "),
    "a master with processes": (Options(master=True, processes=2), "--master and --processes: a master holds no"),
}


@pytest.mark.parametrize(("options", "complaint"), AMISS.values(), ids=AMISS)
def test_what_does_not_go_together_is_one_line(options: Options, complaint: str, tmp_path: Path) -> None:
    with pytest.raises(CannotJudge, match=complaint):
        run_load(NOWHERE, tmp_path, options)


def test_a_search_leads_no_workers(tmp_path: Path) -> None:
    with pytest.raises(CannotJudge, match="--find-limit: workers end with each run"):
        find_limit(NOWHERE, tmp_path, Options(master=True))


def test_a_master_needs_a_port_that_is_free_and_no_descriptors_for_streams(tmp_path: Path) -> None:
    with socket.create_server(("0.0.0.0", 0)) as taken:
        options = Options(master=True, master_port=taken.getsockname()[1])
        with pytest.raises(CannotJudge, match=r"--master-port .*: cannot listen there"):
            run_load(NOWHERE, tmp_path, options)
    make_room(Options(master=True, users=10**9))


def test_workers_of_one_command_join_the_master_that_was_named() -> None:
    line = command(Options("watch", worker=True, processes=3, master_host="lead", master_port=6000), Path())
    assert line[line.index("--master-port") + 1] == "6000"
    assert line[line.index("--processes") + 1] == "3"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ()),
        ("127.0.0.2", ("127.0.0.2",)),
        ("127.0.0.2-127.0.0.4, ::1", ("127.0.0.2", "127.0.0.3", "127.0.0.4", "::1")),
    ],
)
def test_addresses_to_come_from(text: str, expected: tuple[str, ...]) -> None:
    assert addresses(text) == expected


@pytest.mark.parametrize("text", ["localhost", "127.0.0.9-127.0.0.2", "127.0.0.1-::1", "192.0.2.7", "127.0.0.0/8"])
def test_what_is_no_address_of_this_machine_is_one_line(text: str) -> None:
    with pytest.raises(CannotJudge, match=r"^--source .*; write addresses of this machine"):
        addresses(text)


def test_a_machine_with_a_clock_of_its_own_is_named() -> None:
    assert health.clocks_apart({}) == health.clocks_apart({"a": 300.0, "b": -900.0}) == ""
    assert "the clock of b is 2.0 s ahead of that of the master" in health.clocks_apart({"a": 1.0, "b": -2000.0})
    assert "the clock of a is 3,600.0 s behind that" in health.clocks_apart({"a": 3.6e6, "b": 0.0})


def test_a_bound_of_this_machine_is_not_the_servers_fault() -> None:
    assert health.own_limit(Counter({"connection refused": 3})) == ""
    told = health.own_limit(Counter({"connection refused": 3, "cannot assign requested address": 1200}))
    assert told.startswith("the generator was the limit: cannot assign requested address x 1,200; ")


def test_locust_still_has_the_words_that_are_looked_for() -> None:
    from importlib.util import find_spec

    spec = find_spec("locust")  # not imported: it would patch this process
    assert spec
    assert spec.origin
    package = Path(spec.origin).parent
    assert joining.GAVE_UP in (package / "main.py").read_text()
    assert joining.UNHEARD in (package / "runners.py").read_text()


def test_a_worker_does_not_build_locusts_parser_for_each_option_of_each_message() -> None:
    code = "from ssegauge.loadtests.running import hooks; from locust import argument_parser as one;"
    code += "assert one.default_args_dict() is one.default_args_dict()"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)  # Locust patches the process that imports it
