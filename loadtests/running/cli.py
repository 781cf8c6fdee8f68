"""``ssegauge load``: Locust in a process of its own, watched from here.

Locust patches the process that imports it, so this module imports neither it nor gevent. ``run_load`` starts
the scenario, passes on what it says goes on, and returns load.json's document. Interrupted (Ctrl-C), it lets
the run drain and save, and then raises KeyboardInterrupt; interrupted again, it stops at once. Whatever
happens, no process is left behind.
"""

from __future__ import annotations

import contextlib
import resource
import socket
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from ssegauge.conformance.errors import CannotJudge
from ssegauge.conformance.runfolder import RunFolder
from ssegauge.conformance.target import Target
from ssegauge.loadtests.judging import asked, capacity, guard
from ssegauge.loadtests.running import choices, process
from ssegauge.loadtests.running.joining import WEB_HOST, await_master, check_free, check_together, lonely
from ssegauge.loadtests.running.orders import orders
from ssegauge.loadtests.running.process import REQUESTS, Status
from ssegauge.loadtests.running.sources import addresses

SCENARIOS: Final = Path(__file__).parents[1] / "scenarios"
LOCUST: Final = "ssegauge.loadtests.running.locust_command"

SPARE_DESCRIPTORS: Final = 200  # connections for updates and pings, files, Locust's own
MANY_STREAMS: Final = 1000  # from which on Locust's users hold several each,
MOST_PER_USER: Final = 100  # so many at most,
USERS_PER_PROCESS: Final = 10  # and enough of them to be spread evenly
FIRST_PROBE: Final = 50  # streams, where the search of the limit begins
REACHABLE_S: Final = 4.0


@dataclass(frozen=True, slots=True)
class Options:
    """What to run. Seconds; users and updates per second; ``processes`` 0 is one process without a master.

    Without a scenario it is progress where the target has the hooks for it, else watch.
    """

    scenario: str = ""
    users: int = 50
    spawn_rate: float = 100.0
    duration_s: float = 30.0
    rate: float = 25.0
    extend_s: float = 30.0
    shape: str = ""
    measure: str = ""
    objectives: tuple[str, ...] = ()
    abort_on: tuple[str, ...] = ()
    arrivals: str = ""
    think_s: float = 0.0
    requests: str = ""
    prompts: str = ""
    shared_prefix: int = 0
    web: bool = False
    web_port: int = 8089
    metrics_port: int = 0
    processes: int = 0
    master: bool = False
    worker: bool = False
    master_host: str = "127.0.0.1"
    master_port: int = 5557
    expect_workers: int = 1
    join_s: float = 60.0
    source: str = ""


def run_load(
    target: Target, out: Path, options: Options, on_progress: Callable[[Status], None] | None = None
) -> dict[str, Any]:
    """Run a load test into an existing run folder; return the load.json document.

    Raises CannotJudge in one line when nothing could be run, and KeyboardInterrupt, after saving, when
    interrupted. Of a worker see ``run_worker``.
    """
    check_together(options)
    addresses(options.source)
    options = choices.shaped(with_scenario(options, target), target)
    options = replace(options, objectives=(*stated(target), *options.objectives))
    for text in options.objectives:
        asked.parse(text)
    for text in options.abort_on:
        guard.parse(text)
    check_stated(options, target)
    target = check_requests(options, target)
    line = command(options, out)
    if options.web:
        check_free("--web-port", options.web_port)
        line += ["--host", target.base_url]
    if options.metrics_port:
        check_free("--metrics-port", options.metrics_port)
    make_room(options)
    check_reachable(target)
    with tempfile.TemporaryFile() as log:
        interrupted, last = process.watch(line, target, options.source, log, on_progress or _nobody)
        with contextlib.suppress(CannotJudge) if interrupted else contextlib.nullcontext():
            why = lonely(options, said := process.tail(log)) or said
            document = process.document(out) or process.rescued(target, out, options, last, why)
    if interrupted:
        raise KeyboardInterrupt
    return document


def find_limit(
    target: Target, out: Path, options: Options, on_progress: Callable[[Status], None] | None = None
) -> dict[str, Any]:
    """Search the most streams within every objective, from 50 up to ``options.users``; return the document.

    It is that of the largest run that passed (else of the smallest), with the capacity as one more objective;
    the samples of that run become those of the run folder. Raises like ``run_load``.
    """
    check_together(options, search=True)
    runs: dict[int, dict[str, Any]] = {}
    choices.check_limit(options)
    alone = replace(target, existing=None, shape="")  # phases would hold streams for half of the time only

    def probe(users: int) -> dict[str, Any]:
        folder = out / "limit" / str(users)
        folder.mkdir(parents=True)
        runs[users] = run_load(alone, folder, replace(options, users=users), on_progress)
        return runs[users]

    found = capacity.search(probe, FIRST_PROBE, options.users)
    shown = found.low or min(runs)
    document = runs[shown]
    document["objectives"].append(capacity.objective(found, target.limits.concurrent))
    document["verdict"] = document["objectives"][-1]["verdict"]
    document["probes"] = capacity.probes(runs)
    (out / "limit" / str(shown) / "samples").rename(out / "samples")
    RunFolder(out, target).write("load.json", document)
    return document


