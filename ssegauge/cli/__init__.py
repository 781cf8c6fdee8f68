"""The command line: puts the packages' work together, shows it, and turns verdicts into exit statuses.

0 judged and good; 1 judged and not good; 2 could not judge; 130 interrupted, with what was measured so far saved.
"""

from __future__ import annotations

import os
import signal
import sys
import traceback
from typing import NoReturn

from ssegauge.cli.commands import app
from ssegauge.cli.words import spelled_out
from ssegauge.cli.work import errors

__all__ = ["main"]


def main() -> NoReturn:
    """Run the command line; the one place where errors become exit statuses."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # shells start background jobs with SIGINT ignored
    signal.signal(signal.SIGTERM, lambda *_: os.kill(os.getpid(), signal.SIGINT))
    sys.exit(_status())


def _status() -> int:
    try:
        from ssegauge.reports.cli import compare, report

        app.command()(report)
        app.command()(compare)
        app(spelled_out(sys.argv[1:]))
    except SystemExit as done:  # Typer's way to end: usage errors are 2, an interrupt is 130
        return 0 if done.code is None else done.code if isinstance(done.code, int) else 2
    except KeyboardInterrupt:
        return 130
    except Exception as error:  # noqa: BLE001 - nothing may end as "judged and not good" that was not judged
        return _could_not_judge(error)
    return 0


def _could_not_judge(error: Exception) -> int:
    """Say in one line why there is no verdict; a defect of our own keeps its traceback."""
    if type(error).__name__ in {"CannotJudge", "BadRunFolder", "CannotServe", "NotInstalledError"}:
        errors.print(f"ssegauge: {error}", markup=False, soft_wrap=True)
    else:
        traceback.print_exc()
        errors.print("ssegauge: this is a defect of ssegauge; please report it with the lines above")
    return 2
