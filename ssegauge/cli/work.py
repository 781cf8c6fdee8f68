"""What commands have in common: a target under test, a run folder, and the two kinds of run with their live line."""

from __future__ import annotations

import contextlib
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import typer
from rich.console import Console
from rich.markup import escape

from ssegauge import extras, interrupts

if TYPE_CHECKING:
    from ssegauge.conformance.check import Options
    from ssegauge.conformance.runfolder import RunFolder
    from ssegauge.conformance.target import Given, Target
    from ssegauge.loadtests.running.cli import Options as LoadOptions

DEFAULT_TARGET = Path("ssegauge.toml")
MOST_S = 1e9  # in any unit: nobody waits for so long
errors = Console(stderr=True, highlight=False)


@contextlib.contextmanager
def reference_server(*, loud: bool) -> Iterator[Target]:
    """Run the reference server on a free port in a process of its own, and describe it as a target."""
    from ssegauge.conformance.errors import CannotJudge
    from ssegauge.conformance.recording.keeper import end_with_parent
    from ssegauge.conformance.target import load_target
    from ssegauge.reference_server import TARGET_FILE

    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "ssegauge.reference_server", "--port", "0"],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=end_with_parent,  # noqa: PLW1509 - no thread was started yet
    )
    try:
        base_url = process.stdout.readline().rpartition(" ")[2].strip() if process.stdout else ""
        if not base_url:
            raise CannotJudge(f"the reference server ended with status {process.wait()} before it listened")
        if loud:
            errors.print(f"Reference server: {base_url}")
        described = load_target(str(TARGET_FILE))
        yield replace(described, base_url=base_url, observe=replace(described.observe, pid=process.pid))
    finally:
        process.terminate()
        process.communicate()


@contextlib.contextmanager
def under_test(where: str, told: Given | None, command: str | None, *, quiet: bool) -> Iterator[Target]:
    """Yield the target, its server running when its command was given; what is raised meanwhile holds no secret.

    Say first which keys of a target file nothing uses.
    """
    from ssegauge.conformance.errors import CannotJudge
    from ssegauge.conformance.recording.redaction import Redactor
    from ssegauge.conformance.recording.spawned import running

    described = find_target(where, told)
    for note in () if quiet else described.notes:
        errors.print(f"Note: {escape(note)}", soft_wrap=True)
    try:
        with running(described, command) as target:
            yield target
    except CannotJudge as error:
        raise CannotJudge(Redactor(described.secrets).text(str(error))) from None


@contextlib.contextmanager
def run_folder(target: Target, out: Path | None) -> Iterator[RunFolder]:
    """Give the run its folder; however the run ends, the folder says so and holds a report of what was measured.

    Where that cannot be written any more, ``show_run`` says so, after the verdict.
    """
    from ssegauge import reports
    from ssegauge.conformance.errors import CannotJudge
    from ssegauge.conformance.runfolder import RunFolder

    interrupts.begin()
    folder = RunFolder.create(out, target, ["ssegauge", *sys.argv[1:]])
    try:
        yield folder
    except KeyboardInterrupt:
        with contextlib.suppress(Exception):  # interrupted before there was anything to report, or the disk is full
            folder.finish(interrupted=True)
            reports.build(folder.path, whole=False)
        what = f"What was measured so far is in {folder.path}" if _holds(folder.path) else "Nothing was measured yet"
        errors.print(f"Interrupted. {escape(what)}", soft_wrap=True)
        raise
    except Exception:
        with contextlib.suppress(Exception):  # the first error is the one to tell
            folder.finish()  # what was recorded until then stays; there is no verdict to report
        raise
    try:
        folder.finish()
        reports.build(folder.path, whole=False)
    except (CannotJudge, reports.BadRunFolder) as error:
        folder.unwritten = f"{error}; with room there, `ssegauge report {folder.path}` writes it"


def show_run(
    folder: RunFolder,
    documents: Sequence[dict[str, Any]],
    junit: Path | None = None,
    sarif: Path | None = None,
    **how: bool,
) -> NoReturn:
    """Write what is asked for elsewhere, show the documents, and end the command with their status.

    What could not be written of a run hides nothing of what it found: it is said in the end, and makes the status 2.
    """
    from ssegauge.reports.cli import show, write_extra
    from ssegauge.reports.errors import BadRunFolder

    try:
        write_extra(folder.path, junit, sarif)
    except BadRunFolder as error:
        folder.unwritten = folder.unwritten or str(error)
    show(documents, folder.path, unwritten=folder.unwritten, **how)


def _holds(folder: Path) -> bool:
    """Whether anything that was measured is in a run folder."""
    return any(
        any(folder.glob(kind)) for kind in ("conformance.json", "load.json", "samples/*.parquet", "transcripts/*")
    )


