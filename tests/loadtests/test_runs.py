"""Whole load runs against servers whose conduct is known."""

from __future__ import annotations

import contextlib
import json
import signal
import socket
import statistics
import subprocess
import sys
import textwrap
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pandas as pd
import psutil
import pytest

from ssegauge.conformance.recording import capture
from ssegauge.loadtests.running.cli import LOCUST, SCENARIOS
from tests.cli.command import at_once
from tests.loadtests.conftest import PATIENT, Load, reference_at, run_into, verdicts
from tests.loadtests.servers import (
    StampedSender,
    Tamper,
    lose_every,
    repeat_every,
    reply,
    scripted,
    swap_every,
    tasks,
)

# What a busy machine delays must not matter here, and an update is given up after two seconds.
LIMITS = "[limits]\nconnect_s = 30.0\nupdate_s = 1.0\n"


def samples_in(folder: Path) -> pd.DataFrame:
    return pd.read_parquet(folder / "samples")


def test_progress_on_a_good_server_finds_nothing_wrong(load: Load, reference_target: str, reference_url: str) -> None:
    document = load(reference_target, users=10, duration_s=2, rate=40)
    integrity = document["integrity"]
    assert integrity["sent"] == integrity["received"] > 60
    assert (integrity["lost"], integrity["duplicated"], integrity["reordered"]) == (0, 0, 0)
    assert document["connections"] == {
        "requested": 10,
        "peak_open": 10,
        "failed": 0,
        "dropped": 0,
        "drop_reasons": {},
    }
    assert document["latency_ms"]["connect"]["samples"] == 10
    assert document["latency_ms"]["update"]["source"] == "planned"
    assert verdicts(document)["concurrent-streams"] == "pass"
    assert verdicts(document)["event-lost"] == "pass"
    assert verdicts(document)["breaks-under-load"] == "pass"
    assert document["conformance"] == {"streams_judged": 10, "findings": []}
    with urllib.request.urlopen(f"{reference_url}/metrics.json") as metrics:
        assert json.load(metrics)["open_streams"] == 0


def test_an_endpoint_that_streams_slow_down_is_found_by_alternating_phases(load: Load, folder: Path) -> None:
    """Its time doubles while streams are open. Every stream is open in each phase with streams, none in the others."""
    with tasks() as server:
        target = server.target + '[existing]\npath = "/old"\n' + PATIENT
        document = load(target, users=5, duration_s=1, rate=20, extend_s=90)  # as long as a busy machine needs
    names = [phase["name"] for phase in document["phases"]]
    pairs = len(names) // 2
    assert pairs >= 4
    assert names == [f"{kind}-{number}" for number in range(1, pairs + 1) for kind in ("off", "on")]
    assert document["latency_ms"]["connect"]["samples"] == 5 * (
        1 + pairs
    )  # first they are held, and their latency measured
    assert document["connections"]["peak_open"] == 5
    assert document["integrity"]["lost"] == document["integrity"]["duplicated"] == 0
    (degradation,) = [item for item in document["objectives"] if item["rule"] == "performance/degradation"]
    assert degradation["verdict"] == "fail"
    frame = samples_in(folder)
    opened = frame[frame.kind == "open"].sort_values("at_ms")
    for phase in document["phases"]:
        before = opened[opened.at_ms < phase["start_s"] * 1e3].value.sum()
        assert before == (5 if phase["streams"] else 0)
    assert set(frame[frame.kind == "existing"].phase) == set(names)


def test_latency_by_time_stamps_is_right_to_two_milliseconds(load: Load) -> None:
    """A sender that knows its own delay is the truth, for no delay and for 50 ms."""
    for delay_s in (0.0, 0.05):
        sender = StampedSender(delay_s)
        with scripted(sender) as url:
            document = load(url, scenario="watch", users=30, duration_s=1)
        measured = document["latency_ms"]["update"]
        assert measured["source"] == "event-timestamp"
        assert measured["samples"] > 100
        assert measured["p50"] == pytest.approx(statistics.median(sender.delays_ms), abs=2.0)
        assert measured["p50"] >= delay_s * 1e3


TAMPERED: dict[str, tuple[Tamper, str]] = {
    "lost": (lose_every(10), "event-lost"),
    "duplicated": (repeat_every(10), "event-duplicated"),
    "reordered": (swap_every(10), "event-reordered"),
}


@pytest.fixture(scope="module")
def tampered_runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Future[tuple[dict[str, Any], int]]]]:
    """A run on each server that tampers with updates: load.json, and how many updates were tampered with."""
    folders = {kind: tmp_path_factory.mktemp(kind) / "run" for kind in TAMPERED}

    def watch(kind: str) -> tuple[dict[str, Any], int]:
        with tasks(TAMPERED[kind][0]) as server:
            options = {"scenario": "watch", "users": 4, "duration_s": 1.5, "rate": 40}
            return run_into(folders[kind], server.target + LIMITS, **options), server.posted // 10

    with at_once(watch, TAMPERED) as running:
        yield running


