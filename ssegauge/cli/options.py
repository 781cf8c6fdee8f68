"""The options of commands, as types of their parameters, in the groups in which ``--help`` shows them."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

_target: Any = partial(typer.Option, rich_help_panel="The server")
_judging: Any = partial(typer.Option, rich_help_panel="What is judged")
_load: Any = partial(typer.Option, rich_help_panel="The load")
_output: Any = partial(typer.Option, rich_help_panel="What is shown and written")

Where = Annotated[str, typer.Argument(metavar="TARGET", help="A URL or a target file; default: ssegauge.toml.")]
WhereOption = Annotated[str, _target("--target", help="The same as TARGET.", metavar="FILE|URL")]
Header = Annotated[
    list[str] | None,
    _target("--header", "-H", help="Send this header field; ${NAME} is taken from the environment.", metavar="FIELD"),
]
Method = Annotated[str, _target("--method", "-X", help="Ask for the stream by this method.", metavar="METHOD")]
Body = Annotated[
    str,
    _target("--body", help="Ask with this JSON body; also: --json '{...}'.", metavar="JSON|@FILE"),
]
_PROFILES = "task-progress, event-stream, chat-completions, responses, messages"
Profile = Annotated[str, _target("--profile", help=f"What the stream promises: {_PROFILES}.", metavar="NAME")]
Insecure = Annotated[bool, _target("--insecure", "-k", help="Trust any certificate.")]
CaCert = Annotated[str | None, _target("--cacert", help="Trust this authority's certificate.", metavar="FILE")]
Spawn = Annotated[str | None, _target("--spawn", help="Start the server with this command, and stop it after.")]

# What is served, and how it is broken: `ssegauge serve` alone.
Served = Annotated[str, typer.Option("--profile", help=f"What to serve: {_PROFILES}.", metavar="NAME")]
Fault = Annotated[
    list[str] | None, typer.Option(help="Break this rule on purpose; --faults lists the codes.", metavar="CODE")
]

Strict = Annotated[bool, _judging("--strict", help="A broken SHOULD counts as a failure.")]
Quick = Annotated[bool, _judging("--quick", help="Leave out what waits longer than 2 s.")]
Only = Annotated[list[str] | None, _judging("--only", help="Judge by this rule or group alone.", metavar="CODE|GROUP")]
Skip = Annotated[list[str] | None, _judging("--skip", help="Leave this rule or group out.", metavar="CODE|GROUP")]
Baseline = Annotated[Path | None, _judging("--baseline", help="A file of known findings, a code a line.")]
UpdateBaseline = Annotated[
    bool, _judging("--update-baseline", help="Write what is found now to the file of --baseline, and go by that.")
]
FailFast = Annotated[bool, _judging("--fail-fast", help="Run no load where the check is not good.")]
Rules = Annotated[list[Path] | None, _judging("--rules", help="Judge by the rules in this file too.", metavar="FILE")]
Parallel = Annotated[int, _judging("--parallel", help="Streams that are open at once, at most.", min=1)]
Timeout = Annotated[float, _judging("--timeout", help="Seconds after which what was seen is judged.", min=1.0)]

Scenario = Annotated[
    str,
    _load(
        "--scenario",
        help="progress, watch, requests, churn, herd, slow, soak, or a locustfile; default: by the target file.",
    ),
]
Users = Annotated[int, _load("--users", help="Streams at once.", min=1)]
SpawnRate = Annotated[float, _load("--spawn-rate", help="New users per second.", min=0.1, max=1e6)]
Duration = Annotated[str, _load("--duration", help="How long to measure: 30s, 5m.")]
Shape = Annotated[
    str,
    _load("--shape", help="Streams at each moment: '0:0 30s:500 60s:500'; in place of --users.", metavar="TIME:USERS"),
]
# The default is that of the ticket: 50 streams, each told something every 2 s.
Rate = Annotated[float, _load("--rate", help="Updates per second, in progress over all; 0: none.", min=0.0, max=1e6)]
Extend = Annotated[str, _load("--extend", help="How much longer at most, until an impact is decided.")]
Measure = Annotated[
    str, _load("--measure", help="Time events of this type; default: no greeting, heartbeat, replay.", metavar="TYPE")
]
Objectives = Annotated[
    list[str] | None, _load("--objective", help="What else is to hold: 'update_p99 < 500ms'.", metavar="TEXT")
]
AbortOn = Annotated[
    list[str] | None,
    _load("--abort-on", help="End the run when this is broken: 'first_token_p95 < 5s'.", metavar="TEXT"),
]
Arrivals = Annotated[
    str, _load("--arrivals", help="Requests that wait for no answer: 20/s, '20/s constant'.", metavar="RATE")
]
Think = Annotated[str, _load("--think", help="From an answer to the user's next request, on average.", metavar="TIME")]
Requests = Annotated[Path | None, _load("--requests", help="Request bodies, one a line (JSON Lines).", metavar="FILE")]
Prompts = Annotated[
    str, _load("--prompts", help="Make up prompts of so many words, for {prompt}: 200, 50-500.", metavar="WORDS")
]
SharedPrefix = Annotated[int, _load("--shared-prefix", help="Words that all made-up prompts begin with.", min=0)]
PlanOnly = Annotated[
    bool,
    _load("--plan", help="Say what --users streams with --rate events a second on each need; load nothing."),
]
CostsFile = Annotated[
    Path | None,
    _load("--costs", help="For --plan: what `ssegauge calibrate` wrote; default: measure now.", metavar="FILE"),
]
EventSize = Annotated[int, _load("--event-size", help="For --plan: bytes of an event.", min=1)]
FindLimit = Annotated[bool, _load("--find-limit", help="Search the most streams, up to --users.")]
Web = Annotated[bool, _load("--web", help="Start from Locust's web page instead of at once.")]
WebPort = Annotated[int, _load("--web-port", help="Where Locust's page listens.", min=1, max=65535)]
MetricsPort = Annotated[
    int, _load("--metrics-port", help="A page for Prometheus while the run goes on; 0: none.", min=0, max=65535)
]
Processes = Annotated[int, _load("--processes", help="Spread the users over so many (--worker: be so many).", min=0)]
Source = Annotated[
    str, _load("--source", help="Open streams from these addresses in turn: 127.0.0.2-127.0.0.9.", metavar="ADDRESSES")
]
Master = Annotated[bool, _load("--master", help="Lead workers on other machines.")]
Worker = Annotated[bool, _load("--worker", help="Work for a master.")]
MasterHost = Annotated[str, _load("--master-host", help="Where the master is.")]
MasterPort = Annotated[int, _load("--master-port", help="The port where they meet.", min=1, max=65535)]
JoinTimeout = Annotated[str, _load("--join-timeout", help="How long master and workers wait for each other.")]
ExpectWorkers = Annotated[int, _load("--expect-workers", help="Start when so many workers are there.", min=1)]

Out = Annotated[Path | None, _output("--out", help="The run folder; default: a new one below runs/.")]
JUnit = Annotated[Path | None, _output("--junit", help="Write JUnit XML here too.")]
Sarif = Annotated[Path | None, _output("--sarif", help="Write SARIF here.")]
AsJson = Annotated[bool, _output("--json", help="Print the result document as JSON, and nothing else.")]
Quiet = Annotated[bool, _output("--quiet", "-q", help="Print findings (of every level) and errors only.")]
Verbose = Annotated[bool, _output("--verbose", "-v", help="Name the rules that passed or were not observed, too.")]
