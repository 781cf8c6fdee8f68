"""The command line: puts the packages' work together, shows it, and turns verdicts into exit statuses.

0 judged and good; 1 judged and not good; 2 could not judge; 130 interrupted, with what was measured so far saved.
Every command prepares, calls one function of a package, and shows the document it returns; nothing is judged here.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import traceback
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NoReturn

import typer
from rich.console import Console
from rich.markup import escape

if TYPE_CHECKING:
    from ssegauge.conformance.check import Options
    from ssegauge.conformance.runfolder import RunFolder
    from ssegauge.conformance.target import Target
    from ssegauge.loadtests.running.cli import Options as LoadOptions

DEFAULT_TARGET = Path("ssegauge.toml")
ProfileName = Literal["task-progress", "event-stream"]

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Does a Server-Sent Events server speak the protocol right, and does it hold up?",
)
errors = Console(stderr=True, highlight=False)
screen = Console(highlight=False)

Where = Annotated[str, typer.Argument(metavar="[TARGET]", help="A URL or a target file; default: ssegauge.toml.")]
WhereOption = Annotated[str, typer.Option("--target", help="The same as TARGET.", metavar="FILE|URL")]
Out = Annotated[Path | None, typer.Option("--out", help="The run folder; default: a new one below runs/.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result document as JSON, and nothing else.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print findings and errors only.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="List the rules that passed, too.")]
Strict = Annotated[bool, typer.Option("--strict", help="A broken SHOULD counts as a failure.")]
Quick = Annotated[bool, typer.Option("--quick", help="Leave out what waits longer than 2 s.")]
Only = Annotated[
    list[str] | None, typer.Option("--only", help="Judge by this rule or group alone.", metavar="CODE|GROUP")
]
Skip = Annotated[list[str] | None, typer.Option("--skip", help="Leave this rule or group out.", metavar="CODE|GROUP")]
Spawn = Annotated[str | None, typer.Option("--spawn", help="Start the server with this command, and stop it after.")]
Scenario = Annotated[
    str, typer.Option(help="progress, watch, or a locustfile; default: progress where the target has its hooks.")
]
Users = Annotated[int, typer.Option(help="Streams at once.", min=1)]
SpawnRate = Annotated[float, typer.Option(help="New users per second.", min=0.1)]
Duration = Annotated[str, typer.Option(help="How long to measure: 30s, 5m.")]
# The default is that of the ticket: 50 streams, each told something every 2 s.
Rate = Annotated[float, typer.Option(help="Updates per second, in progress over all tasks.", min=0.0)]
Baseline = Annotated[Path | None, typer.Option("--baseline", help="A file of known findings, a code a line.")]
JUnit = Annotated[Path | None, typer.Option("--junit", help="Write JUnit XML here too.")]
Sarif = Annotated[Path | None, typer.Option("--sarif", help="Write SARIF here.")]


@app.command()
def serve(
    host: Annotated[str, typer.Option(help="The address to listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port to listen at; 0 for a free one.", min=0, max=65535)] = 8205,
    fault: Annotated[list[str] | None, typer.Option(help="Break this rule on purpose.", metavar="CODE")] = None,
    token: Annotated[str | None, typer.Option(help="Ask for this bearer token.")] = None,
    allow_origin: Annotated[list[str] | None, typer.Option(help="Let pages of this origin read streams.")] = None,
    heartbeat: Annotated[float, typer.Option(help="Seconds between comments on an idle stream.", min=0.1)] = 15.0,
) -> None:
    """Run the reference server, healthy or with deliberate faults."""
    from ssegauge import reference_server

    options: dict[str, Any] = {"token": token, "allow_origin": allow_origin or (), "heartbeat": heartbeat}
    reference_server.serve(host, port, faults=fault or (), **options)


@app.command("check")
def check_command(
    where: Where = "",
    target: WhereOption = "",
    out: Out = None,
    strict: Strict = False,
    quick: Quick = False,
    only: Only = None,
    skip: Skip = None,
    spawn: Spawn = None,
    baseline: Baseline = None,
    junit: JUnit = None,
    sarif: Sarif = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Judge a running server's conformance."""
    from ssegauge.conformance.check import Options
    from ssegauge.reports.cli import show, write_extra

    options = Options(strict, quick, tuple(only or ()), tuple(skip or ()), baseline)
    with _under_test(where or target, spawn) as described, _run_folder(described, out) as folder:
        made = _check(described, folder, options, loud=not (as_json or quiet))
    write_extra(folder.path, junit, sarif)
    show([made], folder.path, as_json=as_json, quiet=quiet, verbose=verbose)