@pytest.mark.parametrize(("kind", "rule"), [(kind, rule) for kind, (_, rule) in TAMPERED.items()], ids=TAMPERED)
def test_what_a_server_does_to_updates_is_counted_and_nothing_else(
    kind: str, rule: str, tampered_runs: dict[str, Future[tuple[dict[str, Any], int]]]
) -> None:
    document, tampered = tampered_runs[kind].result()
    counts = {name: document["integrity"][name] for name in TAMPERED}
    expected = {name: 4 * tampered if name == kind else 0 for name in TAMPERED}
    assert counts[kind] == pytest.approx(expected[kind], abs=4)  # an update may fall to before a stream was open
    assert counts[kind] > 0
    assert {name: count for name, count in counts.items() if name != kind} == {
        name: 0 for name in TAMPERED if name != kind
    }
    failed = {name for name, verdict in verdicts(document).items() if verdict == "fail"}
    assert failed & {rule for _, rule in TAMPERED.values()} == {rule}


def test_a_server_that_dies_fails_and_what_was_measured_is_kept(load: Load, folder: Path) -> None:
    with tasks() as server:

        def die_once_updates_arrive(status: object) -> None:
            if server.update_arrived.is_set():
                server.die()

        document = load(
            server.target + LIMITS,
            scenario="watch",
            users=5,
            duration_s=3,
            rate=20,
            on_progress=die_once_updates_arrive,
        )
    assert document["verdict"] == "fail"
    assert document["connections"]["dropped"] == 5
    assert verdicts(document)["concurrent-streams"] == "fail"
    assert (samples_in(folder).kind == "update").any()


def test_a_load_process_that_is_killed_leaves_its_samples(load: Load, folder: Path) -> None:
    def kill_once_updates_arrive(status: object) -> None:
        assert isinstance(status, dict)
        if status["received"]:
            for child in psutil.Process().children():
                if LOCUST in child.cmdline():
                    child.kill()

    with tasks() as server:
        document = load(
            server.target, scenario="watch", users=5, duration_s=30, rate=20, on_progress=kill_once_updates_arrive
        )
    assert document["verdict"] == "could_not_judge"
    assert "ended before its time" in document["generator"]["note"]
    assert (samples_in(folder).kind == "update").any()
    assert document["latency_ms"]["update"]["samples"] > 0


def test_interrupted_once_it_saves_and_exits_130_and_leaves_no_process(tmp_path: Path) -> None:
    out = tmp_path / "run"
    with tasks() as server:
        (tmp_path / "target.toml").write_text(server.target)
        line = [sys.executable, "-m", "ssegauge", "load", str(tmp_path / "target.toml"), "--out", str(out)]
        line += ["--scenario", "watch", "--users", "5", "--duration", "60s", "--rate", "20"]
        with subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
            assert server.update_arrived.wait(30)
            children = psutil.Process(process.pid).children(recursive=True)
            process.send_signal(signal.SIGINT)
            said, _ = process.communicate()
    assert process.returncode == 130, said.decode()
    assert json.loads((out / "load.json").read_text())["integrity"]["received"] > 0
    assert json.loads((out / "run.json").read_text())["interrupted"]
    assert len(samples_in(out)) > 0
    assert children
    assert not psutil.wait_procs(children, timeout=10)[1]