def run_worker(target: Target, options: Options) -> None:
    """Run a worker for a master elsewhere, which gets all that is measured; returns when the master says so.

    How many streams it holds the master says, so the limit of open files is only raised here. Raises CannotJudge when
    there is no master, or it is lost.
    """
    check_together(options)
    addresses(options.source)
    make_room(replace(options, users=0))
    await_master(options)
    with tempfile.TemporaryFile() as log:
        line = command(with_scenario(options, target), Path())
        interrupted, _ = process.watch(line, target, options.source, log, _nobody)
        if alone := lonely(options, process.tail(log)):
            raise CannotJudge(alone)
    if interrupted:
        raise KeyboardInterrupt


def scenario_file(scenario: str) -> Path:
    """Return the locustfile of a scenario's name, or of a path to one's own."""
    if scenario_is_ours(scenario):
        return SCENARIOS / f"{scenario}.py"
    if Path(scenario).is_file():
        return Path(scenario).resolve()
    raise CannotJudge(choices.no_scenario(scenario, sorted(file.stem for file in SCENARIOS.glob("[!_]*.py"))))


def with_scenario(options: Options, target: Target) -> Options:
    """Choose a scenario where none is asked for; raise CannotJudge when the target lacks what it lives on."""
    driven = target.task.create_manual and target.task.update
    usual = REQUESTS if any(of_requests(options).values()) or target.promises.token is not None else "watch"
    scenario = options.scenario or ("progress" if driven else usual)
    if scenario == "progress" and not driven:
        remedy = "add [task.create_manual] and [task.update] to the target file, or use --scenario watch"
        raise CannotJudge(f"--scenario progress triggers updates of tasks of its own; {remedy}")
    if scenario == "watch" and target.needs_task and not (driven or target.task.create):
        raise CannotJudge("stream.path wants a {task_id}; add [task.create] to the target file")
    return replace(options, scenario=scenario)


def stated(target: Target) -> tuple[str, ...]:
    """Return the target file's own objectives; raise CannotJudge for one that is none."""
    for text in target.objectives:
        asked.parse(text, "objectives")
    return target.objectives


def check_stated(options: Options, target: Target) -> None:
    """Raise CannotJudge for an objective that a scenario of ours cannot have; of others their own process knows."""
    if not scenario_is_ours(options.scenario):
        return
    kind = {"asks": options.scenario == REQUESTS, "herds": options.scenario == choices.HERD}
    choices.check_possible(options.objectives, options.abort_on, target, **kind)


def of_requests(options: Options) -> dict[str, Any]:
    """Return the options that say which requests are made."""
    names = ("arrivals", "think_s", "requests", "prompts", "shared_prefix")
    return {name: getattr(options, name) for name in names}


def check_requests(options: Options, target: Target) -> Target:
    """Return the target, with the secrets in its requests; raise CannotJudge where no such requests can be made."""
    told = of_requests(options)
    if options.scenario == REQUESTS and target.needs_task:
        raise CannotJudge("--scenario requests asks for streams that need no task; take {task_id} out of the stream")
    if scenario_is_ours(options.scenario) and options.scenario != REQUESTS and any(told.values()):
        name = next(name for name, value in told.items() if value).removesuffix("_s").replace("_", "-")
        raise CannotJudge(f"--{name} is for --scenario requests, not {options.scenario}")
    return orders(target, **told).target


