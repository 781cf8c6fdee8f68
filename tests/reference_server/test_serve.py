"""The server as a process: one line, one reason, a proper end."""

import asyncio
import json
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from inspect import signature
from typing import Any

import httpx
import pytest

from ssegauge.reference_server import PROFILES, CannotServe, Profile, faults_of, serve, start
from ssegauge.reference_server.__main__ import main
from tests.forked import serving

TASKS = "/api/brand-monitor/tasks"
COMMAND = [sys.executable, "-m", "ssegauge.reference_server", "--port", "0"]


@pytest.fixture
def process() -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(COMMAND, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        yield process
        process.kill()


def base_url(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    line = process.stdout.readline()
    assert line.startswith("ssegauge reference server on http://127.0.0.1:")
    return line.split()[-1]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_streams_properly_and_the_process_well(
    process: subprocess.Popen[str], number: signal.Signals
) -> None:
    with httpx.Client(base_url=base_url(process), timeout=20) as client:
        task_id = client.post(TASKS, json={"manual": True}).json()["taskId"]
        with client.stream("GET", f"/api/brand-monitor/progress/{task_id}") as response:
            pieces = response.iter_text()
            body = next(pieces)
            process.send_signal(number)
            body += "".join(pieces)  # raises if the body is cut
    assert "failed" not in body
    assert (process.wait(20), process.stderr and process.stderr.read()) == (0, "")


def test_a_task_lost_in_a_restart_is_404_and_says_so() -> None:
    async def lose() -> Any:
        async with start(drain_s=0.1) as first, httpx.AsyncClient(base_url=first) as client:
            task_id = (await client.post(TASKS, json={"manual": True})).json()["taskId"]
        async with start(drain_s=0.1) as second, httpx.AsyncClient(base_url=second) as client:
            headers = {"Last-Event-ID": f"{task_id}.0"}
            return await client.get(f"/api/brand-monitor/progress/{task_id}", headers=headers)

    answer = asyncio.run(lose())
    assert (answer.status_code, answer.json()["error"]) == (404, "unknown_task")
    assert "restart" in answer.json()["message"]


def test_what_happens_is_told_in_lines_of_json_on_stderr() -> None:
    command = [*COMMAND, "--log-level", "info"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        with httpx.Client(base_url=base_url(process), timeout=20) as client:
            task_id = client.post(TASKS, json={"steps": 1, "interval_ms": 50}).json()["taskId"]
            client.get(f"/api/brand-monitor/progress/{task_id}")
        process.terminate()
        assert process.stderr
        lines = [json.loads(line) for line in process.stderr.read().splitlines()]
    assert {"time", "level", "logger", "message", "task"} <= {*lines[0]}
    assert {line["task"] for line in lines} == {task_id}
    told = [line["message"] for line in lines]
    assert sorted(told) == ["stream closed", "stream opened", "task created", "task ended"]


def test_a_taken_port_is_one_line_that_says_what_to_do() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(
            CannotServe,
            match=f"{port}: Address already in use .*; choose another",
        ):
            serve(port=port)


@pytest.mark.parametrize("host", ["host.invalid", "192.0.2.1"])
def test_an_address_that_is_not_ours_is_one_line(host: str) -> None:
    with pytest.raises(CannotServe, match=f"cannot listen on {host} port 0: "):
        serve(host, 0)


def test_an_unknown_fault_names_the_nearest() -> None:
    with pytest.raises(CannotServe, match="there is no fault 'wire/invalid-utf9'; did you mean wire/invalid-utf8 or "):
        serve(port=0, faults=["wire/invalid-utf9"])


def test_a_fault_of_another_profile_names_it() -> None:
    with pytest.raises(CannotServe, match=r"event-stream has no fault shape/type-missing; .* --profile task-progress"):
        serve(port=0, profile="event-stream", faults=["shape/type-missing"])


@pytest.mark.parametrize(
    ("profile", "option", "there_is"), [("event-stream", "slots", "--pace"), ("task-progress", "pace", "--token")]
)
def test_an_option_of_another_profile_is_one_line(profile: Profile, option: str, there_is: str) -> None:
    with pytest.raises(CannotServe, match=f"--{option} is no option of profile {profile}; there is .*{there_is}"):
        serve(port=0, profile=profile, **{option: 1})


def test_only_what_the_command_line_takes_is_offered() -> None:
    taken = {f"--{name.replace('_', '-')}" for name in signature(main).parameters}
    for profile in PROFILES:
        with pytest.raises(CannotServe, match="--nonsense is no option") as caught:
            serve(port=0, profile=profile, nonsense=1)
        offered = set(str(caught.value).partition("there is ")[2].split(", "))
        assert {"--heartbeat", "--token"} <= offered <= taken


@pytest.mark.parametrize("profile", PROFILES)
def test_every_profile_lists_its_faults_with_what_they_do(profile: Profile) -> None:
    command = [*COMMAND, "--profile", profile, "--faults"]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    assert lines == [f"{code}: {about}" for code, about in faults_of(profile).items()]
    assert [line for line in lines if not re.fullmatch(r"[a-z0-9-]+(/[a-z0-9-]+(:[a-z0-9-]+)?)?: [^\n]+\.", line)] == []


@pytest.mark.parametrize("profile", PROFILES)
def test_every_profile_serves(profile: Profile) -> None:
    with serving(["--profile", profile]) as server:
        assert httpx.get(f"{server.base_url}/health").json() == {"status": "ok"}


@pytest.mark.parametrize("heartbeat", [0, -1, float("nan")])
def test_a_heartbeat_that_cannot_be_is_one_line(heartbeat: float) -> None:
    with pytest.raises(CannotServe, match="heartbeat must be"):
        serve(port=0, heartbeat=heartbeat)


def test_the_command_says_what_is_wrong_and_returns_2() -> None:
    done = subprocess.run([*COMMAND, "--fault", "wire/nothing"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.count("\n"), done.stdout) == (2, 1, "")


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
def test_ipv4_ipv6_and_names_are_listened_on(host: str) -> None:
    with subprocess.Popen([*COMMAND, "--host", host], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        url = process.stdout.readline().split()[-1]
        assert httpx.get(f"{url}/health").json() == {"status": "ok"}
        process.terminate()