def test_several_processes_make_one_run(load: Load, reference_target: str, folder: Path) -> None:
    document = load(reference_target, users=8, duration_s=1, rate=80, processes=2)
    assert document["connections"]["peak_open"] == 8
    assert document["integrity"]["sent"] == document["integrity"]["received"] > 40
    assert document["integrity"]["lost"] == 0
    opened = samples_in(folder).query("kind == 'open'")
    assert {stream // 1_000_000 for stream in opened.stream} == {0, 1}
    assert opened.value.sum() == 0
    assert [path.name for path in (folder / "samples").iterdir()] == ["samples.parquet"]


def test_streams_under_load_are_judged_by_the_rules(load: Load, folder: Path) -> None:
    fault = "shape/timestamp-not-ms"
    line = [sys.executable, "-m", "ssegauge.reference_server", "--port", "0", "--fault", fault]
    with subprocess.Popen(line, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout
        url = server.stdout.readline().split()[-1]
        document = load(reference_at(url), users=5, duration_s=1, rate=20)
        server.terminate()
    assert verdicts(document)["breaks-under-load"] == "fail"
    (finding,) = document["conformance"]["findings"]
    assert finding["rule"] == fault
    shown = {evidence["transcript"] for evidence in finding["evidence"]}
    assert shown == {path.stem for path in (folder / "transcripts").iterdir()}
    for name in shown:
        assert capture.load(folder / "transcripts" / f"{name}.jsonl").head


def test_locusts_own_files_show_the_same_requests_under_understandable_names(
    reference_target: str, tmp_path: Path
) -> None:
    (tmp_path / "target.toml").write_text(reference_target)
    line = [sys.executable, "-m", "locust", "-f", str(SCENARIOS / "progress.py"), "--headless", "-u", "5", "-r", "50"]
    line += ["--target", str(tmp_path / "target.toml"), "--out", str(tmp_path / "run"), "--duration", "1"]
    line += ["--rate", "100", "--csv", str(tmp_path / "stats"), "--only-summary"]
    done = subprocess.run(line, capture_output=True, text=True, timeout=60, check=False)
    document = json.loads((tmp_path / "run" / "load.json").read_text())
    assert done.returncode == {"pass": 0, "fail": 1, "could_not_judge": 2}[document["verdict"]], done.stderr
    shown = pd.read_csv(tmp_path / "stats_stats.csv").set_index("Name")
    update = shown.loc["SSE update"]
    assert update["Request Count"] == document["latency_ms"]["update"]["samples"]
    assert update["Max Response Time"] == pytest.approx(document["latency_ms"]["update"]["max"], abs=0.001)
    assert shown.loc["SSE connect", "Request Count"] == 5
    assert shown.loc["POST update", "Request Count"] >= update["Request Count"]
    assert shown.loc["POST /api/brand-monitor/tasks", "Request Count"] == 5
    assert (tmp_path / "run" / "run.json").exists()


def test_each_test_started_from_locusts_page_has_a_folder_of_its_own(reference_target: str, tmp_path: Path) -> None:
    (tmp_path / "target.toml").write_text(reference_target)
    with socket.create_server(("127.0.0.1", 0)) as probe:
        page = f"http://127.0.0.1:{probe.getsockname()[1]}"
    line = [sys.executable, "-m", "locust", "-f", str(SCENARIOS / "watch.py"), "--web-host", "127.0.0.1"]
    line += ["--web-port", page.rpartition(":")[2], "--target", str(tmp_path / "target.toml"), "--duration", "1"]
    with subprocess.Popen([*line, "--rate", "20"], cwd=tmp_path, stderr=subprocess.DEVNULL) as locust:
        for number, users in enumerate((3, 4), 1):
            swarm(page, users)
            wait_until(lambda: len(list((tmp_path / "runs").glob("*/load.json"))) == number)  # noqa: B023 - used at once
        locust.terminate()
    documents = [json.loads(path.read_text()) for path in sorted((tmp_path / "runs").glob("*/load.json"))]
    assert [document["connections"]["peak_open"] for document in documents] == [3, 4]
    assert all(document["integrity"]["received"] > 0 for document in documents)


def swarm(page: str, users: int) -> None:
    """Start a test as Locust's page does, once the page is there."""
    form = urllib.parse.urlencode({"user_count": users, "spawn_rate": 50, "host": ""}).encode()

    def is_started() -> bool:
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{page}/swarm", data=form):
            return True
        return False

    wait_until(is_started)


def wait_until(condition: Callable[[], bool]) -> None:
    give_up = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < give_up
        time.sleep(0.05)


OWN = """
    import time
    from ssegauge import SSEUser

    class Dashboard(SSEUser):
        path = "/events"

        def on_event(self, kind, data, last_event_id):
            done = time.perf_counter() + {burn}
            while time.perf_counter() < done:
                pass
"""


def own_locustfile(folder: Path, burn: float) -> str:
    (folder / "own.py").write_text(textwrap.dedent(OWN.format(burn=burn)))
    return str(folder / "own.py")


def test_a_locustfile_of_ones_own_measures_the_same(load: Load, tmp_path: Path) -> None:
    with scripted(StampedSender(0.0)) as url:
        target = f'base_url = "{url}"\nprofile = "event-stream"\n[stream]\npath = "/"\n{PATIENT}'
        document = load(target, scenario=own_locustfile(tmp_path, 0), users=3, duration_s=2)
    assert document["scenario"] == "custom"
    assert document["latency_ms"]["update"]["samples"] > 20
    assert verdicts(document)["update-latency"] == "pass"


def test_a_generator_that_is_the_limit_judges_nothing(load: Load, tmp_path: Path) -> None:
    """Its limits are those of a fast server, so that what blocks the event loop for 50 ms is out of place at once."""
    with scripted(StampedSender(0.0)) as url:
        target = f'base_url = "{url}"\nprofile = "event-stream"\n[stream]\npath = "/"\n[limits]\nconnect_s = 0.2\n'
        document = load(target, scenario=own_locustfile(tmp_path, 0.05), users=2, duration_s=1)
    assert document["generator"]["saturated"]
    assert document["verdict"] == "could_not_judge"
    assert "the generator was the limit" in document["generator"]["note"]


def test_a_short_run_with_few_samples_judges_nothing(load: Load, reference_target: str) -> None:
    document = load(reference_target, scenario="watch", users=2, duration_s=0.5, rate=2)
    assert document["verdict"] == "could_not_judge"
    assert verdicts(document)["update-latency"] == "could_not_judge"
    assert verdicts(document)["connect-time"] == "could_not_judge"


def test_a_wrong_path_judges_nothing_and_says_why(load: Load) -> None:
    with scripted(lambda connection, _: connection.sendall(reply(b"{}", "404 Not Found"))) as url:
        document = load(url, scenario="watch", users=3, duration_s=30)
    assert document["verdict"] == "could_not_judge"
    assert "no stream could be opened: status 404 x 3" in document["generator"]["note"]
    assert document["duration_s"] < 25