def streams_per_user(options: Options) -> int:
    """Return how many streams each Locust user is to hold, so that all are held: a user costs more than a stream."""
    if options.users < MANY_STREAMS or not scenario_is_ours(options.scenario):
        return 1
    most = min(MOST_PER_USER, options.users // (USERS_PER_PROCESS * max(1, options.processes, options.expect_workers)))
    return next(count for count in range(max(1, most), 0, -1) if options.users % count == 0)


def scenario_is_ours(scenario: str) -> bool:
    """Whether a scenario is one of those that come with ssegauge."""
    return scenario.isidentifier() and (SCENARIOS / f"{scenario}.py").is_file()


def make_room(options: Options, option: str = "--users") -> None:
    """Raise the limit of open files to what the system allows; raise CannotJudge when that is too few.

    A master holds no streams.
    """
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    wanted = (0 if options.master else options.users // max(1, options.processes)) + SPARE_DESCRIPTORS
    if most != resource.RLIM_INFINITY and wanted > most:
        fewer = (
            f"use {option} {most - SPARE_DESCRIPTORS} or fewer, --processes, or " if most > SPARE_DESCRIPTORS else ""
        )
        remedy = f"{fewer}raise `ulimit -Hn`"
        raise CannotJudge(f"{option} {options.users}: a process here may open only {most} files; {remedy}")


def check_reachable(target: Target) -> None:
    """Raise CannotJudge when nobody listens at the target's address."""
    parts = urlsplit(target.base_url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        socket.create_connection((parts.hostname or "", port), timeout=REACHABLE_S).close()
    except OSError as error:
        why = error.strerror or str(error)
        address = f"{target.base_url.rstrip('/')}{target.stream.path}"
        raise CannotJudge(f"{address}: cannot connect ({why}); is the server running?") from None


def command(options: Options, out: Path) -> list[str]:
    """Return the command line of the Locust process."""
    locustfile = scenario_file(options.scenario)
    port = _free_port() if options.processes and not options.worker else options.master_port
    if options.arrivals:  # nobody waits for an answer, so there are no users: each process has one that does nothing
        options = replace(options, users=max(1, options.processes, options.expect_workers))
    # -P: what stands in the user's current folder must not hide what we import.
    line = [sys.executable, "-P", "-m", LOCUST, "-f", str(locustfile), "--loglevel", "WARNING"]
    streams = streams_per_user(options)
    line += ["--users", str(options.users // streams), "--spawn-rate", str(options.spawn_rate / streams)]
    line += ["--opening-rate", str(options.spawn_rate)]
    line += ["--only-summary", "--streams", str(streams if scenario_is_ours(options.scenario) else 0)]
    line += ["--out", str(out), "--rate", str(options.rate), "--duration", str(options.duration_s)]
    line += ["--extend", str(options.extend_s), "--measure", options.measure, "--shape", options.shape]
    line += ["--arrivals", options.arrivals, "--think", str(options.think_s), "--prompts", options.prompts]
    line += ["--requests", options.requests and str(Path(options.requests).resolve())]
    line += ["--shared-prefix", str(options.shared_prefix)]
    line += ["--metrics-port", str(options.metrics_port)]
    line += ["--abort-on", ";".join(options.abort_on)]
    line += ["--objective", ";".join(options.objectives)]
    switches = {
        ("--headless",): not options.web and not options.worker,
        ("--web-port", str(options.web_port), "--web-host", WEB_HOST): options.web,
        ("--processes", str(options.processes)): options.processes > 0,
        ("--master", "--expect-workers", str(options.expect_workers)): options.master,
        ("--expect-workers-max-wait", str(max(1, round(options.join_s)))): options.master,
        ("--worker", "--master-host", options.master_host): options.worker,
        # Processes of one machine meet at a port of their own, so that two runs do not meet each other.
        ("--master-bind-port", str(port), "--master-port", str(port)): True,
    }
    return line + [word for words, wanted in switches.items() if wanted for word in words]


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    return port


def describe(status: Status) -> str:
    """Return a status in one line for the terminal."""
    pace = _pace(status)
    left = "" if not status["left_s"] else f", {status['left_s']:.0f} s left"
    p99 = "" if status["p99_ms"] is None else f", p99 {status['p99_ms']:g} ms"
    trouble = "".join(f", {status[name]} {name}" for name in ("failed", "dropped", "refused") if status[name])
    if status.get("finished") is not None:
        ended = f"{status['finished']} answers finished" if status["finished"] else "no answer has ended yet"
        finished = f"{status['open']} streams open, {ended}"
        return f"{status['stage']}: {finished}{pace}{p99}{trouble}{left}"
    streams = f"{status['open']} of {status['users']} streams open"
    sent = "" if status["rate"] is None else f"{status['sent']} updates sent, "
    updates = f"{sent}{status['received']} received" if sent else f"{status['received']} events timed"
    return f"{status['stage']}: {streams}, {updates}{pace}{p99}{trouble}{left}"


def _pace(status: Status) -> str:
    """Return how much comes each second, where that is known."""
    if not status.get("events_per_s"):
        return ""
    size = status["bytes_per_s"]
    told = f"{size / 1e6:.1f} MB/s" if size >= 1e6 else f"{size / 1e3:.1f} kB/s"
    return f", {status['events_per_s']:,.0f} events/s, {told}"


def _nobody(_: Status) -> None:
    """Nobody wants to know."""
