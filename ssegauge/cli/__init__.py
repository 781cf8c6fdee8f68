"""The command line: puts the packages' work together, shows it, and turns verdicts into exit statuses.

0 judged and good; 1 judged and not good; 2 could not judge; 130 interrupted, with what was measured so far saved.
"""

from __future__ import annotations

import codecs
import errno
import functools
import os
import sys
import traceback
from contextlib import AbstractContextManager, nullcontext
from io import TextIOWrapper
from typing import NoReturn

import typer

from ssegauge import interrupts
from ssegauge.cli.commands import app
from ssegauge.cli.words import spelled_out
from ssegauge.cli.work import errors

__all__ = ["main"]
SIGNS = {"✓": "+", "✗": "x", "·": ".", "…": "~", "–": "-", "—": "-", "×": "x"}
# A disk, or another place that we write to, takes no more, or no more may be opened: that is no defect of ours.
FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS, errno.EMFILE, errno.ENFILE})


def _plain(error: UnicodeError) -> tuple[str, int]:
    """Write what an encoding lacks in plain characters: our own signs by others, all else as an escape."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = error.object[error.start : error.end]
    return "".join(SIGNS.get(one) or one.encode("ascii", "backslashreplace").decode() for one in text), error.end


codecs.register_error("plain", _plain)


def main() -> NoReturn:
    """Run the command line; the one place where errors become exit statuses."""
    interrupts.listen()
    _open_what_is_closed()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # whatever the terminal's encoding, and a path's bytes, are
            stream.reconfigure(errors="plain")
    try:
        with _words_that_are_no_commands():
            status = _status()
            if status == interrupts.INTERRUPTED:
                interrupts.tell()
            status = status if _flushed() else 2
    except OSError:  # standard error takes no more either: the status alone can be told
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        status = 2
    sys.exit(status)


def _words_that_are_no_commands() -> AbstractContextManager[None]:
    """Keep what servers say from being a command to the job of GitHub Actions that this runs in, if it does."""
    if os.environ.get("GITHUB_ACTIONS") != "true":
        return nullcontext()
    from ssegauge.reports.github import commands_stopped

    return commands_stopped()


def _open_what_is_closed() -> None:
    """Let a standard stream that was closed (``>&-``) lead nowhere, else the next socket would get its number."""
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    sys.stdout = sys.stdout or open(1, "w", closefd=False)  # noqa: SIM115 - as long as the process lives
    sys.stderr = sys.stderr or open(2, "w", closefd=False)  # noqa: SIM115 - likewise


def _status() -> int:
    try:
        whole()(spelled_out(sys.argv[1:]))
    except SystemExit as done:  # Typer's way to end: usage errors are 2, an interrupt is 130
        return 0 if done.code is None else done.code if isinstance(done.code, int) else 2
    except KeyboardInterrupt:
        return interrupts.INTERRUPTED
    except Exception as error:  # noqa: BLE001 - nothing may end as "judged and not good" that was not judged
        return _could_not_judge(error)
    return 0


@functools.cache
def whole() -> typer.Typer:
    """Return the app with all commands: those of `reports` are added when one is wanted, errors then being ours."""
    from ssegauge.cli.comparing import compare
    from ssegauge.reports.cli import history, report

    app.command(epilog="Example: ssegauge report runs/last --format csv --sarif out.sarif")(report)
    app.command(epilog="Example: ssegauge compare runs/main runs/branch --fail-on 'update_p99 worse 10%'")(compare)
    app.command(epilog="Example: ssegauge history runs")(history)
    return app


def _flushed() -> bool:
    """Write out what was printed; False, with a line that says so, where standard output takes no more."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:  # whoever read it has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        _could_not_judge(error)
        return False
    return True


def _could_not_judge(error: Exception) -> int:
    """Say in one line why there is no verdict; a defect of our own keeps its traceback."""
    from ssegauge.reports.render.visible import prose

    if isinstance(error, OSError) and error.errno in FULL:
        place = f"{error.filename}: " if error.filename else ""
        errors.print(
            f"ssegauge: {place}{error.strerror}; what was written before is kept", markup=False, soft_wrap=True
        )
    elif type(error).__name__ in {"CannotJudge", "BadRunFolder", "CannotServe", "NotInstalledError"}:
        errors.print(f"ssegauge: {prose(str(error))}", markup=False, soft_wrap=True)
    else:
        traceback.print_exc()
        errors.print("ssegauge: this is a defect of ssegauge; please report it with the lines above")
    return 2