def check_live(target: Target, folder: RunFolder, options: Options, *, loud: bool) -> dict[str, Any]:
    """Check the target, with a live line when ``loud``; return conformance.json."""
    from ssegauge.conformance.check import check
    from ssegauge.reports.render.live import live

    if not loud:
        return check(target, folder, options)[0]
    server = folder.redact.text(_address(target))
    with live(errors, f"Checking {server}: connecting") as tell:
        made, notes = check(
            target,
            folder,
            options,
            lambda now: tell(f"Checking {server}: {now.described()}"),
            lambda plan: errors.print(f"Checking {server}: {plan.described()}", soft_wrap=True, markup=False),
        )
    say_notes(notes)
    return made


def _address(target: Target) -> str:
    return f"{target.base_url.rstrip('/')}{target.stream.path}"


def say_notes(notes: Iterable[str]) -> None:
    """Say on standard error what is to be said beside the verdict, a line each."""
    from ssegauge.reports.render.visible import prose

    for note in notes:
        errors.print(f"Note: {escape(prose(note))}", soft_wrap=True)


def load_live(
    target: Target, folder: RunFolder, options: LoadOptions, *, loud: bool, search: bool = False
) -> dict[str, Any]:
    """Load the target, or search its limit, with a live line when ``loud``; return load.json."""
    from ssegauge.loadtests.running.cli import describe, find_limit, run_load
    from ssegauge.reports.render.live import live

    load_it = find_limit if search else run_load
    if not loud:
        return load_it(target, folder.path, options)
    with live(errors, f"Loading {folder.redact.text(_address(target))}: starting Locust") as tell:
        return load_it(target, folder.path, options, lambda status: tell(f"Loading {describe(status)}"))


def load_options(values: Mapping[str, Any]) -> LoadOptions:
    """Return what a load run is told, of the parameters of the command by their names; of a plan, what its shape says.

    Most options have the name of their parameter; those that are written otherwise are read here.
    """
    extras.need("load")
    from ssegauge.loadtests.running.choices import planned
    from ssegauge.loadtests.running.cli import Options

    same = {one.name: values[one.name] for one in fields(Options) if one.name in values}
    read = {
        "duration_s": seconds(values["duration"]),
        "extend_s": seconds(values["extend"], "--extend", least=0.0),
        "think_s": seconds(values["think"], "--think", least=0.0),
        "join_s": seconds(values["join_timeout"], "--join-timeout"),
        "objectives": tuple(values["objective"] or ()),
        "abort_on": tuple(values["abort_on"] or ()),
        "requests": str(values["requests"] or ""),
    }
    options = Options(**(same | read))
    return planned(options) if values["plan"] else options


def work_for_master(target: Target, options: LoadOptions) -> None:
    """Be a worker, until the master says that it is over."""
    from ssegauge.loadtests.running.cli import run_worker

    run_worker(target, options)


def say_before_load(options: LoadOptions, *, quiet: bool) -> None:
    """Say what a user has to know before the first live line; raises CannotJudge where that would not be so."""
    if options.web:
        from ssegauge.loadtests.running.joining import check_free

        check_free("--web-port", options.web_port)
        errors.print(f"Locust's page: http://127.0.0.1:{options.web_port} (start the run there; Ctrl-C ends it)")
    if options.master and not quiet:
        many, port, patience = options.expect_workers, options.master_port, options.join_s
        errors.print(f"Waiting for {many} workers at port {port}, {patience:g} s at most")


def seconds(text: str, option: str = "--duration", *, least: float = 1e-9) -> float:
    """Return a duration as seconds: 30, 30s, 5m, 1h. Raises typer.BadParameter for anything else."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smh]?)", text.strip())
    if not found or not least <= float(found[1]) <= MOST_S:
        raise typer.BadParameter(f"{text!r} is no duration; write 30s, 5m or 1h", param_hint=option)
    return float(found[1]) * {"": 1, "s": 1, "m": 60, "h": 3600}[found[2]]


def find_target(where: str, told: Given | None = None) -> Target:
    """Return the target that a URL, a file or the usual file describes; raises CannotJudge when there is none."""
    from ssegauge.conformance.errors import CannotJudge
    from ssegauge.conformance.target import Given, load_target

    if not where and not DEFAULT_TARGET.exists():
        raise CannotJudge("no target; give a URL or a target file, or write ssegauge.toml (`ssegauge run` needs none)")
    return load_target(where or str(DEFAULT_TARGET), told or Given())


def given(
    header: Sequence[str] | None,
    method: str,
    body: str,
    profile: str,
    insecure: bool,
    cacert: str | None,
) -> Given | None:
    """Return what the options say of the target; None when they say nothing."""
    from ssegauge.conformance.target import Given

    told = Given(tuple(header or ()), method, body, profile, insecure, cacert)
    return None if told == Given() else told


def rules_files(paths: Sequence[Path]) -> tuple[Path, ...]:
    """Return the files of --rules; raises CannotJudge for one that is not there."""
    from ssegauge.conformance.errors import CannotJudge

    for path in paths:
        if not path.is_file():
            raise CannotJudge(f"--rules {path}: no such file; give a Python file with rules in it")
    return tuple(paths)
