"""Processes that stay stopped are ended; others, and those that go on, are left alone."""

import contextlib
import signal
import subprocess
import sys
from collections.abc import Iterator

import psutil
import pytest

from ssegauge.loadtests.running.frozen import ended_when_frozen
from tests.cli.command import wait_until

TREE = "import subprocess, sys; subprocess.run([sys.executable, '-S', '-c', 'import time; time.sleep(100)'])"


@pytest.fixture
def tree() -> Iterator[tuple[psutil.Process, psutil.Process]]:
    with subprocess.Popen([sys.executable, "-S", "-c", TREE]) as process:
        leader = psutil.Process(process.pid)
        wait_until(lambda: bool(leader.children()), "its child is there")
        (child,) = leader.children()
        yield leader, child
        for one in (child, leader):
            with contextlib.suppress(psutil.Error):
                one.kill()


def test_a_stopped_worker_is_ended_and_its_leader_goes_on(tree: tuple[psutil.Process, psutil.Process]) -> None:
    leader, child = tree
    with ended_when_frozen(leader.pid, 0.05):
        child.send_signal(signal.SIGSTOP)
        wait_until(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE, "it has ended")
    assert leader.wait(10) == 0


def test_a_stopped_leader_is_ended(tree: tuple[psutil.Process, psutil.Process]) -> None:
    leader, child = tree
    with ended_when_frozen(leader.pid, 0.05):
        leader.send_signal(signal.SIGSTOP)
        wait_until(lambda: leader.status() == psutil.STATUS_ZOMBIE, "it has ended")
    assert child.is_running()


def test_one_that_was_stopped_for_a_moment_is_left_alone(tree: tuple[psutil.Process, psutil.Process]) -> None:
    leader, _ = tree
    with ended_when_frozen(leader.pid, 100.0):
        leader.send_signal(signal.SIGSTOP)
        wait_until(lambda: leader.status() == psutil.STATUS_STOPPED, "it is stopped")
        leader.send_signal(signal.SIGCONT)
    assert leader.is_running()