@app.command()
def judge(
    file: Annotated[str, typer.Argument(help="A transcript, a run folder, or captured bytes; - for standard input.")],
    profile: Annotated[ProfileName | None, typer.Option(help="What to judge by; default: as recorded.")] = None,
    strict: Strict = False,
    only: Only = None,
    skip: Skip = None,
    baseline: Baseline = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Judge what was recorded, with no network: `curl -iN URL | ssegauge judge -`."""
    from ssegauge.conformance.check import Options, judge_recorded
    from ssegauge.conformance.recording.capture import read
    from ssegauge.reports.cli import show

    options = Options(strict, only=tuple(only or ()), skip=tuple(skip or ()), baseline=baseline)
    show([judge_recorded(read(file), options, profile)], as_json=as_json, quiet=quiet, verbose=verbose)


@app.command()
def rules(
    code: Annotated[str, typer.Argument(help="Explain this rule.", show_default=False)] = "",
    as_json: AsJson = False,
) -> None:
    """List the rules, or explain one."""
    from ssegauge.conformance.explain import as_rows, explained, listed

    if as_json:
        print(json.dumps(as_rows(code), indent=1))
    else:
        screen.print(explained(code) if code else listed())


@app.command()
def load(
    where: Where = "",
    target: WhereOption = "",
    out: Out = None,
    scenario: Scenario = "",
    users: Users = 50,
    spawn_rate: SpawnRate = 100.0,
    duration: Duration = "30s",
    rate: Rate = 25.0,
    extend: Annotated[
        str, typer.Option(help="How much longer at most, until the impact on the existing endpoint is decided.")
    ] = "30s",
    measure: Annotated[
        str, typer.Option(help="Time events of this type; default: no greeting, heartbeat or replay.", metavar="TYPE")
    ] = "",
    spawn: Spawn = None,
    find_limit: Annotated[bool, typer.Option("--find-limit", help="Search the most streams, up to --users.")] = False,
    web: Annotated[bool, typer.Option("--web", help="Start from Locust's web page instead of at once.")] = False,
    processes: Annotated[int, typer.Option(help="Spread the users over so many processes.", min=0)] = 0,
    master: Annotated[bool, typer.Option("--master", help="Lead workers on other machines.")] = False,
    worker: Annotated[bool, typer.Option("--worker", help="Work for a master.")] = False,
    master_host: Annotated[str, typer.Option(help="Where the master is.")] = "127.0.0.1",
    expect_workers: Annotated[int, typer.Option(help="Start when so many workers are there.", min=1)] = 1,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Load a server with streams, and judge how it holds up."""
    from ssegauge.loadtests.running.cli import Options, run_worker
    from ssegauge.reports.cli import show

    options = Options(
        scenario=scenario,
        users=users,
        spawn_rate=spawn_rate,
        duration_s=_seconds(duration),
        rate=rate,
        extend_s=_seconds(extend),
        measure=measure,
        web=web,
        processes=processes,
        master=master,
        worker=worker,
        master_host=master_host,
        expect_workers=expect_workers,
    )
    if worker:
        run_worker(_target(where or target), options)
        return
    with _under_test(where or target, spawn) as described, _run_folder(described, out) as folder:
        made = _load(described, folder, options, loud=not (as_json or quiet), search=find_limit)
    show([made], folder.path, as_json=as_json, quiet=quiet)


@app.command("run")
def run_command(
    where: Where = "",
    target: WhereOption = "",
    out: Out = None,
    strict: Strict = False,
    quick: Quick = False,
    only: Only = None,
    skip: Skip = None,
    spawn: Spawn = None,
    baseline: Baseline = None,
    scenario: Scenario = "",
    users: Users = 50,
    spawn_rate: SpawnRate = 100.0,
    duration: Duration = "30s",
    rate: Rate = 25.0,
    junit: JUnit = None,
    sarif: Sarif = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Check, then load, then report; without a target on the reference server, which it starts by itself."""
    from ssegauge.conformance.check import Options
    from ssegauge.loadtests.running.cli import Options as LoadOptions
    from ssegauge.reports.cli import show, write_extra

    checks = Options(strict, quick, tuple(only or ()), tuple(skip or ()), baseline)
    loads = LoadOptions(scenario, users, spawn_rate, _seconds(duration), rate)
    loud = not (as_json or quiet)
    ours = not (where or target or spawn or DEFAULT_TARGET.exists())
    server = _reference_server(loud=loud) if ours else _under_test(where or target, spawn)
    with server as described, _run_folder(described, out) as folder:
        documents = [_check(described, folder, checks, loud=loud), _load(described, folder, loads, loud=loud)]
    write_extra(folder.path, junit, sarif)
    show(documents, folder.path, as_json=as_json, quiet=quiet, verbose=verbose)


@contextlib.contextmanager
def _reference_server(*, loud: bool) -> Iterator[Target]:
    """Run the reference server on a free port in a process of its own, and describe it as a target."""
    from ssegauge.conformance.errors import CannotJudge
    from ssegauge.conformance.target import load_target
    from ssegauge.reference_server import TARGET_FILE

    command = [sys.executable, "-P", "-m", "ssegauge.reference_server", "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)  # noqa: S603 - our own server
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
def _under_test(where: str, command: str | None) -> Iterator[Target]:
    """Yield the target, its server running when its command was given; what is raised meanwhile holds no secret."""
    from ssegauge.conformance.errors import CannotJudge
    from ssegauge.conformance.recording.machine import running
    from ssegauge.conformance.recording.transcript import Redactor

    described = _target(where)
    try:
        with running(described, command) as target:
            yield target
    except CannotJudge as error:
        raise CannotJudge(Redactor(described.secrets).text(str(error))) from None


@contextlib.contextmanager
def _run_folder(target: Target, out: Path | None) -> Iterator[RunFolder]:
    """Give the run its folder; however the run ends, the folder says so and holds a report of what was measured."""
    from ssegauge import reports
    from ssegauge.conformance.runfolder import RunFolder

    folder = RunFolder.create(out, target, ["ssegauge", *sys.argv[1:]])
    try:
        yield folder
    except KeyboardInterrupt:
        folder.finish(interrupted=True)
        with contextlib.suppress(Exception):  # interrupted before there was anything to report
            reports.build(folder.path)
        errors.print(f"Interrupted. What was measured so far is in {escape(str(folder.path))}", soft_wrap=True)
        raise
    except Exception:
        folder.finish()  # what was recorded until then stays; there is no verdict to report
        raise
    folder.finish()
    reports.build(folder.path)


def _check(target: Target, folder: RunFolder, options: Options, *, loud: bool) -> dict[str, Any]:
    from ssegauge.conformance.check import check
    from ssegauge.reports.render.live import live

    if not loud:
        return check(target, folder, options)[0]
    server = folder.redact.text(target.base_url)
    with live(errors, f"Checking {server}: connecting") as tell:
        made, notes = check(target, folder, options, lambda now: tell(f"Checking {server}: {now.described()}"))
    for note in notes:
        errors.print(f"Note: {escape(note)}", soft_wrap=True)
    return made


def _load(
    target: Target, folder: RunFolder, options: LoadOptions, *, loud: bool, search: bool = False
) -> dict[str, Any]:
    from ssegauge.loadtests.running.cli import describe, find_limit, run_load
    from ssegauge.reports.render.live import live

    load_it = find_limit if search else run_load
    if not loud:
        return load_it(target, folder.path, options)
    with live(errors, f"Loading {folder.redact.text(target.base_url)}: starting Locust") as tell:
        return load_it(target, folder.path, options, lambda status: tell(f"Loading {describe(status)}"))


def _seconds(text: str) -> float:
    """Return a duration as seconds: 30, 30s, 5m, 1h. Raises typer.BadParameter for anything else."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smh]?)", text.strip())
    if not found or not float(found[1]):
        raise typer.BadParameter(f"{text!r} is no duration; write 30s, 5m or 1h", param_hint="--duration")
    return float(found[1]) * {"": 1, "s": 1, "m": 60, "h": 3600}[found[2]]


def _target(where: str) -> Target:
    from ssegauge.conformance.errors import CannotJudge
    from ssegauge.conformance.target import load_target

    if not where and not DEFAULT_TARGET.exists():
        raise CannotJudge("no target; give a URL or a target file, or write ssegauge.toml (`ssegauge run` needs none)")
    return load_target(where or str(DEFAULT_TARGET))


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
        app()
    except SystemExit as done:  # Typer's way to end: usage errors are 2, an interrupt is 130
        return 0 if done.code is None else done.code if isinstance(done.code, int) else 2
    except KeyboardInterrupt:
        return 130
    except Exception as error:  # noqa: BLE001 - nothing may end as "judged and not good" that was not judged
        return _could_not_judge(error)
    return 0


def _could_not_judge(error: Exception) -> int:
    """Say in one line why there is no verdict; a defect of our own keeps its traceback."""
    if type(error).__name__ in {"CannotJudge", "BadRunFolder", "CannotServe"}:
        errors.print(f"ssegauge: {error}", markup=False, soft_wrap=True)
    else:
        traceback.print_exc()
        errors.print("ssegauge: this is a defect of ssegauge; please report it with the lines above")
    return 2
