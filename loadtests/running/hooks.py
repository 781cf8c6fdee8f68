"""Where Locust's events meet a run: who creates nodes and conductors, and how processes talk.

Alone, a process has both, and orders are calls. With workers, each has a node; the master has the conductor,
orders and reports are Locust messages. Importing this module registers the listeners.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import sys
import traceback
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any, Final
from weakref import WeakKeyDictionary

import gevent
from locust import argument_parser, events, runners
from locust.argument_parser import LocustArgumentParser
from locust.env import Environment
from locust.rpc import Message
from locust.runners import STATE_MISSING, LocalRunner, MasterRunner, Runner, WorkerRunner
from locust.stats import CSV_STATS_INTERVAL_SEC

from ssegauge.conformance.errors import CannotJudge
from ssegauge.conformance.recording.keeper import end_with_parent
from ssegauge.conformance.runfolder import RunFolder
from ssegauge.conformance.target import Target
from ssegauge.loadtests.measuring import samples, server, shape
from ssegauge.loadtests.measuring.shape import Shape
from ssegauge.loadtests.running.conductor import FLUSH_S, Conductor, Plan
from ssegauge.loadtests.running.live import Live
from ssegauge.loadtests.running.locust_stats import log_failures, log_replies, log_samples
from ssegauge.loadtests.running.node import Node
from ssegauge.loadtests.running.node.asking import PATIENCE_S
from ssegauge.loadtests.running.node.node import Part
from ssegauge.loadtests.running.options import (
    SOURCE_VARIABLE,
    STATUS_VARIABLE,
    TARGET_VARIABLE,
    add_options,
    orders_of,
    target_of,
)
from ssegauge.loadtests.running.orders import Orders
from ssegauge.loadtests.running.sources import addresses

ORDER: Final = "ssegauge-order"
REPORT: Final = "ssegauge-report"
REPORT_S: Final = 0.5
LIVENESS: Final = (
    8  # heartbeats (a second each) that a worker may owe: Locust's three declare one dead that opens streams
)
SUMMING_UP_S: Final = 0.005  # at most, for each stream, where a worker has many
EXIT_CODES: Final = {"pass": 0, "fail": 1, "could_not_judge": 2}
_runs: WeakKeyDictionary[Environment, Run] = WeakKeyDictionary()


class Run:
    """What one process has of a run: a node, a conductor, or both."""

    def __init__(self, environment: Environment) -> None:
        self.environment = environment
        self.runner: Runner = _runner(environment)
        self.orders = orders_of(environment.parsed_options, _target(environment))
        self.target = self.orders.target
        self.node: Node | None = None
        self.conductor: Conductor | None = None
        self._loops: list[gevent.Greenlet] = []
        self._before: dict[str, Counter[str]] = {"failures": Counter(), "drops": Counter()}
        self._expected: set[str] = set()  # workers, when the run began
        self._conducting = self._finished = False
        self._live: Live | None = None
        self._folder: RunFolder | None = None  # when nobody else keeps it

    def start(self) -> None:
        """Make what this process has; set its loops going."""
        if not isinstance(self.runner, MasterRunner):
            _calm_the_collector()
            self.node = Node(self.target, _part(self))
            if _asks(self):
                self.node.take_orders(self.orders)
            self._loops.append(gevent.spawn(self._report_loop))
        if not isinstance(self.runner, WorkerRunner):
            self._folder = _own_folder(self.environment, self.target)
            self.conductor = Conductor(_plan(self, self._folder), self.target, self)
            self._live = _live(self.conductor.plan.out, self.environment)
            _keep_no_history(self.environment)
            self._loops.append(gevent.spawn(self._flush_loop))
            self._expected = _workers(self.runner)
            if pid := server.process_of(self.target):
                self._loops.append(gevent.spawn(server.watch, pid, self.conductor.rows))

    def conduct(self) -> None:
        """Lead the run from when all users are there; end it when its time is up."""
        if self.conductor and not self._conducting:  # once: Locust says so after each change of users
            self._conducting = True
            there = _workers(self.runner)
            self._expected |= there
            self.conductor.nodes = len(there) or 1
            self._loops.append(gevent.spawn(self._conduct, self.conductor))

    def finish(self) -> None:
        """Drain, gather the last reports, write the run folder; once, and before Locust stops anything."""
        if not self.conductor or self._finished:
            return
        self._finished = True
        gevent.killall([loop for loop in self._loops[1:] if loop is not gevent.getcurrent()])
        self.conductor.finish()
        self._await_finals()
        gevent.killall([loop for loop in self._loops if loop is not gevent.getcurrent()])
        self._report(final=True)
        if missing := self.conductor.reported.missing(self._expected):
            self.conductor.complaint = _ended_early(missing)
        document = self.conductor.conclude()
        if self._live:
            self._live.stop()
        if self._folder:
            self._folder.finish()
        self.environment.process_exit_code = EXIT_CODES[document["verdict"]]
        if self.environment.parsed_options and self.environment.parsed_options.csv_prefix:
            gevent.sleep(1.5 * CSV_STATS_INTERVAL_SEC)  # Locust writes its files once in that time, and not at the end

    def obey(self, order: Mapping[str, Any]) -> None:
        """Do the conductor's order; after the last one, send the last report."""
        assert self.node
        self.node.obey(order)
        if order["do"] == "drain" and isinstance(self.runner, WorkerRunner):
            self._report(final=True)

    def receive(self, node: str, report: Mapping[str, Any]) -> None:
        """Take a report, in the conductor's process."""
        if self.conductor:
            self._log(self.conductor.take(node, report))

    def _conduct(self, conductor: Conductor) -> None:
        options = self.environment.parsed_options
        try:
            conductor.conduct()
            self.finish()
        except Exception:  # noqa: BLE001 - a defect of ours is no reason to run for ever
            traceback.print_exc()
        if options and options.headless:
            self.runner.quit()
        else:
            self.runner.stop()

    def tell(self, order: Mapping[str, Any]) -> None:
        """Pass the conductor's order on to every node."""
        if self.node:
            self.node.obey(order)
        else:
            self.runner.send_message(ORDER, dict(order))

    def refresh(self) -> None:
        """Let the conductor know the latest counts; those of workers come by themselves."""
        self._report()

    def say(self, status: Mapping[str, Any]) -> None:
        """Tell the process that started us what goes on; when it is gone, there is nobody to run for."""
        if self._live:
            self._live.take(status)
        if not (descriptor := os.environ.get(STATUS_VARIABLE)):
            return
        try:
            os.write(int(descriptor), json.dumps(status).encode() + b"\n")
        except BrokenPipeError:
            del os.environ[STATUS_VARIABLE]
            gevent.spawn(self.runner.quit)

    def _await_finals(self) -> None:
        if isinstance(self.runner, MasterRunner):
            limit_s = 5 * 2 * self.target.limits.update_s + 5 + (PATIENCE_S[1] if _asks(self) else 0.0)
            limit_s += SUMMING_UP_S * (self.conductor.plan.users if self.conductor else 0)
            with gevent.Timeout(limit_s, False):
                while self.conductor and set(self.conductor.reported.missing(())) & _workers(self.runner):
                    gevent.sleep(REPORT_S / 5)

    def _report_loop(self) -> None:
        while True:
            gevent.sleep(REPORT_S)
            self._report()

    def _report(self, *, final: bool = False) -> None:
        if not self.node:
            return
        report = self.node.report() | {"final": final}
        replies, self.node.replies = self.node.replies, []
        log_replies(self.environment.stats, replies)
        if isinstance(self.runner, WorkerRunner):
            self._log_failures(report["counts"])
            self._log(samples.matrix(report["rows"]))
            self.runner.send_message(REPORT, report)
        else:
            self._log_failures(report["counts"])
            self.receive("local", report)

    def _flush_loop(self) -> None:
        assert self.conductor
        while True:
            gevent.sleep(FLUSH_S)
            self._log(self.conductor.take_own())
            self.conductor.flush()

    def _log(self, rows: samples.Floats) -> None:
        existing = self.target.existing
        log_samples(self.environment.stats, rows, f"{existing.method} {existing.path}" if existing else "")

    def _log_failures(self, counts: Mapping[str, Any]) -> None:
        for kind, name in (("failures", "SSE connect"), ("drops", "SSE stream")):
            now = Counter(counts[kind])
            log_failures(self.environment.stats, self._before[kind], now, name)
            self._before[kind] = now


