"""The commands: each prepares, calls one function of a package, and shows the document it returns."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Annotated, Any, cast

import typer
from rich.console import Console
from rich.markup import escape

from ssegauge import extras
from ssegauge.cli import options as say
from ssegauge.cli.scale import calibrated, show_costs, show_plan
from ssegauge.cli.work import (
    DEFAULT_TARGET,
    check_live,
    find_target,
    given,
    load_live,
    load_options,
    reference_server,
    rules_files,
    run_folder,
    say_before_load,
    say_notes,
    seconds,
    show_run,
    under_test,
    work_for_master,
)

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Does a Server-Sent Events server speak the protocol right, and does it hold up?",
)
screen = Console(highlight=False)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"ssegauge {metadata.version('ssegauge')}")
        raise typer.Exit


@app.callback()
def main_options(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """Take what may stand before a command."""


@app.command(epilog="Example: ssegauge serve --port 3000 --profile event-stream --fault wire/truncated-event")
def serve(
    host: Annotated[str, typer.Option(help="The address to listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port to listen at; 0 for a free one.", min=0, max=65535)] = 8205,
    profile: say.Served = "task-progress",
    fault: say.Fault = None,
    list_faults: Annotated[bool, typer.Option("--faults", help="List the faults of the profile, and end.")] = False,
    token: Annotated[str | None, typer.Option(help="Ask for this bearer token.")] = None,
    allow_origin: Annotated[list[str] | None, typer.Option(help="Let pages of this origin read streams.")] = None,
    heartbeat: Annotated[float, typer.Option(help="Seconds between comments on an idle stream.", min=0.1)] = 15.0,
    pace: Annotated[float | None, typer.Option(help="Seconds between events that come by themselves.")] = None,
    first_token: Annotated[float | None, typer.Option(help="Seconds until an answer's first event.")] = None,
    slots: Annotated[int | None, typer.Option(help="How many answers are made at once; others get 429.")] = None,
    http2: Annotated[bool, typer.Option("--http2", help="HTTP/2 over TLS, with a certificate of its own.")] = False,
) -> None:
    """Run a healthy server of the profile, or one with deliberate faults."""
    from ssegauge import reference_server
    from ssegauge.conformance.target import known_profile

    served = cast("reference_server.Profile", known_profile(profile) or "task-progress")
    if list_faults:
        _print_by_group(reference_server.faults_of(served))
        return
    options: dict[str, Any] = {"token": token, "allow_origin": allow_origin or (), "heartbeat": heartbeat}
    own: dict[str, Any] = {"pace": pace, "first_token": first_token, "slots": slots, "http2": http2}
    reference_server.serve(host, port, profile=served, faults=fault or (), **options, **own)


def _print_by_group(faults: Mapping[str, str]) -> None:
    for group, codes in itertools.groupby(sorted(faults), key=lambda code: code.partition("/")[0]):
        screen.print(f"[bold]{escape(group)}[/bold]")
        for code in codes:
            screen.print(f"  {escape(code)}  [dim]{escape(faults[code])}[/dim]", soft_wrap=True)


@app.command("check", epilog="Example: ssegauge check localhost:3000/events -H 'Authorization: Bearer ${TOKEN}'")
def check_command(
    where: say.Where = "",
    target: say.WhereOption = "",
    header: say.Header = None,
    method: say.Method = "",
    body: say.Body = "",
    profile: say.Profile = "",
    insecure: say.Insecure = False,
    cacert: say.CaCert = None,
    out: say.Out = None,
    strict: say.Strict = False,
    quick: say.Quick = False,
    only: say.Only = None,
    skip: say.Skip = None,
    spawn: say.Spawn = None,
    baseline: say.Baseline = None,
    update_baseline: say.UpdateBaseline = False,
    rules: say.Rules = None,
    parallel: say.Parallel = 16,
    timeout: say.Timeout = 120.0,
    junit: say.JUnit = None,
    sarif: say.Sarif = None,
    as_json: say.AsJson = False,
    quiet: say.Quiet = False,
    verbose: say.Verbose = False,
) -> None:
    """Judge a running server's conformance."""
    from ssegauge.conformance.check import Options

    options = Options(
        strict=strict,
        quick=quick,
        only=tuple(only or ()),
        skip=tuple(skip or ()),
        baseline=baseline,
        update_baseline=update_baseline,
        rules_files=rules_files(rules or ()),
        parallel=parallel,
        timeout_s=timeout,
    )
    told = given(header, method, body, profile, insecure, cacert)
    with under_test(where or target, told, spawn, quiet=quiet) as described, run_folder(described, out) as folder:
        made = check_live(described, folder, options, loud=not (as_json or quiet))
    show_run(folder, [made], junit, sarif, as_json=as_json, quiet=quiet, verbose=verbose)


