"""The process that Locust runs in: followed to its end, interrupted, killed; and what it has left behind."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

from ssegauge.conformance.errors import CannotJudge
from ssegauge.conformance.runfolder import RunFolder
from ssegauge.conformance.target import Target
from ssegauge.loadtests.judging import answers, summary
from ssegauge.loadtests.judging.facts import Facts
from ssegauge.loadtests.measuring.answers import Tally
from ssegauge.loadtests.running.frozen import ended_when_frozen
from ssegauge.loadtests.running.options import SOURCE_VARIABLE, STATUS_VARIABLE, TARGET_VARIABLE, to_json

if TYPE_CHECKING:
    from ssegauge.loadtests.running.cli import Options

REQUESTS: Final = "requests"
Status = Mapping[str, Any]
_ERROR: Final = re.compile(r"(?:\w+\.)*\w*(?:Error|Exception): ")  # the last line of a traceback


def watch(
    line: list[str], target: Target, source: str, log: IO[bytes], on_progress: Callable[[Status], None]
) -> tuple[bool, Status | None]:
    """Run the Locust process to its end; return whether we were interrupted, and the last status."""
    reading, sink = os.pipe()
    told = {TARGET_VARIABLE: to_json(target), STATUS_VARIABLE: str(sink), SOURCE_VARIABLE: source}
    process = subprocess.Popen(  # noqa: S603 - our own command line
        line,
        env=os.environ | told,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        pass_fds=[sink],
        start_new_session=True,  # so that Ctrl-C reaches it through us alone
    )
    os.close(sink)
    try:
        with os.fdopen(reading, encoding="utf-8") as statuses, ended_when_frozen(process.pid):
            return _follow(process, statuses, on_progress)
    finally:
        _kill(process)


def _follow(
    process: subprocess.Popen[bytes], statuses: Iterable[str], on_progress: Callable[[Status], None]
) -> tuple[bool, Status | None]:
    last: Status | None = None
    interrupted = False
    while True:
        try:
            for text in statuses:
                last = json.loads(text)
                on_progress(last)
            process.wait()
            return interrupted, last
        except KeyboardInterrupt:
            if interrupted or process.poll() is not None:
                return True, last
            interrupted = True
            process.send_signal(signal.SIGTERM)  # Locust then stops its users and lets the run drain and save


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Kill what is left of the process and of all it has started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def document(out: Path) -> dict[str, Any] | None:
    """Return load.json, None where the process has left none that can be read."""
    try:
        found: dict[str, Any] = json.loads((out / "load.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found


def rescued(target: Target, out: Path, options: Options, last: Status | None, tail: str) -> dict[str, Any]:
    """Make load.json of what a process that died has left behind."""
    complaint = f"the load process ended before its time{f': {tail}' if tail else ''}"
    if last is None or not any((out / "samples").glob("*.parquet")):
        raise CannotJudge(tail or f"{complaint}; nothing was measured")
    facts = Facts(
        scenario=options.scenario,
        started=last["started"],
        duration_s=last["elapsed_s"],
        users=options.users,
        rate=last["rate"],
        clock=last["clock"],
        failed=last["failed"],
        dropped=last["dropped"],
        failures=Counter(),
        complaint=complaint,
        asked=options.objectives,
        requests=_rescued_requests(options, last) if options.scenario == REQUESTS else None,
    )
    document = summary.summarize(out, target, facts)
    RunFolder(out, target).write("load.json", document)
    return document


def _rescued_requests(options: Options, last: Status) -> answers.Requests:
    counts = {"finished": last["finished"], "failed": last["failed"], "cut": last["dropped"]}
    return answers.Requests(Tally(**counts), options.arrivals, options.think_s)


def tail(log: IO[bytes]) -> str:
    """Return what we wrote last, without the name in front; else what broke off a traceback, or Locust's last line."""
    log.seek(0)
    lines = [line.strip() for line in log.read().decode(errors="replace").splitlines() if line.strip()]
    own = [line.removeprefix("ssegauge: ") for line in lines if line.startswith("ssegauge: ")]
    broken = [line for line in lines if _ERROR.match(line)]
    return (own or broken or lines or [""])[-1]