def _calm_the_collector() -> None:
    """Keep Python's cycle collector from stopping everything: over 18,000 streams a full pass takes a second.

    What a stream leaves behind is freed by reference counts, as closing it breaks its one cycle.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 50, 1000)


def _keep_no_history(environment: Environment) -> None:
    """Have Locust keep no course of its statistics where no page, file or report of its own shows it: it has no end."""
    options = environment.parsed_options
    if options and options.headless and not (options.csv_prefix or options.html_file):
        for one in (environment.stats, environment.stats.total):
            one.use_response_times_cache = False


def node_of(environment: Environment) -> Node:
    """Return the node of this process; raises CannotJudge outside of a run."""
    run = _runs.get(environment)
    if not run or not run.node:
        raise CannotJudge("no run is going on; SSEUser needs Locust")
    return run.node


def streams_of(environment: Environment) -> int:
    """Return how many streams each Locust user watches: as told, or as its class says."""
    told = getattr(environment.parsed_options, "ssegauge_streams", 0)
    return int(told or getattr(environment.user_classes[0], "streams", 1))


def _part(run: Run) -> Part:
    return Part(
        number=getattr(run.runner, "worker_index", 0),
        measure=_measured(run.environment),
        opening_rate=_opening_rate(run.environment),
        sources=addresses(os.environ.get(SOURCE_VARIABLE, "")),
        shaped=bool(_shape(run.environment)),
        herds=_herds(run.environment),
        publishes=_publishes(run),
    )


def _opening_rate(environment: Environment) -> float:
    """Return how many streams this process opens per second: its share, where a master leads several."""
    options = environment.parsed_options
    rate = getattr(options, "ssegauge_opening_rate", 0.0)
    rate = rate or (getattr(options, "spawn_rate", None) or 1.0) * streams_of(environment)
    workers = getattr(options, "expect_workers", 1) if isinstance(environment.runner, WorkerRunner) else 1
    return float(rate) / max(1, workers)


def _runner(environment: Environment) -> Runner:
    assert environment.runner, "Locust creates the runner before it fires init"
    return environment.runner


def _target(environment: Environment) -> Target:
    paths = [getattr(user, "path", "") for user in environment.user_classes]
    return target_of(environment.parsed_options, next(filter(None, paths), ""))


def _own_folder(environment: Environment, target: Target) -> RunFolder | None:
    """Make the run folder, unless the process that started us has."""
    options = environment.parsed_options
    if TARGET_VARIABLE in os.environ or not options:
        return None
    return RunFolder.create(Path(options.ssegauge_out) if options.ssegauge_out else None, target, sys.argv)


def _plan(run: Run, folder: RunFolder | None) -> Plan:
    options = run.environment.parsed_options
    assert options
    user = run.environment.user_classes[0]
    moves = getattr(user, "drives", False) and bool(run.target.task.update and run.target.task.create_manual)
    return Plan(
        scenario=getattr(user, "scenario", "custom"),
        out=folder.path if folder else _unused(Path(options.ssegauge_out)),
        users=0 if _arriving(run) else _users(run) * streams_of(run.environment),
        rate=options.ssegauge_rate,
        duration_s=options.ssegauge_duration or None,
        drives=moves or _publishes(run),
        publishes=_publishes(run),
        phased=_is_phased(run),
        herds=_herds(run.environment),
        shape=_shape(run.environment),
        extend_s=options.ssegauge_extend,
        orders=run.orders if _asks(run) else None,
        abort_on=tuple(filter(None, options.ssegauge_abort_on.split(";"))),
        asked=tuple(filter(None, options.ssegauge_objective.split(";"))),
    )


def _users(run: Run) -> int:
    options = run.environment.parsed_options
    return run.runner.target_user_count or (options.num_users if options else None) or 1


def _publishes(run: Run) -> bool:
    """Whether the scenario is driven by what is published, since there are no tasks to move."""
    target, options = run.target, run.environment.parsed_options
    drives = getattr(run.environment.user_classes[0], "drives", False) and not target.needs_task
    return drives and target.publishes_to_all and bool(options and options.ssegauge_rate > 0)


def _herds(environment: Environment) -> bool:
    return bool(getattr(environment.user_classes[0], "herds", False))


def _shape(environment: Environment) -> Shape | None:
    text = getattr(environment.parsed_options, "ssegauge_shape", "")
    return shape.parse(text) if text else None


def _asks(run: Run) -> bool:
    """Whether the run is one of requests and their answers."""
    return bool(getattr(run.environment.user_classes[0], "asks", False))


def _arriving(run: Run) -> Orders | None:
    """Return the orders where requests arrive by a plan, and no users ask."""
    return run.orders if _asks(run) and run.orders.arrivals else None


def _live(folder: Path, environment: Environment) -> Live:
    port = getattr(environment.parsed_options, "ssegauge_metrics_port", 0)
    try:
        return Live(folder, port)
    except OSError as error:
        why = os.strerror(error.errno) if error.errno else str(error)
        raise CannotJudge(f"--metrics-port {port}: cannot listen there ({why}); choose another port") from None


def _workers(runner: Runner) -> set[str]:
    """Return the workers that are there: one that has died stays in Locust's list for a minute."""
    if not isinstance(runner, MasterRunner):
        return set()
    return {name for name, client in runner.clients.items() if client.state != STATE_MISSING}