@app.command(epilog="Example: ssegauge init localhost:3000/events -H 'Authorization: Bearer ${TOKEN}'")
def init(
    url: Annotated[str, typer.Argument(metavar="URL", help="The address of an event stream.")],
    out: Annotated[Path, typer.Option("--out", help="The file to write; it must not exist.")] = DEFAULT_TARGET,
    look: Annotated[float, typer.Option("--look", help="Seconds to look at the stream.", min=0.1)] = 5.0,
    header: say.Header = None,
    method: say.Method = "",
    body: say.Body = "",
    profile: say.Profile = "",
    insecure: say.Insecure = False,
    cacert: say.CaCert = None,
) -> None:
    """Look at a stream for some seconds, and write a commented target file for it."""
    from ssegauge.conformance.init import init
    from ssegauge.conformance.target import Given

    told = given(header, method, body, profile, insecure, cacert)
    glimpse = init(url, told or Given(), out, look)
    print(f"Wrote {out}: {glimpse.events} events seen in {glimpse.looked_s:.1f} s. Next: ssegauge check {out}")


@app.command(epilog="Example: curl -iN localhost:3000/events | ssegauge judge - --only wire")
def judge(
    file: Annotated[str, typer.Argument(help="A transcript, a run folder, or captured bytes; - for standard input.")],
    profile: Annotated[str, typer.Option(help="What to judge by; default: as recorded.", metavar="NAME")] = "",
    strict: say.Strict = False,
    only: say.Only = None,
    skip: say.Skip = None,
    baseline: say.Baseline = None,
    as_json: say.AsJson = False,
    quiet: say.Quiet = False,
    verbose: say.Verbose = False,
) -> None:
    """Judge what was recorded, with no network: `curl -iN URL | ssegauge judge -`."""
    from ssegauge.conformance.check import Options, judge_recorded, suggestion
    from ssegauge.conformance.recording.capture import read
    from ssegauge.conformance.target import known_profile
    from ssegauge.reports.cli import show

    options = Options(strict, only=tuple(only or ()), skip=tuple(skip or ()), baseline=baseline)
    known = known_profile(profile) or None
    recorded = read(file)
    made = judge_recorded(recorded, options, known)
    if not as_json:
        say_notes([*made.get("notes", ()), *filter(None, [suggestion(recorded.transcripts, made["profile"])])])
    show([made], as_json=as_json, quiet=quiet, verbose=verbose)


@app.command(epilog="Example: ssegauge rules wire/field-case")
def rules(
    code: Annotated[str, typer.Argument(help="Explain this rule.", show_default=False)] = "",
    as_json: say.AsJson = False,
) -> None:
    """List the rules, or explain one."""
    from ssegauge.conformance.explain import as_rows, explained, listed

    if as_json:
        print(json.dumps(as_rows(code), indent=1))
    else:
        screen.print(explained(code) if code else listed())


@app.command(epilog="Example: ssegauge load localhost:3000/events --users 1000 --duration 1m")
def load(
    where: say.Where = "",
    target: say.WhereOption = "",
    header: say.Header = None,
    method: say.Method = "",
    body: say.Body = "",
    profile: say.Profile = "",
    insecure: say.Insecure = False,
    cacert: say.CaCert = None,
    out: say.Out = None,
    scenario: say.Scenario = "",
    users: say.Users = 50,
    spawn_rate: say.SpawnRate = 100.0,
    duration: say.Duration = "30s",
    shape: say.Shape = "",
    rate: say.Rate = 25.0,
    extend: say.Extend = "30s",
    measure: say.Measure = "",
    objective: say.Objectives = None,
    abort_on: say.AbortOn = None,
    arrivals: say.Arrivals = "",
    think: say.Think = "0",
    requests: say.Requests = None,
    prompts: say.Prompts = "",
    shared_prefix: say.SharedPrefix = 0,
    spawn: say.Spawn = None,
    plan: say.PlanOnly = False,
    costs: say.CostsFile = None,
    event_size: say.EventSize = 200,
    find_limit: say.FindLimit = False,
    web: say.Web = False,
    web_port: say.WebPort = 8089,
    metrics_port: say.MetricsPort = 0,
    processes: say.Processes = 0,
    source: say.Source = "",
    master: say.Master = False,
    worker: say.Worker = False,
    master_host: say.MasterHost = "127.0.0.1",
    master_port: say.MasterPort = 5557,
    expect_workers: say.ExpectWorkers = 1,
    join_timeout: say.JoinTimeout = "60s",
    as_json: say.AsJson = False,
    quiet: say.Quiet = False,
) -> None:
    """Load a server with streams, and judge how it holds up."""
    options = load_options(locals())
    loud = not (as_json or quiet)
    if plan:
        show_plan(options, costs, event_size, as_json=as_json, loud=loud)
        return
    told = given(header, method, body, profile, insecure, cacert)
    if worker:
        work_for_master(find_target(where or target, told), options)
        return
    with under_test(where or target, told, spawn, quiet=quiet) as described, run_folder(described, out) as folder:
        say_before_load(options, quiet=quiet)
        made = load_live(described, folder, options, loud=loud, search=find_limit)
    show_run(folder, [made], as_json=as_json, quiet=quiet)


