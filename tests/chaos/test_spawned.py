"""A server that --spawn started ends with the run, however the run ends and whatever the server does against it."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from ssegauge.conformance.errors import CannotJudge
from ssegauge.conformance.recording import spawned
from ssegauge.conformance.target import Call, Target
from tests.chaos.stage import free_port
from tests.cli.command import wait_until

# Each leaves a process that listens, and says which processes there are.
SERVER = """
import os, signal, socket, sys, time
def listen():
    listener = socket.create_server(("127.0.0.1", int(sys.argv[1])), backlog=64)
    print("listening", flush=True)
    while True:
        listener.accept()[0].close()
def forks():
    os.fork() or listen()
    os.wait()
def leaves_its_parent():
    os.fork() and os._exit(0)
    os.setsid()
    os.fork() and os._exit(0)
    listen()
def has_a_session_of_its_own():
    os.fork() or (os.setsid(), listen())
    os.wait()
def ignores_sigterm():
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    os.fork() or listen()
    time.sleep(1000)
def prints_without_end():
    os.fork() or listen()
    while True:
        os.write(1, b"noise " * 1000)
def forks_when_told_to_end():
    signal.signal(signal.SIGTERM, lambda *_: os.fork())
    listen()
def stops_itself():
    os.fork() or listen()
    os.kill(os.getpid(), signal.SIGSTOP)
locals()[sys.argv[2]]()
"""
KINDS = [line[4:-3] for line in SERVER.splitlines() if line.startswith("def ") and "listen()" not in line]
RUN = """
import sys, time
from ssegauge.conformance.recording.spawned import running
from ssegauge.conformance.target import Call, Target
with running(Target(sys.argv[1], Call("/", "GET")), sys.argv[2]) as target:
    print(target.observe.pid, flush=True)
    time.sleep(1000)
"""


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "server.py"
    path.write_text(SERVER)
    return path


def target_and_command(script: Path, kind: str) -> tuple[Target, str]:
    port = free_port()
    return Target(f"http://127.0.0.1:{port}", Call("/", "GET")), f"{sys.executable} -S {script} {port} {kind}"


def alive(processes: list[psutil.Process]) -> list[psutil.Process]:
    return [one for one in processes if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]


def below(pid: int | None) -> list[psutil.Process]:
    assert pid
    return [(keeper := psutil.Process(pid)), *keeper.children(recursive=True)]


@pytest.mark.parametrize("kind", KINDS)
def test_it_ends_with_the_run(kind: str, script: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spawned, "STOP_S", 0.3)
    target, command = target_and_command(script, kind)
    with spawned.running(target, command) as observed:
        processes = below(observed.observe.pid)
        assert len(processes) > 1
    assert alive(processes) == []


def test_it_ends_when_the_run_is_killed(script: Path) -> None:
    target, command = target_and_command(script, "has_a_session_of_its_own")
    line = [sys.executable, "-c", RUN, target.base_url, command]
    with subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as run:
        assert run.stdout
        processes = below(int(run.stdout.readline()))
        run.kill()
    assert len(processes) > 2
    wait_until(lambda: not alive(processes), "nothing is left")


def test_the_command_ends_with_a_keeper_that_is_killed(script: Path) -> None:
    target, command = target_and_command(script, "stops_itself")
    with spawned.running(target, command) as observed:
        keeper, kept, *_ = below(observed.observe.pid)
        os.kill(keeper.pid, signal.SIGKILL)
        wait_until(lambda: not alive([kept]), "the command has ended")


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("no-such-program", "No such file"),
        ("", "no command"),
        ("'", "No closing quotation"),
        ("sh -c 'sleep 60 & exit 3'", "ended with status 3 before it listened"),
        ("sh -c 'kill -9 $$'", "ended with status 137 before it listened"),
    ],
)
def test_what_does_not_come_up_is_said_at_once(command: str, said: str) -> None:
    target = Target(f"http://127.0.0.1:{free_port()}", Call("/", "GET"))
    with pytest.raises(CannotJudge, match=said), spawned.running(target, command):
        pass