def _ended_early(nodes: Sequence[str]) -> str:
    names = ", ".join(nodes)
    return f"ended before their time: {names}; what they had not reported by then is missing, so nothing can be judged"


def _measured(environment: Environment) -> str:
    return str(environment.parsed_options.ssegauge_measure) if environment.parsed_options else ""


def _unused(folder: Path) -> Path:
    """Return the run folder, or for a further test from Locust's page one below it."""
    if not (folder / "load.json").exists():
        return folder
    return next(below for number in count(2) if not (below := folder / f"test-{number}").exists())


def _is_phased(run: Run) -> bool:
    """Whether streams are held in every other phase only, to compare the existing endpoint without and with them."""
    scenario = getattr(run.environment.user_classes[0], "scenario", "")
    return scenario == "progress" and run.target.existing is not None and not _shape(run.environment)


def _stop_with(environment: Environment, error: CannotJudge) -> None:
    print(f"ssegauge: {error}", file=sys.stderr)
    environment.process_exit_code = EXIT_CODES["could_not_judge"]
    if environment.runner:
        gevent.spawn(environment.runner.quit)


def _on_parser(parser: LocustArgumentParser, **_: object) -> None:
    add_options(parser)


def _on_init(runner: Runner, **_: object) -> None:
    def on_order(environment: Environment, msg: Message, **_: object) -> None:
        _runs[environment].obey(msg.data)

    def on_report(environment: Environment, msg: Message, **_: object) -> None:
        if run := _runs.get(environment):
            run.receive(msg.node_id, msg.data)

    if STATUS_VARIABLE in os.environ:  # the process that started us, or of a worker the master, takes us with it
        end_with_parent(signal.SIGTERM)
    if isinstance(runner, WorkerRunner):
        _leave_the_telling_to_the_master()
        runner.register_message(ORDER, on_order, concurrent=True)
    elif isinstance(runner, MasterRunner):
        runner.register_message(REPORT, on_report)
        runners.HEARTBEAT_LIVENESS = LIVENESS