@app.command(
    epilog="Example: ssegauge calibrate --out costs.json && ssegauge load --plan --costs costs.json --users 1000000"
)
def calibrate(
    streams: Annotated[int, typer.Option(help="Streams that are held.", min=1)] = 2000,
    rate: Annotated[float, typer.Option(help="Events per second on each.", min=0.1)] = 2.0,
    duration: Annotated[str, typer.Option(help="How long to measure: 10s, 1m.")] = "10s",
    out: Annotated[Path | None, typer.Option(help="Write the costs here, for `load --plan --costs`.")] = None,
    as_json: say.AsJson = False,
    quiet: say.Quiet = False,
) -> None:
    """Measure what this machine's load generator costs, and how far it errs, against a bare sender."""
    extras.need("load")
    costs = calibrated(streams, rate, seconds(duration), loud=not (as_json or quiet))
    if out:
        costs.save(out)
    show_costs(costs, as_json=as_json)


@app.command("run", epilog="Example: ssegauge run --target ssegauge.toml --spawn 'node server.js' --junit out.xml")
def run_command(
    where: say.Where = "",
    target: say.WhereOption = "",
    header: say.Header = None,
    method: say.Method = "",
    body: say.Body = "",
    profile: say.Profile = "",
    insecure: say.Insecure = False,
    cacert: say.CaCert = None,
    out: say.Out = None,
    strict: say.Strict = False,
    quick: say.Quick = False,
    only: say.Only = None,
    skip: say.Skip = None,
    spawn: say.Spawn = None,
    baseline: say.Baseline = None,
    update_baseline: say.UpdateBaseline = False,
    rules: say.Rules = None,
    parallel: say.Parallel = 16,
    timeout: say.Timeout = 120.0,
    scenario: say.Scenario = "",
    users: say.Users = 50,
    spawn_rate: say.SpawnRate = 100.0,
    duration: say.Duration = "30s",
    rate: say.Rate = 25.0,
    fail_fast: say.FailFast = False,
    junit: say.JUnit = None,
    sarif: say.Sarif = None,
    as_json: say.AsJson = False,
    quiet: say.Quiet = False,
    verbose: say.Verbose = False,
) -> None:
    """Check, then load, then report; without a target on the reference server, which it starts by itself."""
    extras.need("load")
    from ssegauge.conformance.check import Options
    from ssegauge.loadtests.running.cli import Options as LoadOptions

    checks = Options(
        strict=strict,
        quick=quick,
        only=tuple(only or ()),
        skip=tuple(skip or ()),
        baseline=baseline,
        update_baseline=update_baseline,
        rules_files=rules_files(rules or ()),
        parallel=parallel,
        timeout_s=timeout,
    )
    told = given(header, method, body, profile, insecure, cacert)
    loads = LoadOptions(scenario, users, spawn_rate, seconds(duration), rate)
    loud = not (as_json or quiet)
    ours = not (where or target or spawn or told or DEFAULT_TARGET.exists())
    server = reference_server(loud=loud) if ours else under_test(where or target, told, spawn, quiet=quiet)
    with server as described, run_folder(described, out) as folder:
        documents = [check_live(described, folder, checks, loud=loud)]
        if not (fail_fast and documents[0]["verdict"] != "pass"):
            documents.append(load_live(described, folder, loads, loud=loud))
    show_run(folder, documents, junit, sarif, as_json=as_json, quiet=quiet, verbose=verbose)
