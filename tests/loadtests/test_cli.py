"""Before a load run: what cannot work is said in one line, at once."""

from __future__ import annotations

import io
import resource
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ssegauge.conformance.errors import CannotJudge
from ssegauge.conformance.target import Call, Target, from_toml, from_url
from ssegauge.loadtests.running import cli, process
from ssegauge.loadtests.running.cli import Options, command, describe, run_load
from ssegauge.loadtests.running.options import from_json, to_json
from tests.loadtests.servers import TARGET

DRIVEN = from_toml(TARGET.format(port=1))


def test_nobody_listening_is_said_at_once(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        target = from_toml(TARGET.format(port=closed.getsockname()[1]))
    with pytest.raises(
        CannotJudge, match=r":\d+/[^ ]+: cannot connect \(Connection refused\); is the server running\?"
    ):
        run_load(target, tmp_path, Options())


@pytest.mark.parametrize(
    ("target", "scenario"), [(DRIVEN, "progress"), (from_url("http://127.0.0.1:1/events"), "watch")]
)
def test_the_hooks_choose_the_scenario(target: Target, scenario: str) -> None:
    assert cli.with_scenario(Options(), target).scenario == scenario


@pytest.mark.parametrize(
    ("target", "options", "remedy"),
    [
        (from_url("http://127.0.0.1:1/events"), Options("progress"), r"add \[task.create_manual\] and \[task.update\]"),
        (
            Target("http://127.0.0.1:1", Call("/{task_id}")),
            Options(scenario="watch"),
            r"add \[task.create\] to the target file",
        ),
        (
            DRIVEN,
            Options(scenario="nonsense"),
            "none of churn, herd, progress, requests, slow, soak, watch, nor the path of a locustfile",
        ),
        (DRIVEN, Options(users=10**9), r"use --users \d+ or fewer, --processes, or raise"),
    ],
)
def test_what_cannot_work_says_what_would(target: Target, options: Options, remedy: str, tmp_path: Path) -> None:
    with pytest.raises(CannotJudge, match=remedy) as raised:
        run_load(target, tmp_path, options)
    assert "\n" not in str(raised.value)


def test_the_limit_of_open_files_is_raised() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(soft, 512), hard))
    cli.make_room(Options(users=5))
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == (hard, hard)


def test_a_target_survives_being_handed_over() -> None:
    target = from_toml(
        """
base_url = "https://example.org"
headers = { Authorization = "Bearer ${TOKEN}" }
[stream]
path = "/s/{task_id}"
[task.create]
path = "/tasks"
json = { steps = 5 }
[existing]
path = "/old"
[observe]
open_streams = { path = "/m", value = "/n" }
[limits]
connect_s = 0.5
[tls]
verify = false
""",
        environ={"TOKEN": "geheim"},
    )
    assert from_json(to_json(target)) == target
    assert from_json(to_json(target)).secrets == target.secrets >= {"geheim"}


MODES: dict[str, tuple[Options, set[str], set[str]]] = {
    "alone": (Options(), {"--headless"}, {"--master", "--worker", "--processes", "--web-port"}),
    "with Locust's page": (Options(web=True), {"--web-port"}, {"--headless"}),
    "processes": (Options(processes=4), {"--processes", "--headless"}, {"--master"}),
    "master": (Options(master=True), {"--master", "--expect-workers", "--headless"}, {"--worker"}),
    "worker": (Options(worker=True), {"--worker", "--master-host"}, {"--headless", "--master"}),
}


@pytest.mark.parametrize(("options", "present", "absent"), MODES.values(), ids=MODES)
def test_the_command_line_of_each_mode(options: Options, present: set[str], absent: set[str]) -> None:
    words = set(command(replace(options, scenario="watch"), Path("out")))
    assert present <= words
    assert not absent & words


def test_secrets_are_on_no_command_line() -> None:
    target = from_toml(TARGET.format(port=1) + '[stream.headers]\nX-Key = "${KEY}"\n', environ={"KEY": "geheim"})
    assert target.secrets == {"geheim"}
    assert "geheim" not in " ".join(command(Options(scenario="watch"), Path("out")))


STATUS: dict[str, Any] = {
    "stage": "holding streams",
    "open": 49,
    "users": 50,
    "sent": 10,
    "received": 9,
    "p99_ms": 1.5,
    "failed": 0,
    "dropped": 1,
    "left_s": 12.3,
    "rate": 5.0,
    "refused": 0,
}


def test_a_status_is_one_line() -> None:
    assert describe(STATUS) == (
        "holding streams: 49 of 50 streams open, 10 updates sent, 9 received, p99 1.5 ms, 1 dropped, 12 s left"
    )
    assert "left" not in describe(STATUS | {"left_s": None})
    assert "49 of 50 streams open, 9 events timed, p99" in describe(STATUS | {"rate": None})
    assert "left" not in describe(STATUS | {"left_s": 0.0})  # what is waited for then has no end of its own
    asking = STATUS | {"finished": 0}
    assert "49 streams open, no answer has ended yet" in describe(asking)
    assert "49 streams open, 7 answers finished" in describe(asking | {"finished": 7})
    assert "3 refused" in describe(STATUS | {"refused": 3})


def test_the_process_that_starts_locust_is_not_patched_by_it() -> None:
    code = "import sys, ssegauge.loadtests.running.cli; print(sorted({'gevent', 'locust'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


@pytest.mark.parametrize(
    ("options", "streams"),
    [
        (Options("watch", users=50), 1),
        (Options("watch", users=10_000), 100),
        (Options("watch", users=1_000, processes=4), 25),
        (Options("watch", users=10_007), 1),  # a prime: all are held, one by each user
        (Options("own.py", users=10_000), 1),  # its class says how many
    ],
)
def test_very_many_streams_are_held_by_fewer_users(options: Options, streams: int) -> None:
    assert cli.streams_per_user(options) == streams
    assert options.users % streams == 0


def test_what_broke_off_a_run_is_told_and_not_the_tables_that_follow() -> None:
    log = io.BytesIO(
        b"Traceback (most recent call last):\n  File x\nValueError: it broke\n name |  reqs\n------|------\n"
    )
    assert process.tail(log) == "ValueError: it broke"