def _leave_the_telling_to_the_master() -> None:
    """Close the way to the process that started us: as long as anybody holds it, that one waits for more."""
    if descriptor := os.environ.pop(STATUS_VARIABLE, ""):
        os.close(int(descriptor))


def _on_test_start(environment: Environment, **_: object) -> None:
    try:
        _runs[environment] = Run(environment)
        _runs[environment].start()
    except CannotJudge as error:
        _stop_with(environment, error)


def _on_spawning_complete(**_: object) -> None:
    for run in list(_runs.values()):
        run.conduct()


def _on_test_stopping(environment: Environment, **_: object) -> None:
    run = _runs.get(environment)
    if run and isinstance(run.runner, LocalRunner | MasterRunner):
        run.finish()


# A worker asks for these once for each of the master's hundred options, at each of its messages to start users; each
# time Locust builds its whole parser anew: seconds in which the worker does nothing else.
argument_parser.default_args_dict = cache(argument_parser.default_args_dict)

_LISTENERS: Final[Mapping[Any, Any]] = {
    events.init_command_line_parser: _on_parser,
    events.init: _on_init,
    events.test_start: _on_test_start,
    events.spawning_complete: _on_spawning_complete,
    events.test_stopping: _on_test_stopping,
}
for hook, listener in _LISTENERS.items():
    hook.add_listener(listener)
