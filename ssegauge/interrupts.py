"""Ctrl-C, SIGTERM and SIGHUP, all as KeyboardInterrupt; while a command is still being imported, as its end.

Imports take half a second, and an exception that comes in their midst is lost, or becomes another, as often as not.
Until ``begin`` nothing is there to be saved or stopped, so the process just ends then.
"""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from types import FrameType
from typing import NoReturn

INTERRUPTED = 130  # the exit status
_begun = False


def listen() -> None:
    """Take the signals from now on."""
    signal.signal(signal.SIGINT, _interrupt)  # shells start background jobs with SIGINT ignored
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # as nohup has it
            signal.signal(number, lambda *_: os.kill(os.getpid(), signal.SIGINT))


def begin() -> None:
    """Say that there is now something to save: from here on every interrupt is a KeyboardInterrupt."""
    global _begun  # noqa: PLW0603 - there is one process
    _begun = True


def tell() -> None:
    """Say in one line that there was an interrupt, unless there is something saved to speak of instead."""
    if not _begun:
        with suppress(OSError):
            os.write(2, b"ssegauge: interrupted\n")


def leave() -> NoReturn:
    """End the process at once."""
    tell()
    os._exit(INTERRUPTED)


def _interrupt(_number: int, frame: FrameType | None) -> None:
    if not _begun and _is_import(frame):
        leave()
    raise KeyboardInterrupt


def _is_import(frame: FrameType | None) -> bool:
    while frame:
        if frame.f_globals.get("__name__") == "importlib._bootstrap":
            return True
        frame = frame.f_back
    return False
