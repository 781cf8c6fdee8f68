"""The server that ``--spawn`` names: started, waited for until it listens, and stopped with all that it has started."""

from __future__ import annotations

import contextlib
import os
import shlex
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from ssegauge.conformance.errors import CannotJudge
from ssegauge.conformance.recording import keeper
from ssegauge.conformance.recording.machine import address
from ssegauge.conformance.recording.overheard import Overheard
from ssegauge.conformance.target import Target

START_S = 30.0
STOP_S = 5.0  # between SIGTERM and SIGKILL
KEEPER_S = 10.0  # until the keeper itself is taken for stuck


@contextmanager
def running(target: Target, command: str | None) -> Iterator[Target]:
    """Yield the target; with a command its server runs meanwhile, kept by ``keeper``: it ends however we end.

    The target's process id is then that of the keeper, so that its tree is all that the command has started, unless
    the target names another.

    Raises CannotJudge when the command cannot be run, ends by itself, or does not listen within 30 s.
    """
    if command is None:
        yield target
        return
    if _listens(target):
        raise CannotJudge(f"--spawn: something already listens at {target.base_url}; stop it, or leave --spawn out")
    process, overheard = _started(command, target)
    try:
        _wait_until_listening(process, command, target, overheard)
        yield replace(target, observe=replace(target.observe, pid=target.observe.pid or process.pid))
    finally:
        _stop(process)


def _started(command: str, target: Target) -> tuple[subprocess.Popen[bytes], Overheard]:
    ours, its = os.pipe()
    try:
        if not (words := shlex.split(command)):
            raise ValueError("no command")
        process = subprocess.Popen(  # noqa: S603 - the user's own command
            [sys.executable, "-I", "-S", keeper.__file__, str(STOP_S), *words],
            start_new_session=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=its,
        )
    except (OSError, ValueError) as error:
        os.close(ours)
        raise CannotJudge(f"--spawn {command!r}: {error}") from None
    finally:
        os.close(its)
    assert process.stdout
    with process.stdout as told:
        said = told.readline().decode("utf-8", "replace").strip()
    if said != "started":
        _stop(process)
        os.close(ours)
        raise CannotJudge(f"--spawn {command!r}: {said}")
    return process, Overheard(ours, target.secrets)


def _wait_until_listening(process: subprocess.Popen[bytes], command: str, target: Target, overheard: Overheard) -> None:
    deadline = time.monotonic() + START_S
    while not _listens(target):
        if process.poll() is not None:
            raise CannotJudge(
                f"--spawn {command!r} ended with status {process.returncode} before it listened{overheard.said()}"
            )
        if time.monotonic() > deadline:
            raise CannotJudge(
                f"--spawn {command!r} does not listen at {target.base_url} after {START_S:g} s{overheard.said(0)}"
            )
        time.sleep(0.05)


def _listens(target: Target) -> bool:
    try:
        socket.create_connection(address(target), timeout=1).close()
    except (OSError, ValueError):
        return False
    return True


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Let the lifeline go, so that the keeper ends the server; one that does not is killed."""
    assert process.stdin
    with contextlib.suppress(OSError):
        process.stdin.close()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(STOP_S + KEEPER_S)
    process.kill()
    process.wait()
